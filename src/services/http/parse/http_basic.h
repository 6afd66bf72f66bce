/* SPDX-License-Identifier: MIT */
/* The credentials of basic authentication (RFC 7617). Pure. For HTTP services, in a worker. */
#ifndef SERVICES_HTTP_HTTP_BASIC_H
#define SERVICES_HTTP_HTTP_BASIC_H

#include <stdbool.h>
#include <stddef.h>

#include "services/http/parse/http_text.h"

enum { HTTP_BASIC_MOST = 767 }; /* bytes of USER:PASSWORD */

/* Both with a NUL at the end and none before it; they lie in bytes. */
struct http_basic {
	char bytes[HTTP_BASIC_MOST + 1];
	size_t length; /* of USER:PASSWORD, whose colon is a NUL */
	const char *user, *password;
};

/*
 * Reads the value of Authorization. False when it is not the scheme Basic, is longer than
 * HTTP_BASIC_MOST, or is not base64 (with its padding or without) of USER:PASSWORD, both without
 * control characters. The caller wipes the struct in either case.
 */
bool http_basic_read(struct http_basic *basic, struct http_text value);

#endif
