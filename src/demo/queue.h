/* SPDX-License-Identifier: MIT */
/*
 * The accept queue of a listening TCP socket, as the kernel tells it (tcp(7), TCP_INFO; socket(7),
 * SO_MEMINFO). Its owner's process. Gives up where the kernel does not tell (output_skip_rest).
 */
#ifndef DEMO_QUEUE_H
#define DEMO_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include "demo/call.h"
#include "demo/output.h"

struct accept_queue {
	unsigned length, limit; /* connections that wait; the backlog */
	uint32_t drops;         /* what came and was thrown away, since the socket listens */
};

/* As it is. */
struct accept_queue kernel_queue(struct output *out, int listener);

/*
 * Looks until at least so many wait and so much was dropped, some seconds at most; what it was
 * last.
 */
struct accept_queue kernel_await_queue(struct output *out, int listener, unsigned length,
				       uint32_t drops);

/* An order for another owner: the result is the length of the queue of its socket. */
struct call call_queue_length(int listener);

#endif
