/* SPDX-License-Identifier: MIT */
/* Requests, and the results that services/http/parse/http_parse must give. For test_http_parse. */
#ifndef UNIT_HTTP_REQUESTS_H
#define UNIT_HTTP_REQUESTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "services/http/parse/http_parse.h"

struct http_taken {
	const char *text; /* the head only */
	enum http_method method;
	const char *path, *query; /* query NULL: there is none */
	unsigned minor;
	bool keep_alive, expect_continue;
	uint64_t content_length;
};

struct http_refused {
	const char *text; /* may hold NULs */
	size_t length;
	unsigned status;
};

extern const struct http_taken http_taken[];
extern const size_t http_taken_count;
extern const struct http_refused http_refused[];
extern const size_t http_refused_count;

#endif
