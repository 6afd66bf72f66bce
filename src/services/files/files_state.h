/* SPDX-License-Identifier: MIT */
/* What the service http keeps with each connection. For services/files, in a worker. */
#ifndef SERVICES_FILES_FILES_STATE_H
#define SERVICES_FILES_FILES_STATE_H

#include "services/files/autoindex.h"
#include "services/files/file_parts.h"
#include "services/http/http_session.h"

/* An answer that goes on. */
enum files_answer { FILES_NONE, FILES_PARTS, FILES_LISTING };

struct files {
	struct http_session session;
	union {
		struct file_parts parts;  /* FILES_PARTS */
		struct autoindex listing; /* FILES_LISTING */
	};
	uint8_t answer; /* enum files_answer */
};

#endif
