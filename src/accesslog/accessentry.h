/* SPDX-License-Identifier: MIT */
/*
 * What a line of the access log tells of a connection or a request (tables/access_fields.def), in
 * any format. Data only. For the access log and those that fill it.
 */
#ifndef ACCESSLOG_ACCESSENTRY_H
#define ACCESSLOG_ACCESSENTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "config/conf_fields.h"

/* A text that may lack its NUL; NULL: no text. */
struct access_text {
	const char *text;
	size_t length;
};

/* NULL: unknown. */
struct access_remote {
	const struct net *net;
	uint16_t port;
};

#define ACCESS_TIME(name)                  int64_t name; /* us since 1970 */
#define ACCESS_SECONDS(name)               int64_t name; /* us */
#define ACCESS_NUMBER(name)                uint64_t name;
#define ACCESS_TEXT(name)                  const char *name;
#define ACCESS_WORD(name)                  const char *name; /* needs no quotes */
#define ACCESS_REMOTE(name)                struct access_remote name;
#define ACCESS_LISTED(name)                struct access_text name;
#define ACCESS_HEADER(name)                struct access_text name;
#define ACCESS_CODE(name)                  unsigned name; /* 0: none */
#define ACCESS_RESULT(name)                unsigned name; /* 1 + the number; 0: none */
#define ACCESS_PERIOD(name)                int64_t name;  /* us; 0: none */
#define ACCESS_FIELD(name, kind, sentence) ACCESS_##kind(name)

/* All pointers are borrowed. */
struct access_entry {
#include "tables/access_fields.def"
	/* of the combined format alone */
	struct access_text
		request;     /* the request line as sent, without its end; NULL: no request */
	uint64_t body_bytes; /* of the answer, without its head */
};

/* Large enough for any line: longer texts are cut. */
enum { ACCESSLINE_MOST = 12288 };

/* The last time written, as text. Initially zeroed. */
struct access_clock {
	int64_t ms, second;
	char text[26];
};

/* False when this format has no line for the entry: combined has none for a connection. */
static inline bool accessentry_has(const struct access_entry *entry, enum access_format format)
{
	return format != ACCESS_COMBINED || entry->request.text != NULL;
}

#endif
