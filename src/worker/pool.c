/* SPDX-License-Identifier: MIT */
/*
 * Hands out records and buffers, counts connections, and computes their deadlines. worker/conn.c
 * serves a connection, worker/dispatch.c decides the order.
 */
#include "worker/pool.h"

#include <stdlib.h>

#include "accesslog/accesslog.h"
#include "base/log.h"
#include "base/sys.h"

/* Buffers with a higher index give their pages back as soon as they are free. */
enum { BUFS_KEPT = 256 };

static bool free_list_start(struct free_list *list, uint32_t most)
{
	list->most = most;
	list->given_back = sys_mmap(NULL, most * sizeof(*list->given_back), PROT_READ | PROT_WRITE,
				    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	return list->given_back != MAP_FAILED;
}

static void free_list_stop(struct free_list *list)
{
	(void)sys_munmap(list->given_back, list->most * sizeof(*list->given_back));
}

static uint32_t free_list_take(struct free_list *list)
{
	if (list->count > 0)
		return list->given_back[--list->count];
	BUG_ON(list->high == list->most);
	return list->high++;
}

static void free_list_give(struct free_list *list, uint32_t index)
{
	BUG_ON(list->count == list->most);
	list->given_back[list->count++] = index;
}

static bool find_services(struct pool *pool)
{
	const struct listener_set *set = pool->listeners;

	pool->services = calloc(set->count, sizeof(struct service *));
	for (unsigned i = 0; pool->services && i < set->count; i++)
		pool->services[i] = service_find(set->list[i].conf->service);
	return pool->services != NULL;
}

bool pool_start(struct pool *pool)
{
	return find_services(pool) &&
	       conn_limit_start(&pool->limit, pool->listeners, pool->arena->conn_most) &&
	       timer_heap_new(&pool->timers, pool->arena->conn_most) &&
	       runqueue_start(&pool->queue, pool->arena->conn_most) &&
	       free_list_start(&pool->records, pool->arena->conn_most) &&
	       free_list_start(&pool->bufs, pool->arena->buf_most);
}

void pool_stop(struct pool *pool)
{
	BUG_ON(pool->limit.total > 0);
	timer_heap_free(&pool->timers);
	runqueue_stop(&pool->queue);
	free_list_stop(&pool->records);
	free_list_stop(&pool->bufs);
	conn_limit_stop(&pool->limit);
	free(pool->services);
}

void pool_lend_buf(struct pool *pool, struct buf *b)
{
	if (b->base)
		return;
	b->base = arena_buf(pool->arena, free_list_take(&pool->bufs));
	b->size = ARENA_BUF_SIZE;
	b->start = b->end = 0;
}

void pool_take_back_buf(struct pool *pool, struct buf *b)
{
	uint32_t index;

	if (!b->base || buf_used(b) > 0)
		return;
	index = arena_buf_index(pool->arena, b->base);
	if (index >= BUFS_KEPT)
		arena_buf_forget(pool->arena, index);
	free_list_give(&pool->bufs, index);
	*b = (struct buf){ 0 };
}

static void publish_live(const struct pool *pool)
{
	atomic_store_explicit(&pool->slot->live, pool->limit.total, memory_order_relaxed);
}

/* In hand from its first byte on: a worker that dies here loses this connection and no other. */
struct conn *pool_new_record(struct pool *pool, uint32_t listener, int fd,
			     const struct addr *remote)
{
	uint32_t index = free_list_take(&pool->records);
	struct conn *c = arena_conn(pool->arena, index);

	pool_take_in_hand(pool, index);
	memset(c, 0, pool->arena->conn_stride);
	if (index >= pool->arena->head->conn_high)
		pool->arena->head->conn_high = index + 1;
	c->index = index;
	c->serial = ++pool->last_serial & INT32_MAX;
	c->number = ++pool->arena->head->conn_number;
	c->fd = fd;
	c->listener = listener;
	c->conf = pool->listeners->list[listener].conf;
	c->service = pool->services[listener];
	c->state = CONN_OPEN;
	c->opened_us = pool->loop->now_us;
	c->active_ms = pool->loop->now_ms;
	*conn_guard(c, pool->arena->conn_stride) = CONN_MAGIC;
	c->magic = CONN_MAGIC;
	c->remote_port = net_from_addr(&c->remote, remote);
	conn_limit_take(&pool->limit, listener);
	publish_live(pool);
	cell_add(&pool_tally(pool, c)->connections_live, 1);
	return c;
}

void pool_forget(struct pool *pool, struct conn *c)
{
	/*
	 * A worker that dies after the line and before the magic is cleared has it logged and
	 * counted twice, the second time as lost in hand; in the other order it would be missing
	 * from both.
	 */
	if (accesslog_is_on)
		conn_log_access(c, pool->loop->now_us);
	cell_add(&pool->slot->tally.connections_ended_total[c->ending], 1);
	atomic_signal_fence(memory_order_seq_cst);
	c->magic = 0;
	conn_limit_give(&pool->limit, c->listener);
	publish_live(pool);
	cell_add(&pool_tally(pool, c)->connections_live, (uint64_t)-1);
	timer_cancel(&pool->timers, &c->timer);
	runqueue_remove(&pool->queue, c->index);
	free_list_give(&pool->records, c->index);
	pool->freed++;
}

/* Used buffers lie below `high`; the others below it are free. */
static void rebuild_bufs(struct pool *pool, const bool *is_used, uint32_t high)
{
	pool->bufs.high = high;
	pool->bufs.count = 0;
	for (uint32_t i = 0; i < high; i++)
		if (!is_used[i])
			free_list_give(&pool->bufs, i);
}

static void mark_buf(const struct pool *pool, const struct buf *b, bool *is_used, uint32_t *high)
{
	uint32_t index = b->base ? arena_buf_index(pool->arena, b->base) : pool->arena->buf_most;

	if (index == pool->arena->buf_most)
		return;
	is_used[index] = true;
	if (index >= *high)
		*high = index + 1;
}

/* Rebuilds the list of free buffers: a dead worker's lists are never trusted. */
static void resume_bufs(struct pool *pool, const bool *is_kept, bool *is_used)
{
	uint32_t high = 0;

	for (uint32_t i = 0; i < pool->arena->head->conn_high; i++) {
		const struct conn *c = arena_conn(pool->arena, i);

		if (!is_kept[i])
			continue;
		mark_buf(pool, &c->in, is_used, &high);
		mark_buf(pool, &c->out, is_used, &high);
	}
	rebuild_bufs(pool, is_used, high);
}

static unsigned count_kept(struct pool *pool, const struct conn *c)
{
	conn_limit_take(&pool->limit, c->listener);
	return pool_row(pool, c);
}

bool pool_resume(struct pool *pool, const bool *is_kept)
{
	uint32_t high = pool->arena->head->conn_high, live[METRIC_LISTENERS] = { 0 };
	bool *is_used = calloc(pool->arena->buf_most, sizeof(*is_used));

	if (!is_used)
		return false;
	resume_bufs(pool, is_kept, is_used);
	free(is_used);
	pool->records.high = high;
	for (uint32_t i = 0; i < high; i++) {
		if (is_kept[i])
			live[count_kept(pool, arena_conn(pool->arena, i))]++;
		else
			free_list_give(&pool->records, i);
	}
	scoreboard_set_live(pool->slot, live);
	return true;
}

uint64_t pool_tag(const struct conn *c)
{
	return (uint64_t)c->serial << 32 | c->index;
}

enum {
	FRESH_MS = 1000, /* a draining worker waits this long for a connection's first bytes */
	QUEUED_MS =
		100, /* a due connection that waits in the run queue is checked again after this */
};

int64_t pool_due_ms(const struct pool *pool, const struct conn *c, enum close_reason *why)
{
	const struct listen_conf *conf = c->conf;
	int64_t from = c->active_ms, timeout = conf->message_timeout;

	*why = CLOSE_send_timeout;
	if (c->state == CONN_LINGERING) {
		*why = c->ending;
		return from + conf->linger_timeout;
	}
	if (buf_used(&c->out) == 0) {
		if (c->begun_us != 0) {
			*why = CLOSE_message_timeout;
			from = c->begun_us / 1000;
		} else if (pool->draining && c->bytes_in == 0) {
			*why = CLOSE_drained;
			return c->opened_us / 1000 + FRESH_MS;
		} else {
			*why = CLOSE_idle_timeout;
			timeout = conf->idle_timeout;
		}
	}
	return timeout > 0 ? from + timeout : 0;
}

/* A deadline that has moved away is put off when the timer fires: the heap is not touched. */
void pool_set_deadline(struct pool *pool, struct conn *c)
{
	enum close_reason why;
	int64_t due = pool_due_ms(pool, c, &why);

	if (due != 0 && (!timer_is_set(&c->timer) || due < c->timer.due_ms))
		timer_set(&pool->timers, &c->timer, due);
}

bool pool_put_off(struct pool *pool, struct conn *c, int64_t due_ms)
{
	int64_t now_ms = pool->loop->now_ms;

	if (due_ms <= now_ms && c->state != CONN_LINGERING && runqueue_has(&pool->queue, c->index))
		due_ms = now_ms + QUEUED_MS;
	if (due_ms <= now_ms)
		return false;
	timer_set(&pool->timers, &c->timer, due_ms);
	return true;
}

bool pool_is_stale(const struct pool *pool, const struct conn *c)
{
	return pool->loop->now_ms >= c->opened_us / 1000 + FRESH_MS;
}
