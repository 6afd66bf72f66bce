/* SPDX-License-Identifier: MIT */
/*
 * Lays out and maps a slot's arena: head, records, buffers. Knows sizes, not connections: which
 * record is in use is worker/conns.c's business.
 */
#include "worker/arena.h"

#include "base/err.h"
#include "base/sys.h"
#include "worker/conn.h"
#include "worker/service.h"

enum { PAGE = 4096, BUFS_PER_CONN = 2 };

static size_t round_up(size_t n, size_t to)
{
	return (n + to - 1) / to * to;
}

static size_t largest_state(const struct conf *conf)
{
	size_t most = 0;

	for (size_t i = 0; i < conf->listener_count; i++) {
		const struct service *service = service_find(conf->listeners[i].service);

		if (service && service->state_size > most)
			most = service->state_size;
	}
	return most;
}

static void lay_out(struct arena *arena, uint32_t conns, size_t stride)
{
	arena->conns_at = round_up(sizeof(*arena), 64);
	arena->conn_most = conns;
	arena->conn_stride = (uint32_t)stride;
	arena->bufs_at = round_up(arena->conns_at + conns * stride, PAGE);
	arena->buf_most = conns * BUFS_PER_CONN;
	arena->size = arena->bufs_at + (size_t)arena->buf_most * ARENA_BUF_SIZE;
	arena->magic = ARENA_MAGIC;
}

struct arena *arena_new(const struct conf *conf)
{
	struct arena plan = { 0 }, *arena;

	lay_out(&plan, (uint32_t)conf->worker_connections,
		round_up(sizeof(struct conn) + largest_state(conf), 8));
	arena = sys_mmap(NULL, plan.size, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (arena == MAP_FAILED)
		return NULL;
	*arena = plan;
	return arena;
}

void arena_free(struct arena *arena)
{
	int failed = sys_munmap(arena, arena->size);

	BUG_ON(failed);
}

/* A shared mapping forgets its bytes only by MADV_REMOVE (madvise(2)). */
static bool forget(char *from, size_t size)
{
	return sys_madvise(from, size, MADV_REMOVE) == 0;
}

void arena_reset(struct arena *arena)
{
	struct arena plan = *arena;

	/* Without it the pages stay, and only what tells that a record is in use must go. */
	if (!forget((char *)arena, arena->size))
		memset((char *)arena + plan.conns_at, 0, (size_t)plan.conn_high * plan.conn_stride);
	plan.conn_high = 0;
	atomic_store_explicit(&plan.in_hand, 0, memory_order_relaxed);
	*arena = plan;
}

void arena_buf_forget(struct arena *arena, uint32_t index)
{
	(void)forget(arena_buf(arena, index), ARENA_BUF_SIZE);
}
