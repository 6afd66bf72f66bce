/* SPDX-License-Identifier: MIT */
/*
 * Reads the head of one HTTP/1.0 or 1.1 request, as strictly as RFC 9112 allows a server: it
 * refuses a request that another program could read differently. Pure: no input or output, no
 * allocation, no state but the caller's struct. For any HTTP service, in a worker.
 *
 *   http_parse_begin, then http_parse with all bytes from the request's first on, again whenever
 *   there are more of them: HTTP_PART ... until HTTP_WHOLE or HTTP_WRONG
 *
 * The same bytes give the same result however they are split. Each byte is searched for the end of
 * its line once, so a client that sends byte by byte costs no more than its bytes.
 */
#ifndef SERVICES_HTTP_HTTP_PARSE_H
#define SERVICES_HTTP_HTTP_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "services/http/parse/http_request.h"

enum http_progress {
	HTTP_PART,  /* more bytes are needed */
	HTTP_WHOLE, /* the head is complete */
	HTTP_WRONG  /* answer with `status` and close the connection */
};

/* Call before the first byte of a request. */
void http_parse_begin(struct http_request *request);

/*
 * Reads on. bytes: the first n of the stream from the request's first, including those of earlier
 * calls; they may have moved. After HTTP_WHOLE or HTTP_WRONG it returns the same again. A body
 * longer than HTTP_BODY_MOST is answered with 413; http_chunked finds the end of a chunked one.
 */
enum http_progress http_parse(struct http_request *request, const char *bytes, size_t n);

/*
 * Refuses the request for an error behind its head: http_parse returns HTTP_WRONG from now on, with
 * this status.
 */
void http_parse_refuse(struct http_request *request, unsigned status);

/*
 * True when http_parse can have left the request in this state and can go on with it, having seen
 * at most n bytes. It may hold any bytes: for a service's is_sound.
 */
bool http_parse_is_sound(const struct http_request *request, size_t n);

#endif
