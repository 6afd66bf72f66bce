/* SPDX-License-Identifier: MIT */
/*
 * The set of a worker's connections: free lists, deadlines, dispatch. What a connection does is
 * worker/conn.c's business.
 */
#include "worker/pool.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/sys.h"
#include "worker/accesslog.h"
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

static bool find_services(struct conns *all)
{
	const struct listener_set *set = all->listeners;

	all->services = calloc(set->count, sizeof(struct service *));
	for (unsigned i = 0; all->services && i < set->count; i++)
		all->services[i] = service_find(set->list[i].conf->service);
	return all->services != NULL;
}

bool conns_start(struct conns *all, bool makes_room)
{
	return find_services(all) && conn_limit_start(all, makes_room) &&
	       timer_heap_new(&all->timers, all->arena->conn_most) &&
	       runqueue_start(&all->queue, all->arena->conn_most) &&
	       free_list_start(&all->records, all->arena->conn_most) &&
	       free_list_start(&all->bufs, all->arena->buf_most);
}

void conns_stop(struct conns *all)
{
	BUG_ON(all->live > 0);
	timer_heap_free(&all->timers);
	runqueue_stop(&all->queue);
	free_list_stop(&all->records);
	free_list_stop(&all->bufs);
	conn_limit_stop(all);
	free(all->services);
}

void conns_lend(struct conns *all, struct buf *b)
{
	if (b->base)
		return;
	b->base = arena_buf(all->arena, free_list_take(&all->bufs));
	b->size = ARENA_BUF_SIZE;
	b->start = b->end = 0;
}

void conns_take_back(struct conns *all, struct buf *b)
{
	uint32_t index;

	if (!b->base || buf_used(b) > 0)
		return;
	index = arena_buf_index(all->arena, b->base);
	if (index >= BUFS_KEPT)
		arena_buf_forget(all->arena, index);
	free_list_give(&all->bufs, index);
	*b = (struct buf){ 0 };
}

uint16_t conns_remember(struct net *net, const struct addr *remote)
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
static struct conn *new_record(struct conns *all, uint32_t listener, int fd)
{
	uint32_t index = free_list_take(&all->records);
	struct conn *c = arena_conn(all->arena, index);

	conns_take_in_hand(all, index);
	memset(c, 0, all->arena->conn_stride);
	if (index >= all->arena->head->conn_high)
		all->arena->head->conn_high = index + 1;
	c->index = index;
	c->serial = ++all->last_serial & INT32_MAX;
	c->number = ++all->arena->head->conn_number;
	c->fd = fd;
	c->listener = listener;
	c->conf = all->listeners->list[listener].conf;
	c->service = all->services[listener];
	c->state = CONN_OPEN;
	c->opened_us = all->loop->now_us;
	c->active_ms = all->loop->now_ms;
	*conn_guard(c, all->arena->conn_stride) = CONN_MAGIC;
	c->magic = CONN_MAGIC;
	return c;
}

static void set_live(struct conns *all, uint32_t live)
{
	all->live = live;
	atomic_store_explicit(&all->slot->live, live, memory_order_relaxed);
}

static void say_opened(const struct conn *c)
{
	char remote[ADDR_TEXT];

	if (log_wants(EVENT_connection_opened))
		LOG(EVENT_connection_opened, LOG_STR("remote", conn_remote(c, remote)),
		    LOG_STR("listen", c->conf->address), LOG_STR("service", c->service->name));
}

static bool is_over(const struct conns *all, int64_t most_us)
{
	return all->loop->now_us - all->loop->turn_us >= most_us;
}

/* Only while others wait is it worth to know what a visit costs. */
static bool is_busy(const struct conns *all)
{
	return conns_wait(all) || is_over(all, TURN_US);
}

void conns_accept(struct conns *all, uint32_t listener, int fd, const struct addr *remote)
{
	struct conn *c = new_record(all, listener, fd);

	c->remote_port = conns_remember(&c->remote, remote);
	set_live(all, all->live + 1);
	conn_limit_take(all, listener);
	cell_add(&conns_tally(all, c)->connections_live, 1);
	say_opened(c);
	all->is_weighing = all->is_ahead = is_busy(all);
	conn_begin(all, c);
	c->weight = budget_weigh(WEIGHT_UNKNOWN, all->moved, all->asked_us);
}

void conns_forget(struct conns *all, struct conn *c)
{
	/*
	 * A worker that dies after the line and before the magic has gone tells and counts it
	 * twice, as lost in hand; the other way round nobody would ever hear of it.
	 */
	if (accesslog_is_on)
		accesstell_ended(all, c);
	cell_add(&all->slot->tally.connections_ended_total[c->ending], 1);
	atomic_signal_fence(memory_order_seq_cst);
	c->magic = 0;
	set_live(all, all->live - 1);
	conn_limit_give(all, c->listener);
	cell_add(&conns_tally(all, c)->connections_live, (uint64_t)-1);
	timer_cancel(&all->timers, &c->timer);
	runqueue_remove(&all->queue, c->index);
	free_list_give(&all->records, c->index);
	all->ended(all->owner);
}

/* What is used lies below the high marks; the rest below them is free. */
static void rebuild_bufs(struct conns *all, const bool *is_used, uint32_t high)
{
	all->bufs.high = high;
	all->bufs.count = 0;
	for (uint32_t i = 0; i < high; i++)
		if (!is_used[i])
			free_list_give(&all->bufs, i);
}

