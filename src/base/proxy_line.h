/* SPDX-License-Identifier: MIT */
/* The PROXY header of version 1, a line of text. Only for base/proxy_header.c. Pure. */
#ifndef BASE_PROXY_LINE_H
#define BASE_PROXY_LINE_H

#include "base/proxy_facts.h"

enum {
	PROXY_LINE_START = 6,  /* bytes of "PROXY " */
	PROXY_LINE_MOST = 107, /* bytes, with CR LF */
};

/*
 * Reads the line that begins with PROXY and a blank. Sets *length to its length with CR LF, or to 0
 * while it has not come whole. Returns what is wrong with it, as early as that shows.
 */
enum proxy_error proxy_line_read(const char *bytes, size_t size, struct proxy_facts *facts,
				 size_t *length);

#endif
