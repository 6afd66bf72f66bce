/* SPDX-License-Identifier: MIT */
/*
 * When an answer is whole and whether it is right, whatever its form: a frame, HTTP, or an echo to
 * be compared byte by byte. Pure.
 */
#ifndef CLIENT_BENCH_ANSWER_H
#define CLIENT_BENCH_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/bench/bench_options.h"
#include "client/bench/http_response.h"
#include "client/framing.h"

enum response_state { RESPONSE_PARTIAL, RESPONSE_COMPLETE, RESPONSE_WRONG };

/* One answer in the making. */
struct response {
	struct frame frame;
	uint64_t key;               /* of the message that it answers (message.h) */
	uint64_t content;           /* verified: bytes of the message's own so far */
	struct http_response *http; /* the connection's own; NULL: a frame is meant */
};

/* Begins one; http stays. */
void start_response(struct response *response, const struct bench_options *options, uint64_t key);

/* Takes n bytes (n > 0); *used: how many belong to the answer. */
enum response_state parse_response(struct response *response, const struct bench_options *options,
				   const char *bytes, size_t n, size_t *used);

/* The server has ended: RESPONSE_PARTIAL when there should have been more. */
enum response_state end_response(struct response *response, const struct bench_options *options);

/* False when the server will not take another message on this connection. */
static inline bool keeps_connection(const struct response *response)
{
	return response->http == NULL || response->http->keep_alive;
}

/* True for a whole answer that says no: an HTTP status that is neither 2xx nor 3xx. */
static inline bool is_http_error(const struct response *response)
{
	return response->http != NULL &&
	       (response->http->status < 200 || response->http->status >= 400);
}

#endif
