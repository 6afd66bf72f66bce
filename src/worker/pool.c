/* SPDX-License-Identifier: MIT */
/*
 * The set of a worker's connections: free lists, deadlines, dispatch. What a connection does is
 * worker/conn.c's business.
 */
#include "worker/pool.h"

#include <stdlib.h>

#include "accesslog/accesslog.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/sys.h"
#include "worker/accesstell.h"

/* Buffers beyond so many give their pages back as soon as they are free. */
enum { BUFS_KEPT = 256 };

/* How long a turn may last before heavy connections, and then unknown ones, wait for the next. */
enum { TURN_US = 2000, TURN_MOST_US = 8000 };

enum { TICK_VISITS = 8 }; /* light visits between two readings of the clock */

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

bool pool_start(struct pool *pool, bool makes_room)
{
	return find_services(pool) && conn_limit_start(pool, makes_room) &&
	       timer_heap_new(&pool->timers, pool->arena->conn_most) &&
	       runqueue_start(&pool->queue, pool->arena->conn_most) &&
	       free_list_start(&pool->records, pool->arena->conn_most) &&
	       free_list_start(&pool->bufs, pool->arena->buf_most);
}

void pool_stop(struct pool *pool)
{
	BUG_ON(pool->live > 0);
	timer_heap_free(&pool->timers);
	runqueue_stop(&pool->queue);
	free_list_stop(&pool->records);
	free_list_stop(&pool->bufs);
	conn_limit_stop(pool);
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

uint16_t net_from_addr(struct net *net, const struct addr *remote)
{
	*net = (struct net){ .family = remote->sa.sa_family };
	if (remote->sa.sa_family == AF_INET) {
		memcpy(net->bytes, &remote->in.sin_addr, 4);
		net->bits = 32;
		return ntohs(remote->in.sin_port);
	}
	if (remote->sa.sa_family == AF_INET6) {
		memcpy(net->bytes, &remote->in6.sin6_addr, 16);
		net->bits = 128;
		return ntohs(remote->in6.sin6_port);
	}
	return 0;
}

/*
 * In hand from its first byte on: a worker that dies in here loses this connection and no other.
 */
static struct conn *new_record(struct pool *pool, uint32_t listener, int fd)
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
	return c;
}

static void set_live(struct pool *pool, uint32_t live)
{
	pool->live = live;
	atomic_store_explicit(&pool->slot->live, live, memory_order_relaxed);
}

static void say_opened(const struct conn *c)
{
	char remote[ADDR_TEXT];

	if (log_wants(EVENT_connection_opened))
		LOG(EVENT_connection_opened, LOG_STR("remote", conn_remote(c, remote)),
		    LOG_STR("listen", c->conf->address), LOG_STR("service", c->service->name));
}

static bool is_over(const struct pool *pool, int64_t most_us)
{
	return pool->loop->now_us - pool->loop->turn_us >= most_us;
}

/* Only while others wait is it worth to know what a visit costs. */
static bool is_busy(const struct pool *pool)
{
	return pool_has_waiting(pool) || is_over(pool, TURN_US);
}

void dispatch_accept(struct pool *pool, uint32_t listener, int fd, const struct addr *remote)
{
	struct conn *c = new_record(pool, listener, fd);

	c->remote_port = net_from_addr(&c->remote, remote);
	set_live(pool, pool->live + 1);
	conn_limit_take(pool, listener);
	cell_add(&pool_tally(pool, c)->connections_live, 1);
	say_opened(c);
	pool->is_weighing = pool->is_ahead = is_busy(pool);
	conn_begin(pool, c);
	c->weight = runqueue_weigh(WEIGHT_UNKNOWN, pool->moved, pool->asked_us);
}

void pool_forget(struct pool *pool, struct conn *c)
{
	/*
	 * A worker that dies after the line and before the magic has gone tells and counts it
	 * twice, as lost in hand; the other way round nobody would ever hear of it.
	 */
	if (accesslog_is_on)
		conn_log_ended_access(pool, c);
	cell_add(&pool->slot->tally.connections_ended_total[c->ending], 1);
	atomic_signal_fence(memory_order_seq_cst);
	c->magic = 0;
	set_live(pool, pool->live - 1);
	conn_limit_give(pool, c->listener);
	cell_add(&pool_tally(pool, c)->connections_live, (uint64_t)-1);
	timer_cancel(&pool->timers, &c->timer);
	runqueue_remove(&pool->queue, c->index);
	free_list_give(&pool->records, c->index);
	pool->ended(pool->owner);
}

