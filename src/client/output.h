/* SPDX-License-Identifier: MIT */
/*
 * Answers on stdout, as they come: as they are, in hexadecimal, or, on a terminal, without what
 * could command it. Memory is bounded whatever comes. One process; the only writer of answers.
 */
#ifndef CLIENT_OUTPUT_H
#define CLIENT_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "client/plain.h"

enum { SHOW_ROW = 16 };

struct show {
	bool is_hex, is_terminal;
	bool is_stream; /* what comes is one long answer, to which nothing is added */
	uint64_t at;    /* bytes of this answer so far */
	char last;      /* of them */
	uint8_t row[SHOW_ROW];
	unsigned row_used;
	struct escape escape;
	size_t used;
	char out[65536];
};

void show_init(struct show *show, bool is_hex, bool is_stream);

/* Takes bytes of the answer. False with err (CODE_OSERR) when stdout does not take them. */
bool show_bytes(struct show *show, const char *bytes, size_t n, struct err *err);

/* The answer is whole: ends its line; the next one begins at offset 0. */
bool show_end(struct show *show, struct err *err);

/* Nothing more has come for a while: shows what a row still waits for; the next one is new. */
bool show_pause(struct show *show, struct err *err);

/* Writes out what has gathered; after each receive. */
bool show_flush(struct show *show, struct err *err);

#endif
