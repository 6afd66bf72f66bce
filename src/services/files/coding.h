/* SPDX-License-Identifier: MIT */
/* The codings in which a file may lie beside itself: x.css.gz beside x.css. In a worker. */
#ifndef SERVICES_FILES_CODING_H
#define SERVICES_FILES_CODING_H

#include "services/http/parse/http_accept.h"

enum { CODINGS = 3, CODING_EXTENSION = 8 };

struct coding {
	const char *name;      /* as in Content-Encoding */
	const char *extension; /* of the file, with its dot */
};

/*
 * Writes the codings that the client would not less have than none to list, the one that it prefers
 * first; of those that it likes as much, the one that is smallest in general. Returns their number.
 * head: as in http_field_value.
 */
unsigned coding_choose(const struct http_request *request, const char *head,
		       const struct coding **list);

#endif
