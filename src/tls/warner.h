/* SPDX-License-Identifier: MIT */
/* Where warnings go: -t prints them, the master logs them. */
#ifndef TLS_WARNER_H
#define TLS_WARNER_H

enum { TLS_WARNING = 768 }; /* the size of a text */

struct tls_warner {
	void (*tell)(void *context, const char *text);
	void *context;
};

#endif
