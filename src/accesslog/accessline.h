/* SPDX-License-Identifier: MIT */
/*
 * A line of the access log: its fields (tables/access_fields.def) and its format, logfmt or a JSON
 * object. Pure: no system call, no allocation. For the access log.
 */
#ifndef ACCESSLOG_ACCESSLINE_H
#define ACCESSLOG_ACCESSLINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/strbuf.h"

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
#define ACCESS_REMOTE(name)                struct access_remote name;
#define ACCESS_LISTED(name)                struct access_text name;
#define ACCESS_CODE(name)                  unsigned name; /* 0: none */
#define ACCESS_RESULT(name)                unsigned name; /* 1 + the number; 0: none */
#define ACCESS_PERIOD(name)                int64_t name;  /* us; 0: none */
#define ACCESS_FIELD(name, kind, sentence) ACCESS_##kind(name)

/* All pointers are borrowed. */
struct access_entry {
#include "tables/access_fields.def"
};

/* Large enough for any line: a longer method or path is cut. */
enum { ACCESSLINE_MOST = 8192 };

/* The last time written, as text. Initially zeroed. */
struct access_clock {
	int64_t ms, second;
	char text[24];
};

/* Appends the line with its newline. Returns false, and appends nothing, when it does not fit. */
bool accessline_write(struct strbuf *to, const struct access_entry *entry, bool json,
		      struct access_clock *clock);

#endif
