/* SPDX-License-Identifier: MIT */
/* What the service http keeps with each connection. For services/files, in a worker. */
#ifndef SERVICES_FILES_SEND_FILES_STATE_H
#define SERVICES_FILES_SEND_FILES_STATE_H

#include "services/files/send/file_parts.h"
#include "services/http/http_session.h"

/* How far a listing is sent. */
struct listing {
	uint64_t hash;        /* sorted: of the rows (index_names_hash) */
	int64_t at;           /* not sorted: where the folder is read from */
	uint32_t sent, count; /* entries; count: of a sorted one */
	bool is_sorted, has_begun;
	bool is_made; /* sorted: the table was made once, hash and count are known */
};

/* An answer that goes on. */
enum files_answer { FILES_NONE, FILES_PARTS, FILES_LISTING };

struct files {
	struct http_session session;
	union {
		struct file_parts parts; /* FILES_PARTS */
		struct listing listing;  /* FILES_LISTING */
	};
	uint8_t answer; /* enum files_answer */
};

#endif
