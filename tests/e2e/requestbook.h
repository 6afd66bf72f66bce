/* SPDX-License-Identifier: MIT */
/* Requests in bad faith with their answers, as tests/data/hostile.requests lists them. */
#ifndef E2E_REQUESTBOOK_H
#define E2E_REQUESTBOOK_H

#include <stdbool.h>
#include <stddef.h>

enum { REQUESTBOOK_ANSWERS = 64 };

struct request_row {
	unsigned line;                   /* in the file */
	char ours[REQUESTBOOK_ANSWERS];  /* the answers, as the file's head explains them */
	char nginx[REQUESTBOOK_ANSWERS]; /* those of nginx */
	bool has_reason;                 /* a sentence says why they differ */
	char *bytes;                     /* the request: size bytes */
	size_t size;
};

/* All rows, and their number; read once, valid until the program ends. A wrong row is a failure. */
const struct request_row *requestbook_read(size_t *count);

/* Where to ask: an address as of client_connect. */
struct request_way {
	const char *address;
	size_t piece;     /* bytes that are sent at once */
	bool takes_reset; /* a reset is as good as an end */
};

/*
 * Sends the row's bytes and GET /last behind them, and writes what came as the file does: "400."; a
 * reset of the connection adds !. wanted: what the file says; with - the client ends its side
 * first, since the server waits for more. Valid until the next call.
 */
const char *requestbook_ask(const struct request_row *row, const char *wanted,
			    struct request_way way);

#endif
