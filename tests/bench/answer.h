/* SPDX-License-Identifier: MIT */
/*
 * When an answer is whole: after so many bytes, at the server's end, or as HTTP/1.1 says by
 * Content-Length (RFC 9110, 8.6).
 */
#ifndef BENCH_ANSWER_H
#define BENCH_ANSWER_H

#include <stdbool.h>
#include <stddef.h>

enum answer_kind { ANSWER_BYTES, ANSWER_END, ANSWER_HTTP };
enum { ANSWER_HEAD = 1024 };

/* One answer in the making; zeroed before each. */
struct answer {
	size_t got;                 /* bytes of it so far */
	size_t head;                /* HTTP: bytes of its head kept in text */
	size_t whole;               /* HTTP: its length, 0 while not known */
	char text[ANSWER_HEAD + 1]; /* HTTP only */
};

/* Counts n more bytes; true when the answer is whole. `expected`: its length for ANSWER_BYTES. */
bool answer_take(struct answer *a, enum answer_kind kind, size_t expected, const char *bytes,
		 size_t n);

/* Begins the next one. */
void answer_begin(struct answer *a);

#endif
