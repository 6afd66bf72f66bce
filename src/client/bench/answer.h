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

enum answer_state { ANSWER_PART, ANSWER_WHOLE, ANSWER_WRONG };

/* One answer in the making. */
struct answer {
	struct frame frame;
	uint64_t key;            /* of the message that it answers (message.h) */
	uint64_t content;        /* verified: bytes of the message's own so far */
	struct httpanswer *http; /* the connection's own; NULL: a frame is meant */
};

/* Begins one; http stays. */
void answer_begin(struct answer *answer, const struct plan *plan, uint64_t key);

/* Takes n bytes (n > 0); *used: how many belong to the answer. */
enum answer_state answer_take(struct answer *answer, const struct plan *plan, const char *bytes,
			      size_t n, size_t *used);

/* The server has ended: ANSWER_PART when there should have been more. */
enum answer_state answer_end(struct answer *answer, const struct plan *plan);

/* False when the server will not take another message on this connection. */
static inline bool answer_keeps(const struct answer *answer)
{
	return answer->http == NULL || answer->http->keeps;
}

/* True for a whole answer that says no: an HTTP status that is neither 2xx nor 3xx. */
static inline bool answer_is_refusal(const struct answer *answer)
{
	return answer->http != NULL && (answer->http->status < 200 || answer->http->status >= 400);
}

#endif
