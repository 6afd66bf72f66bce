/* SPDX-License-Identifier: MIT */
/*
 * The memory of one slot's connections: records and buffers in a mapping that the master makes
 * before the fork and that every worker of the slot has at the same address, so pointers into it
 * stay good from one worker to the next. Pages cost nothing until touched (mmap(2), MAP_NORESERVE).
 * What a worker can find out again by looking (free lists, timers) is not in here.
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
	size_t size;              /* bytes of the whole mapping */
	size_t conns_at, bufs_at; /* bytes from here to the first record and the first buffer */
	uint32_t conn_most;       /* records */
	uint32_t conn_stride;     /* bytes from one record to the next */
	uint32_t conn_high;       /* records ever used; those beyond are untouched zeros */
	uint32_t buf_most;        /* buffers of ARENA_BUF_SIZE */
	_Atomic uint32_t in_hand; /* 1 + index of the connection that is being worked on; 0: none */
};

struct conn;

/*
 * A mapping for worker_connections records, each with room for the largest state that the services
 * of conf keep, and for the buffers they can hold at once. NULL with errno. Owner: the master,
 * arena_free.
 */
struct arena *arena_new(const struct conf *conf);
void arena_free(struct arena *arena);

/* Gives the pages back and begins anew, empty: for a slot whose connections are gone. Master. */
void arena_reset(struct arena *arena);

/* The record and the buffer of an index below conn_most and buf_most. */
static inline struct conn *arena_conn(struct arena *arena, uint32_t index)
{
	return (struct conn *)((char *)arena + arena->conns_at +
			       (size_t)index * arena->conn_stride);
}

static inline char *arena_buf(struct arena *arena, uint32_t index)
{
	return (char *)arena + arena->bufs_at + (size_t)index * ARENA_BUF_SIZE;
}

/* Gives back the pages of a buffer, if the system can. */
void arena_buf_forget(struct arena *arena, uint32_t index);

#endif
