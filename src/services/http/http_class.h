/* SPDX-License-Identifier: MIT */
/*
 * What a byte may be part of in a request (RFC 9110, RFC 9112, RFC 3986): one look-up for each. For
 * the request reader's own files.
 */
#ifndef SERVICES_HTTP_HTTP_CLASS_H
#define SERVICES_HTTP_HTTP_CLASS_H

#include <stdbool.h>
#include <stdint.h>

enum http_class {
	HTTP_TOKEN = 1, /* a method, a header's name */
	HTTP_TARGET =
		2, /* a target: any visible ASCII but #, for browsers send more than RFC 3986 has */
	HTTP_HOST = 4 /* a host's name: unreserved, sub-delims and % */
};

extern const uint8_t http_classes[256];

static inline bool http_is(char c, enum http_class class)
{
	return (http_classes[(unsigned char)c] & class) != 0;
}

#endif
