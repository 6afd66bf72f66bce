/* SPDX-License-Identifier: MIT */
/*
 * The memory of one slot's connections: a head, lines of the access log that wait to be written,
 * records and buffers in a mapping that the master makes before the fork and that every worker of
 * the slot has at the same address, so pointers into it stay good from one worker to the next.
 * Pages cost nothing until touched (mmap(2), MAP_NORESERVE). What a worker can find out again by
 * looking (free lists, timers) is not in here, and how the mapping is laid out is not in it
 * either: a worker that wrote rubbish cannot change it.
 */
#ifndef WORKER_ARENA_H
#define WORKER_ARENA_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "accesslog/accessbuf.h"
#include "config/conf.h"

enum { ARENA_BUF_SIZE = 64 * 1024 };
#define ARENA_MAGIC UINT64_C(0x707265666172656e)

/* In the mapping: what one worker leaves to the next. Read with suspicion. */
struct arena_head {
	uint64_t magic;
	uint32_t conn_high;        /* records ever used; those beyond are untouched zeros */
	uint32_t empty_handed;     /* workers in a row that took over and never turned their loop */
	uint8_t draining;          /* 1: told to leave, the next worker does not accept */
	int64_t give_up_ms;        /* draining: when the time of shutdown_timeout is over */
	_Atomic uint32_t in_hand;  /* 1 + index of the connection that is worked on; 0: none */
	uint32_t last_call;        /* 1 + row of the last system call (base/sys.h); 0: none */
	_Atomic uint64_t log_span; /* accesslog/accessbuf.h */
	uint64_t conn_number;      /* of the last connection, or a higher one that none has had */
};

/* Each process's own: where everything is. */
struct arena {
	struct arena_head *head;
	char *log; /* ACCESSBUF_SIZE bytes */
	char *conns, *bufs;
	size_t size;          /* bytes of the whole mapping */
	uint32_t conn_most;   /* records */
	uint32_t conn_stride; /* bytes from one record to the next */
	uint32_t buf_most;    /* buffers of ARENA_BUF_SIZE */
};

struct conn;

/*
 * A mapping for worker_connections records, each with room for the largest state that the services
 * of conf keep, and for the buffers they can hold at once. NULL with errno. Owner: the master,
 * arena_free.
 */
struct arena *arena_new(const struct conf *conf);
void arena_free(struct arena *arena);

/*
 * Gives the pages back and begins anew, empty: for a slot whose connections are gone. What waits in
 * the log stays, and so does the number of the last connection.
 */
void arena_reset(struct arena *arena);

/*
 * Whoever works on it from now on accepts nobody, and has until give_up_ms. By the worker when it
 * is told to leave, and by the master before a worker that is only to finish what another left.
 */
void arena_drain(struct arena *arena, int64_t give_up_ms);

/* The lines of the access log that wait. */
static inline struct accessbuf_memory arena_log(const struct arena *arena)
{
	return (struct accessbuf_memory){ arena->log, &arena->head->log_span };
}

/* The record and the buffer of an index below conn_most and buf_most. */
static inline struct conn *arena_conn(const struct arena *arena, uint32_t index)
{
	return (struct conn *)(arena->conns + (size_t)index * arena->conn_stride);
}

static inline char *arena_buf(const struct arena *arena, uint32_t index)
{
	return arena->bufs + (size_t)index * ARENA_BUF_SIZE;
}

/* The index of the buffer that begins at base, or buf_most when none does. */
uint32_t arena_buf_index(const struct arena *arena, const char *base);

/* Gives back the pages of a buffer, if the system can. */
void arena_buf_forget(struct arena *arena, uint32_t index);

#endif
