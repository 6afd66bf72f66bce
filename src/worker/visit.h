/* SPDX-License-Identifier: MIT */
/*
 * Visits of a connection: each has it in hand, and moves at most one share of bytes. Worker only.
 */
#ifndef WORKER_VISIT_H
#define WORKER_VISIT_H

#include <stdint.h>

#include "worker/pool.h"

/*
 * Takes over a descriptor that accept returned, in the fresh record: reads the preface, or calls
 * the service's open and serves input that is already there.
 */
void visit_first(struct pool *pool, struct record *r);

/*
 * Epoll reported `events` for this side, or its turn has come in the run queue (events 0). A
 * connection with more to do is in the run queue afterwards.
 */
void visit_ready(struct pool *pool, struct record *r, uint32_t events);

/* The deadline of this side has passed, or is put off. */
void visit_due(struct pool *pool, struct record *r);

#endif
