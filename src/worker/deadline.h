/* SPDX-License-Identifier: MIT */
/*
 * When a connection is due: its options, its state and its service decide. A timer fires at the
 * earliest deadline that was ever set; one that has moved away is then put off, so the heap is not
 * touched with every message. Worker only.
 */
#ifndef WORKER_DEADLINE_H
#define WORKER_DEADLINE_H

#include "worker/pool.h"

/*
 * When this side is due (clock_ms()), given the event it waits for; 0: never. *why is the reason it
 * would end with; CLOSE_none: its service decides.
 */
int64_t deadline_find(const struct pool *pool, const struct record *r, enum close_reason *why);

/*
 * The same for a timer that has fired: bytes of waiting output that the other end has taken since
 * the last look are progress, also where the kernel reports no room for more.
 */
int64_t deadline_look(struct pool *pool, struct record *r, enum close_reason *why);

/* True when this side has output whose pause is over (worker/pace.h): no event tells of that. */
bool deadline_resumes(const struct pool *pool, const struct record *r);

/* True when the kernel tells of that socket what the other end has taken (SIOCOUTQ in tcp(7)). */
bool deadline_sees_taken(const struct record *r);

/* Sets the timer of this side if its deadline, or the end of its pause, has come nearer. */
void deadline_set(struct pool *pool, const struct record *r);

/*
 * The timer of this side has fired, and its deadline is due_ms, for `why`; 0: it has none. True
 * when that is still to come, or when the connection waits in the run queue: then this worker is
 * slow, not the client.
 */
bool deadline_put_off(struct pool *pool, const struct record *r, int64_t due_ms,
		      enum close_reason why);

/* True when the connection has lived for max_lifetime. */
bool deadline_is_too_old(const struct pool *pool, const struct record *r);

/* The same, and what was under way then has had its time. */
bool deadline_is_far_too_old(const struct pool *pool, const struct record *r);

/*
 * In a draining worker: when a connection between messages ends, which may be in the past. One that
 * has sent nothing yet has a moment to do so, and one of a service with drain_ms, counted from its
 * last bytes, for another message.
 */
int64_t deadline_drained_ms(const struct pool *pool, const struct record *r);

/* True for a deadline of output that waits: what was not taken by then is lost. */
static inline bool deadline_cuts(enum close_reason why)
{
	return why == CLOSE_send_timeout || why == CLOSE_upstream_stalled;
}

#endif
