/* SPDX-License-Identifier: MIT */
/*
 * The memory of one slot's connections: a head, pending lines of the access log, records, what
 * PROXY headers said, TLS sessions, and buffers. The master maps it before the fork, and every
 * worker of the slot has it at the same address, so pointers into it stay valid from one worker to
 * the next. Pages cost nothing until touched (mmap(2), MAP_NORESERVE). State that a worker can
 * rebuild by a walk over the records (free lists, timers) is not in here. Nor is the layout of the
 * mapping: a worker that corrupts the arena cannot change it.
 */
#ifndef WORKER_ARENA_H
#define WORKER_ARENA_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "accesslog/accessbuf.h"
#include "base/proxy_header.h"
#include "config/conf.h"
#include "tls/region.h"

enum { ARENA_BUF_SIZE = 64 * 1024 };
#define ARENA_MAGIC UINT64_C(0x707265666172656e)

/* Connections that move together between this worker and the one in `slot`. */
struct arena_batch {
	uint64_t number; /* 0: none */
	uint32_t slot;   /* index in the scoreboard */
	uint32_t cause;  /* enum move_cause */
};

/* What a worker of the slot was told; the next one goes on with it. */
enum arena_leaving {
	ARENA_STAYS,
	ARENA_DRAINS, /* to finish its connections */
	ARENA_MOVES,  /* to pass them on first */
	ARENA_LEAVINGS
};

/* In the mapping: state that one worker leaves to the next, which must check it. */
struct arena_head {
	uint64_t magic;
	uint32_t record_high;      /* records ever used; those beyond are untouched zeros */
	uint32_t empty_handed;     /* workers in a row that took over and never turned their loop */
	uint8_t leaving;           /* enum arena_leaving */
	int64_t give_up_ms;        /* leaving: when shutdown_timeout ends */
	_Atomic uint32_t in_hand;  /* 1 + index of the connection in hand; 0: none */
	uint32_t last_call;        /* 1 + row of the last system call (base/sys.h); 0: none */
	_Atomic uint64_t log_span; /* accesslog/accessbuf.h */
	uint64_t conn_number;   /* number of the last connection, or a higher one that is unused */
	uint32_t session_maker; /* of the worker before: sessions.maker */
	struct arena_batch offered;  /* to the worker in that slot (worker/door/offer.h) */
	struct arena_batch arriving; /* from the worker in that slot (worker/door/door.h) */
};

/* Private to each process: the addresses of the parts. */
struct arena {
	struct arena_head *head;
	char *log; /* ACCESSBUF_SIZE bytes */
	char *records, *bufs;
	struct proxy_header *proxies;    /* one for each record: touched only where one is read, */
	struct proxy_texts *proxy_texts; /* and where it has texts */
	struct region *regions;          /* NULL: no listener has TLS; one for each record */
	char *blocks;                    /* of the regions, `units` of tls/blocks.h */
	uint8_t *block_map;
	uint32_t units;
	size_t size;            /* bytes of the whole mapping */
	uint32_t conn_most;     /* connections: worker_connections */
	uint32_t record_most;   /* records: with pairs, two for each connection */
	uint32_t record_stride; /* bytes from one record to the next */
	uint32_t buf_most;      /* buffers of ARENA_BUF_SIZE */
};

struct record;
struct service_facts;

/*
 * Maps an arena for worker_connections connections, each record with room for the largest state
 * that the services of conf keep, and for the buffers they can hold at once. `facts` has an entry
 * for each listen; NULL: no service is loaded. Returns NULL with errno set. The master owns it;
 * arena_free unmaps it.
 */
struct arena *arena_new(const struct conf *conf, const struct service_facts *facts);
void arena_free(struct arena *arena);

/*
 * Gives the pages back and starts empty, for a slot whose connections are gone. Pending lines of
 * the log stay, and so does the number of the last connection.
 */
void arena_reset(struct arena *arena);

/*
 * From now on a worker of this slot accepts no connection, leaves in that way and has until
 * give_up_ms. For the worker when it is told to leave, and for the master before it starts a worker
 * that only finishes the connections of another.
 */
void arena_leave(struct arena *arena, enum arena_leaving how, int64_t give_up_ms);

/* The pending lines of the access log. */
static inline struct accessbuf_memory arena_log(const struct arena *arena)
{
	return (struct accessbuf_memory){ arena->log, &arena->head->log_span };
}

/* The record and the buffer at an index below record_most and buf_most. */
static inline struct record *arena_record(const struct arena *arena, uint32_t index)
{
	return (struct record *)(arena->records + (size_t)index * arena->record_stride);
}

static inline char *arena_buf(const struct arena *arena, uint32_t index)
{
	return arena->bufs + (size_t)index * ARENA_BUF_SIZE;
}

/* Maps the pages of the records that were ever used, if the system can (MADV_POPULATE_WRITE). */
void arena_touch(const struct arena *arena);

/* Gives back the pages of a buffer, if the system can. */
void arena_buf_forget(struct arena *arena, uint32_t index);

#endif
