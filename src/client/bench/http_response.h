/* SPDX-License-Identifier: MIT */
/*
 * Where an HTTP/1.x answer to a GET ends, as it comes in pieces (RFC 9112, section 6.3): by
 * Content-Length, by chunks, or with the connection. Pure; the memory is small and fixed.
 */
#ifndef CLIENT_BENCH_HTTP_RESPONSE_H
#define CLIENT_BENCH_HTTP_RESPONSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { HTTPANSWER_LINE = 120, HTTPANSWER_HEAD_MOST = 256 << 10 };

enum httpanswer_place {
	HTTPANSWER_STATUS, /* before or in the status line */
	HTTPANSWER_FIELDS,
	HTTPANSWER_BODY,       /* left bytes of it to come */
	HTTPANSWER_REST,       /* a body that ends with the connection */
	HTTPANSWER_CHUNK_SIZE, /* before or in the line with the size of a chunk */
	HTTPANSWER_CHUNK,      /* left bytes of it to come */
	HTTPANSWER_CHUNK_END,  /* the line end behind a chunk */
	HTTPANSWER_TRAILER,
	HTTPANSWER_WHOLE,
	HTTPANSWER_WRONG /* no HTTP */
};

/* One answer in the making. */
struct httpanswer {
	uint8_t place; /* enum httpanswer_place */
	bool is_chunked, has_length, keeps;
	uint16_t status;
	uint16_t kept;              /* bytes of a line whose end has not come */
	uint32_t head;              /* bytes of the lines so far */
	uint64_t left;              /* bytes of the body, or of the chunk, to come */
	char line[HTTPANSWER_LINE]; /* its beginning; what is longer is none that counts */
};

/* Begins one. */
void httpanswer_begin(struct httpanswer *answer);

/*
 * Takes n bytes and returns how many belong to the answer. place is HTTPANSWER_WHOLE or _WRONG
 * then, or all were taken. keeps: the connection can be used again.
 */
size_t httpanswer_take(struct httpanswer *answer, const char *bytes, size_t n);

/* The connection has ended: true when that makes the answer whole. */
bool httpanswer_end(struct httpanswer *answer);

#endif
