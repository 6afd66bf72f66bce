/* SPDX-License-Identifier: MIT */
/*
 * Lays out and maps a slot's arena: head, records, PROXY headers, buffers. It knows sizes, not
 * connections: worker/pool.c keeps track of the records in use.
 */
#include "worker/arena.h"

#include <stdlib.h>

#include "base/err.h"
#include "base/sys.h"
#include "worker/record.h"
#include "worker/service.h"

enum { PAGE = 4096, BUFS_PER_RECORD = 2 };

/* Units of the regions: what a session at rest has, with room for handshakes beside them. */
enum { UNITS_PER_SESSION = 2, UNITS_OF_HANDSHAKES = 256 * REGION_MOST };

static size_t round_up(size_t n, size_t to)
{
	return (n + to - 1) / to * to;
}

static size_t largest_state(const struct conf *conf, const struct service_facts *facts)
{
	size_t most = 0;

	for (size_t i = 0; i < conf->listener_count; i++) {
		const struct service *service = service_find(conf->listeners[i].service);

		if (service && service->state_size > most)
			most = service->state_size;
		if (facts && facts[i].state_size > most)
			most = facts[i].state_size;
	}
	return most;
}

static bool has_pairs(const struct conf *conf)
{
	for (size_t i = 0; i < conf->listener_count; i++) {
		const struct service *service = service_find(conf->listeners[i].service);

		if (service && service->has_pairs)
			return true;
	}
	return false;
}

/* The pages of a shared mapping are dropped by MADV_REMOVE only (madvise(2)). */
static bool forget_pages(char *from, size_t size)
{
	return sys_madvise(from, size, MADV_REMOVE) == 0;
}

static size_t size_of_regions(const struct arena *arena)
{
	return arena->units > 0 ? arena->record_most * sizeof(struct region) : 0;
}

static bool map_arena(struct arena *arena)
{
	size_t log_at = round_up(sizeof(struct arena_head), PAGE);
	size_t records_at = log_at + ACCESSBUF_SIZE;
	size_t proxies_at =
		round_up(records_at + (size_t)arena->record_most * arena->record_stride, PAGE);
	size_t texts_at =
		round_up(proxies_at + arena->record_most * sizeof(struct proxy_header), PAGE);
	size_t regions_at =
		round_up(texts_at + arena->record_most * sizeof(struct proxy_texts), PAGE);
	size_t map_at = round_up(regions_at + size_of_regions(arena), PAGE);
	size_t bufs_at = round_up(map_at + arena->units, PAGE);
	size_t blocks_at = bufs_at + (size_t)arena->buf_most * ARENA_BUF_SIZE;
	char *base;

	arena->size = blocks_at + (size_t)arena->units * BLOCK_UNIT;
	base = sys_mmap(NULL, arena->size, PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (base == MAP_FAILED)
		return false;
	arena->head = (struct arena_head *)base;
	arena->head->magic = ARENA_MAGIC;
	arena->log = base + log_at;
	arena->records = base + records_at;
	arena->proxies = (struct proxy_header *)(base + proxies_at);
	arena->proxy_texts = (struct proxy_texts *)(base + texts_at);
	arena->bufs = base + bufs_at;
	if (arena->units == 0)
		return true;
	arena->regions = (struct region *)(base + regions_at);
	arena->block_map = (uint8_t *)base + map_at;
	arena->blocks = base + blocks_at;
	/* no key is written to a core; where the system cannot, -t warns of cores */
	(void)sys_madvise(arena->blocks, (size_t)arena->units * BLOCK_UNIT, MADV_DONTDUMP);
	return true;
}

struct arena *arena_new(const struct conf *conf, const struct service_facts *facts)
{
	struct arena *arena = calloc(1, sizeof(*arena));

	if (!arena)
		return NULL;
	arena->conn_most = (uint32_t)conf->worker_connections;
	arena->record_most = arena->conn_most * (has_pairs(conf) ? 2 : 1);
	arena->record_stride = (uint32_t)record_size(largest_state(conf, facts));
	arena->buf_most = arena->record_most * BUFS_PER_RECORD;
	if (conf->tls_count > 0) /* each section has a listener */
		arena->units = blocks_round((uint64_t)arena->record_most * UNITS_PER_SESSION +
					    UNITS_OF_HANDSHAKES);
	if (map_arena(arena))
		return arena;
	free(arena);
	return NULL;
}

void arena_free(struct arena *arena)
{
	/* A mapping that cannot be unmapped costs its addresses, and its pages if they stay. */
	(void)sys_munmap(arena->head, arena->size);
	free(arena);
}

void arena_reset(struct arena *arena)
{
	struct arena_head *head = arena->head;
	uint64_t span = atomic_load_explicit(&head->log_span, memory_order_relaxed);

	/* If the pages stay, clearing the records is enough: none is in use then. */
	if (!forget_pages(arena->records, arena->size - (size_t)(arena->records - (char *)head)))
		memset(arena->records, 0, (size_t)(arena->bufs - arena->records));
	*head = (struct arena_head){ .magic = ARENA_MAGIC, .conn_number = head->conn_number };
	atomic_store_explicit(&head->log_span, span, memory_order_relaxed);
}

void arena_leave(struct arena *arena, enum arena_leaving how, int64_t give_up_ms)
{
	arena->head->give_up_ms = give_up_ms;
	atomic_signal_fence(memory_order_seq_cst);
	arena->head->leaving = (uint8_t)how;
}

void arena_buf_forget(struct arena *arena, uint32_t index)
{
	(void)forget_pages(arena_buf(arena, index), ARENA_BUF_SIZE);
}

void arena_touch(const struct arena *arena)
{
	size_t size = (size_t)arena->head->record_high * arena->record_stride;

	(void)sys_madvise(arena->records, round_up(size, PAGE), MADV_POPULATE_WRITE);
}
