/* SPDX-License-Identifier: MIT */
/* How limits that were reached are counted, logged and shown. Worker only. */
#ifndef WORKER_LIMIT_LIMIT_NOTE_H
#define WORKER_LIMIT_LIMIT_NOTE_H

#include "worker/limit/limit_rules.h"

/* The source has max_per_source connections: the master shows it as long as that is true. */
void limit_note_full(struct limiter *limiter, uint32_t listener, uint64_t key,
		     const struct net *source);

/* Counts that a limit was reached, and logs it. remote is the client's address; NULL: unknown. */
void limit_note_reached(struct limiter *limiter, uint32_t listener, enum limit limit,
			const struct net *remote, int64_t now_ms);

#endif