static void mark_buf(const struct conns *all, const struct buf *b, bool *is_used, uint32_t *high)
{
	uint32_t index = b->base ? arena_buf_index(all->arena, b->base) : all->arena->buf_most;

	if (index == all->arena->buf_most)
		return;
	is_used[index] = true;
	if (index >= *high)
		*high = index + 1;
}

/* Buffers are found anew: a dead worker's lists are never trusted. */
static void resume_bufs(struct conns *all, const bool *is_kept, bool *is_used)
{
	uint32_t high = 0;

	for (uint32_t i = 0; i < all->arena->head->conn_high; i++) {
		const struct conn *c = arena_conn(all->arena, i);

		if (!is_kept[i])
			continue;
		mark_buf(all, &c->in, is_used, &high);
		mark_buf(all, &c->out, is_used, &high);
	}
	rebuild_bufs(all, is_used, high);
}

static unsigned count_kept(struct conns *all, const struct conn *c)
{
	conn_limit_take(all, c->listener);
	return conns_row(all, c);
}

bool conns_resume(struct conns *all, const bool *is_kept)
{
	uint32_t high = all->arena->head->conn_high, live[METRIC_LISTENERS] = { 0 };
	bool *is_used = calloc(all->arena->buf_most, sizeof(*is_used));

	if (!is_used)
		return false;
	resume_bufs(all, is_kept, is_used);
	free(is_used);
	all->records.high = high;
	for (uint32_t i = 0; i < high; i++) {
		if (is_kept[i])
			live[count_kept(all, arena_conn(all->arena, i))]++;
		else
			free_list_give(&all->records, i);
	}
	all->live = scoreboard_set_live(all->slot, live);
	for (uint32_t i = 0; i < high; i++)
		if (is_kept[i])
			conn_resume(all, arena_conn(all->arena, i));
	return true;
}

uint64_t conns_tag(const struct conn *c)
{
	return (uint64_t)c->serial << 32 | c->index;
}

/* A worker that serves is seen alive, and its messages are timed, however long the turn lasts. */
static void tick(struct conns *all)
{
	int64_t before_us = all->loop->now_us;

	loop_read_clock(all->loop);
	if (all->answered > 0)
		histogram_add(&all->slot->tally.message_seconds,
			      (uint64_t)(all->loop->now_us - before_us), all->answered);
	all->answered = 0;
	all->visits = 0;
	atomic_store_explicit(&all->slot->heartbeat_ms, all->loop->now_ms, memory_order_relaxed);
}

/* The record may be free afterwards, but no other connection has it yet. */
static void visit_conn(struct conns *all, struct conn *c, uint32_t events, bool has_waited)
{
	enum conn_weight before = c->weight;

	all->is_weighing = is_busy(all);
	all->is_ahead = all->is_weighing && !has_waited;
	conn_ready(all, c, events);
	c->weight = budget_weigh(before, all->moved, all->asked_us);
	if (++all->visits >= TICK_VISITS || c->weight == WEIGHT_HEAVY)
		tick(all);
}

/* True when it would hold up others that wait already, or events that are still to come. */
static bool must_wait(const struct conns *all, const struct conn *c)
{
	if (c->weight == WEIGHT_HEAVY)
		return conns_wait(all) || is_over(all, TURN_US);
	return c->weight == WEIGHT_UNKNOWN && is_over(all, TURN_MOST_US);
}

/*
 * A connection may have ended, and its record have been taken anew, since epoll gathered its
 * word.
 */
void conns_ready(struct conns *all, uint64_t tag, uint32_t events)
{
	struct conn *c = arena_conn(all->arena, (uint32_t)tag);

	if (c->magic != CONN_MAGIC || conns_tag(c) != tag)
		return;
	if (runqueue_has(&all->queue, c->index))
		conn_mute(all, c);
	else if (!(events & (EPOLLERR | EPOLLHUP)) && must_wait(all, c))
		runqueue_push(&all->queue, c->index);
	else
		visit_conn(all, c, events, false);
}

static void run_queue(struct conns *all)
{
	uint32_t index;

	do {
		if (!runqueue_pop(&all->queue, &index))
			return;
		visit_conn(all, arena_conn(all->arena, index), 0, true);
	} while (!is_over(all, TURN_US));
}

/* What is due and not ended now comes first in the next turn, which does not sleep. */
static void expire(struct conns *all)
{
	struct timer_node *node;
	int64_t now_ms = all->loop->now_ms;

	for (unsigned n = 1; (node = timer_pop(&all->timers, now_ms)); n++) {
		conn_expire(all, (struct conn *)((char *)node - offsetof(struct conn, timer)));
		if (n % TICK_VISITS != 0)
			continue;
		tick(all);
		if (is_over(all, TURN_US))
			return;
	}
}

void conns_end_turn(struct conns *all)
{
	run_queue(all);
	if (all->answered > 0)
		tick(all);
	expire(all);
	if (accesslog_is_on)
		accesslog_relieve(ACCESSLOG_MANY);
}

void conns_drain(struct conns *all)
{
	all->draining = true;
	for (uint32_t i = 0; i < all->arena->head->conn_high; i++)
		if (arena_conn(all->arena, i)->magic == CONN_MAGIC)
			runqueue_push(&all->queue, i);
}

void conns_end_all(struct conns *all, enum close_reason reason)
{
	for (uint32_t i = 0; i < all->arena->head->conn_high; i++) {
		struct conn *c = arena_conn(all->arena, i);

		if (c->magic == CONN_MAGIC)
			conn_end(all, c, reason);
	}
}
