/* SPDX-License-Identifier: MIT */
/*
 * Finds the end of an HTTP/1.x response to a GET, received in pieces (RFC 9112, section 6.3): by
 * Content-Length, by chunks, or with the connection. Pure; the memory is small and fixed.
 */
#ifndef CLIENT_BENCH_HTTP_RESPONSE_H
#define CLIENT_BENCH_HTTP_RESPONSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { HTTP_RESPONSE_LINE = 120, HTTP_RESPONSE_HEAD_MAX = 256 << 10 };

enum http_response_state {
	HTTP_RESPONSE_STATUS, /* before or in the status line */
	HTTP_RESPONSE_HEADERS,
	HTTP_RESPONSE_BODY,        /* `left` bytes of it to come */
	HTTP_RESPONSE_UNTIL_CLOSE, /* a body that ends with the connection */
	HTTP_RESPONSE_CHUNK_SIZE,  /* before or in the line with the size of a chunk */
	HTTP_RESPONSE_CHUNK,       /* `left` bytes of it to come */
	HTTP_RESPONSE_CHUNK_END,   /* the line end after a chunk */
	HTTP_RESPONSE_TRAILER,
	HTTP_RESPONSE_COMPLETE,
	HTTP_RESPONSE_INVALID, /* no HTTP */
};

/* A response as far as it was received. */
struct http_response {
	uint8_t state; /* enum http_response_state */
	bool is_chunked, has_length, keep_alive;
	uint16_t status;
	uint16_t line_used;            /* bytes of a line whose end has not come */
	uint32_t head_size;            /* bytes of the lines so far */
	uint64_t left;                 /* bytes of the body, or of the chunk, to come */
	char line[HTTP_RESPONSE_LINE]; /* its start; a header that is parsed fits */
};

/* Prepares for the next response. */
void http_response_init(struct http_response *response);

/*
 * Takes n bytes and returns the number of them that belong to the response. Then the state is
 * HTTP_RESPONSE_COMPLETE or _INVALID, or all were taken. With keep_alive the connection can be used
 * again.
 */
size_t http_response_parse(struct http_response *response, const char *bytes, size_t n);

/* Takes the server's close. Returns true when this makes the response complete. */
bool http_response_close(struct http_response *response);

#endif
