/* SPDX-License-Identifier: MIT */
/*
 * Reads the head of one HTTP/1.0 or 1.1 request, as strictly as RFC 9112 lets a server be: what
 * another program could read differently is refused. Pure: no input or output, no allocation, no
 * state but the caller's struct. Any service that speaks HTTP, in a worker.
 *
 *   http_parse_begin, then http_parse with all bytes from the request's first on, again whenever
 *   there are more of them: HTTP_PART ... until HTTP_WHOLE or HTTP_WRONG
 *
 * The same bytes give the same result however they are cut, and each is looked for the end of its
 * line once, so a client that sends byte by byte costs no more than its bytes.
 */
#ifndef SERVICES_HTTP_HTTP_PARSE_H
#define SERVICES_HTTP_HTTP_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "services/http/http_request.h"

enum http_progress {
	HTTP_PART,  /* more bytes are needed */
	HTTP_WHOLE, /* the head is there */
	HTTP_WRONG  /* it is to be answered with `status` and the connection closed */
};

/* Before the first byte of a request. */
void http_parse_begin(struct http_request *request);

/*
 * Reads on. bytes: the first n of the stream from the request's first, those of earlier calls
 * included; they may have moved. Once it has said HTTP_WHOLE or HTTP_WRONG it says so again. A body
 * longer than HTTP_BODY_MOST is answered with 413; where a chunked one ends, http_chunked finds
 * out.
 */
enum http_progress http_parse(struct http_request *request, const char *bytes, size_t n);

/* What is behind the head is wrong: from here on http_parse says HTTP_WRONG, with this status. */
void http_parse_refuse(struct http_request *request, unsigned status);

/*
 * True when http_parse can have left request behind, and can go on with it, having seen no more
 * than n bytes. May be asked about any bytes: for a service's is_sound.
 */
bool http_parse_is_sound(const struct http_request *request, size_t n);

#endif
