/* SPDX-License-Identifier: MIT */
/*
 * What one visit of a connection may cost, and what its cost says of the next one.
 *
 * A visit in its turn moves a share. A visit ahead of connections that wait for theirs, which a
 * light one gets, moves a small share: a connection that asks for much after it has asked for
 * little takes the rest of it in its turn. Pure functions.
 */
#ifndef WORKER_BUDGET_H
#define WORKER_BUDGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What the last visit cost, by which the next one is given its place (worker/pool.h). One whose
 * service computed for long is SLOW, which counts as light: an interrupt may have been charged to
 * it, so that only two in a row make it heavy.
 */
enum conn_weight { WEIGHT_UNKNOWN, WEIGHT_LIGHT, WEIGHT_SLOW, WEIGHT_HEAVY };

/* The weight after a visit that moved so many bytes and whose service computed for so long. */
enum conn_weight budget_weigh(enum conn_weight before, size_t moved_bytes, int64_t asked_us);

/*
 * True when a visit that has moved so many bytes in so many answers, the first of which began so
 * long ago, is over. is_ahead: others wait for their turn.
 */
bool budget_is_spent(bool is_ahead, size_t moved_bytes, unsigned answers, int64_t past_us);

#endif