/* What is used lies below the high marks; the rest below them is free. */
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

/* Buffers are found anew: a dead worker's lists are never trusted. */
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
	conn_limit_take(pool, c->listener);
	return pool_row(pool, c);
}

bool dispatch_resume(struct pool *pool, const bool *is_kept)
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
	pool->live = scoreboard_set_live(pool->slot, live);
	for (uint32_t i = 0; i < high; i++)
		if (is_kept[i])
			conn_resume(pool, arena_conn(pool->arena, i));
	return true;
}

uint64_t pool_tag(const struct conn *c)
{
	return (uint64_t)c->serial << 32 | c->index;
}

/* A worker that serves is seen alive, and its messages are timed, however long the turn lasts. */
static void tick(struct pool *pool)
{
	int64_t before_us = pool->loop->now_us;

	loop_read_clock(pool->loop);
	if (pool->answered > 0)
		histogram_add(&pool->slot->tally.message_seconds,
			      (uint64_t)(pool->loop->now_us - before_us), pool->answered);
	pool->answered = 0;
	pool->visits = 0;
	atomic_store_explicit(&pool->slot->heartbeat_ms, pool->loop->now_ms, memory_order_relaxed);
}

/* The record may be free afterwards, but no other connection has it yet. */
static void visit_conn(struct pool *pool, struct conn *c, uint32_t events, bool has_waited)
{
	enum conn_weight before = c->weight;

	pool->is_weighing = is_busy(pool);
	pool->is_ahead = pool->is_weighing && !has_waited;
	conn_ready(pool, c, events);
	c->weight = runqueue_weigh(before, pool->moved, pool->asked_us);
	if (++pool->visits >= TICK_VISITS || c->weight == WEIGHT_HEAVY)
		tick(pool);
}

/* True when it would hold up others that wait already, or events that are still to come. */
static bool must_wait(const struct pool *pool, const struct conn *c)
{
	if (c->weight == WEIGHT_HEAVY)
		return pool_has_waiting(pool) || is_over(pool, TURN_US);
	return c->weight == WEIGHT_UNKNOWN && is_over(pool, TURN_MOST_US);
}

/*
 * A connection may have ended, and its record have been taken anew, since epoll gathered its
 * word.
 */
void dispatch_ready(struct pool *pool, uint64_t tag, uint32_t events)
{
	struct conn *c = arena_conn(pool->arena, (uint32_t)tag);

	if (c->magic != CONN_MAGIC || pool_tag(c) != tag)
		return;
	if (runqueue_has(&pool->queue, c->index))
		conn_mute(pool, c);
	else if (!(events & (EPOLLERR | EPOLLHUP)) && must_wait(pool, c))
		runqueue_push(&pool->queue, c->index);
	else
		visit_conn(pool, c, events, false);
}

static void run_queue(struct pool *pool)
{
	uint32_t index;

	do {
		if (!runqueue_pop(&pool->queue, &index))
			return;
		visit_conn(pool, arena_conn(pool->arena, index), 0, true);
	} while (!is_over(pool, TURN_US));
}

/* What is due and not ended now comes first in the next turn, which does not sleep. */
static void expire(struct pool *pool)
{
	struct timer_node *node;
	int64_t now_ms = pool->loop->now_ms;

	for (unsigned n = 1; (node = timer_pop(&pool->timers, now_ms)); n++) {
		conn_expire(pool, (struct conn *)((char *)node - offsetof(struct conn, timer)));
		if (n % TICK_VISITS != 0)
			continue;
		tick(pool);
		if (is_over(pool, TURN_US))
			return;
	}
}

void dispatch_end_turn(struct pool *pool)
{
	run_queue(pool);
	if (pool->answered > 0)
		tick(pool);
	expire(pool);
	if (accesslog_is_on)
		accesslog_relieve(ACCESSLOG_MANY);
}

void dispatch_drain(struct pool *pool)
{
	pool->draining = true;
	for (uint32_t i = 0; i < pool->arena->head->conn_high; i++)
		if (arena_conn(pool->arena, i)->magic == CONN_MAGIC)
			runqueue_push(&pool->queue, i);
}

void dispatch_end_all(struct pool *pool, enum close_reason reason)
{
	for (uint32_t i = 0; i < pool->arena->head->conn_high; i++) {
		struct conn *c = arena_conn(pool->arena, i);

		if (c->magic == CONN_MAGIC)
			conn_end(pool, c, reason);
	}
}
