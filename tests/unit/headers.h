/* SPDX-License-Identifier: MIT */
/* Headers of the PROXY protocol (base/proxy_header.h), for tests of all that has to do with it. */
#ifndef UNIT_HEADERS_H
#define UNIT_HEADERS_H

#include <stddef.h>

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define INET      "\xc0\0\2\1\xc6\x33\x64\2\x30\x39\1\xbb" /* 192.0.2.1:12345, 198.51.100.2:443 */

/* The same two addresses in version 1, and in version 2 with an authority and a vector beside. */
#define HEADER_LINE   "PROXY TCP4 192.0.2.1 198.51.100.2 12345 443\r\n"
#define HEADER_BINARY SIGNATURE "\x21\x11\0\x1c" INET "\2\0\7a.b.com\xea\0\3xyz"

/* As the last one, with what a proxy says of TLS. */
#define HEADER_SSL                                                     \
	SIGNATURE "\x21\x11\0\x2e" INET "\2\0\7a.b.com\xea\0\3xyz\x20" \
		  "\0\xf\1\0\0\0\7\x21\0\7TLSv1.3"

/* May have NUL bytes. */
struct header {
	const char *bytes;
	size_t size;
};

#define HEADER(literal)                         \
	{                                       \
		(literal), sizeof(literal) - 1, \
	}

#endif
