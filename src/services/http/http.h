/* SPDX-License-Identifier: MIT */
/*
 * Writes HTTP/1.1 answers into a buffer (RFC 9110, RFC 9112): the status line, the headers that
 * every answer has, the framing of the body. Whole or not at all: false means that there is no room
 * now, nothing was written and request is unchanged, so call again when the buffer is empty. It
 * knows no connection: after an answer to a request whose keep_alive is false the service ends the
 * connection (FINISH). For services, in a worker.
 *
 *   known length:   http_answer, or http_head and then the body's bytes as there is room
 *   unknown length: http_head, then http_body_open, write, http_body_close as often as needed, and
 *                   http_body_end; for a HEAD request none of them but http_head
 */
#ifndef SERVICES_HTTP_HTTP_H
#define SERVICES_HTTP_HTTP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/strbuf.h"
#include "services/http/parse/http_date.h"
#include "services/http/parse/http_parse.h"

enum { HTTP_LENGTH_UNKNOWN = -1 };

struct http_answer {
	unsigned status;     /* a status of the table in http.c */
	const char *type;    /* Content-Type; NULL: there is no content */
	const char *headers; /* further lines, each with its CRLF; NULL: none */
	int64_t length;      /* bytes of the body, or HTTP_LENGTH_UNKNOWN; 304 has none */
};

/* True for a status that answers can have. */
bool http_knows(unsigned status);

/* The answer to HEAD has the same headers as that to GET, and no body. */
static inline bool http_wants_body(const struct http_request *request)
{
	return request->method != HTTP_HEAD;
}

/* The status for a method that a service does not serve (RFC 9110 9.1). */
static inline unsigned http_method_status(const struct http_request *request)
{
	return request->method == HTTP_UNKNOWN ? 501 : 405;
}

/*
 * A body of unknown length is chunked; in HTTP/1.0, without chunks, the end of the connection ends
 * it.
 */
static inline bool http_is_chunked(const struct http_request *request)
{
	return request->minor == 1;
}

/*
 * Appends the head. To announce that the connection ends, clear request->keep_alive before.
 * http_head clears it when a body of unknown length goes to HTTP/1.0.
 */
bool http_head(struct buf *out, struct http_request *request, const struct http_answer *answer);

/* Appends head and body (answer->length bytes; omitted if the request wants none). */
bool http_answer(struct buf *out, struct http_request *request, const struct http_answer *answer,
		 const char *body);

/*
 * Appends an answer whose body is its status in one line of text/plain. headers: as in struct
 * http_answer. The connection goes on if request->keep_alive is true; it is false when http_parse
 * found the request wrong.
 */
bool http_error(struct buf *out, struct http_request *request, unsigned status,
		const char *headers);

/*
 * Opens a text over out's room, or its first 65535 bytes, with space left for the frame of a chunk
 * and for http_body_end. Nothing else may be appended to out until http_body_close, which makes the
 * text part of the body; an empty text adds no chunk. If the text was cut, set its `used` back to
 * the end of the last whole piece before closing.
 */
struct strbuf http_body_open(const struct buf *out, bool is_chunked);
void http_body_close(struct buf *out, const struct strbuf *text, bool is_chunked);

/* The bytes of the body in the n bytes of a whole answer that http_answer or http_error made. */
size_t http_body_bytes(const char *answer, size_t n);

/* Appends the last chunk; http_body_close has left room for it. */
bool http_body_end(struct buf *out, bool is_chunked);

#endif
