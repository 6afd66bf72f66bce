/* SPDX-License-Identifier: MIT */
/*
 * The limits of one visit of a connection, and the weight that its cost gives to the next one. A
 * visit from the run queue moves a share. A visit ahead of waiting connections, which a light
 * connection gets, moves a small share: a connection whose messages were small and become large
 * gets the rest in its turn. Pure.
 */
#ifndef WORKER_SHARE_H
#define WORKER_SHARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The cost of the last visit, which decides when the next one comes (worker/dispatch.h). A
 * connection whose service computed for long is SLOW, which counts as light: an interrupt may have
 * been charged to it, so only two such visits in a row make it heavy.
 */
enum conn_weight { WEIGHT_UNKNOWN, WEIGHT_LIGHT, WEIGHT_SLOW, WEIGHT_HEAVY };

/* The weight after a visit that moved moved_bytes and whose service computed for asked_us. */
enum conn_weight share_weigh(enum conn_weight before, size_t moved_bytes, int64_t asked_us);

/*
 * True when a visit is over: it has moved moved_bytes in `answers` answers, the first of which
 * began past_us ago. is_ahead: other connections wait for their turn.
 */
bool share_is_spent(bool is_ahead, size_t moved_bytes, unsigned answers, int64_t past_us);

#endif
