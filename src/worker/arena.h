/* SPDX-License-Identifier: MIT */
/*
 * The memory of one slot's connections: records and buffers in a mapping that the master makes before the fork and that every
 * worker of the slot has at the same address, so pointers into it stay good from one worker to the next.
 * Pages cost nothing until touched. What a worker can find out again by looking (free lists, timers) is not in here.
 */
#ifndef WORKER_ARENA_H
#define WORKER_ARENA_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/conf.h"

enum { ARENA_BUF_SIZE = 64 * 1024 };
#define ARENA_MAGIC UINT64_C(0x707265666172656e)

struct arena {
	uint64_t magic;
	size_t size;               /* bytes of the whole mapping */
	uint32_t conn_most;        /* records */
	uint32_t conn_stride;      /* bytes from one record to the next */
	uint32_t conn_high;        /* records ever used: those beyond are untouched zeros */
	uint32_t buf_most;         /* buffers of ARENA_BUF_SIZE */
	_Atomic uint32_t in_hand;  /* 1 + index of the connection that service code is working on; 0: none */
	char *conns, *bufs;        /* where the records and the buffers begin */
};

/*
 * A mapping for worker_connections records of the largest state that the services of conf keep, and for the buffers they can
 * hold at once. NULL with errno. Owner: the master, arena_free.
 */
struct arena *arena_new(const struct conf *conf);
void arena_free(struct arena *arena);

/* Gives the pages back and begins anew, empty: for a worker that has no connections to take over. Master or worker. */
void arena_reset(struct arena *arena);

#endif
