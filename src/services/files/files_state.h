/* SPDX-License-Identifier: MIT */
/* What the service http keeps with each connection. For services/files, in a worker. */
#ifndef SERVICES_FILES_FILES_STATE_H
#define SERVICES_FILES_FILES_STATE_H

#include "services/files/file_parts.h"
#include "services/http/http_session.h"

/* An answer that goes on. */
enum files_answer { FILES_NONE, FILES_PARTS };

struct files {
	struct http_session session;
	struct file_parts parts; /* FILES_PARTS */
	uint8_t answer;          /* enum files_answer */
};

#endif
