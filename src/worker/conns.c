/* SPDX-License-Identifier: MIT */
/*
 * The set of a worker's connections: free lists, deadlines, dispatch. What a connection does is
 * worker/conn.c's business.
 */
#include "worker/conns.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/sys.h"
#include "worker/accesslog.h"
#include "worker/accesstell.h"

/* Buffers beyond so many give their pages back as soon as they are free. */
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

static bool find_services(struct conns *all)
{
	const struct listener_set *set = all->listeners;

	all->services = calloc(set->count, sizeof(struct service *));
	for (unsigned i = 0; all->services && i < set->count; i++)
		all->services[i] = service_find(set->list[i].conf->service);
	return all->services != NULL;
}

bool conns_start(struct conns *all)
{
	return find_services(all) && timer_heap_new(&all->timers, all->arena->conn_most) &&
	       free_list_start(&all->records, all->arena->conn_most) &&
	       free_list_start(&all->bufs, all->arena->buf_most);
}

void conns_stop(struct conns *all)
{
	BUG_ON(all->live > 0);
	timer_heap_free(&all->timers);
	free_list_stop(&all->records);
	free_list_stop(&all->bufs);
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

void conns_accept(struct conns *all, uint32_t listener, int fd, const struct addr *remote)
{
	struct conn *c = new_record(all, listener, fd);

	c->remote_port = conns_remember(&c->remote, remote);
	set_live(all, all->live + 1);
	cell_add(&conns_tally(all, c)->connections_live, 1);
	say_opened(c);
	conn_begin(all, c);
}

void conns_forget(struct conns *all, struct conn *c)
{
	/*
	 * A worker that dies after the line and before the magic has gone tells and counts it twice, as
	 * lost in hand; the other way round nobody would ever hear of it.
	 */
	if (accesslog_is_on)
		accesstell_ended(all, c);
	cell_add(&all->slot->tally.connections_ended_total[c->ending], 1);
	atomic_signal_fence(memory_order_seq_cst);
	c->magic = 0;
	set_live(all, all->live - 1);
	cell_add(&conns_tally(all, c)->connections_live, (uint64_t)-1);
	timer_cancel(&all->timers, &c->timer);
	free_list_give(&all->records, c->index);
	all->room(all->owner);
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
			live[conns_row(all, arena_conn(all->arena, i))]++;
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

/*
 * A connection may have ended, and its record have been taken anew, since epoll gathered its
 * word.
 */
void conns_ready(struct conns *all, uint64_t tag, uint32_t events)
{
	struct conn *c = arena_conn(all->arena, (uint32_t)tag);

	if (c->magic == CONN_MAGIC && conns_tag(c) == tag)
		conn_ready(all, c, events);
}

void conns_expire(struct conns *all)
{
	struct timer_node *node;

	while ((node = timer_pop(&all->timers, all->loop->now_ms)))
		conn_expire(all, (struct conn *)((char *)node - offsetof(struct conn, timer)));
}

void conns_end_turn(struct conns *all)
{
	if (all->answered > 0)
		histogram_add(&all->slot->tally.message_seconds,
			      (uint64_t)(clock_us() - all->loop->now_us), all->answered);
	all->answered = 0;
	if (accesslog_is_on)
		accesslog_relieve(ACCESSLOG_MANY);
}

void conns_drain(struct conns *all)
{
	all->draining = true;
	for (uint32_t i = 0; i < all->arena->head->conn_high; i++) {
		struct conn *c = arena_conn(all->arena, i);

		if (c->magic == CONN_MAGIC)
			conn_drain(all, c);
	}
}

void conns_end_all(struct conns *all, enum ending ending)
{
	for (uint32_t i = 0; i < all->arena->head->conn_high; i++) {
		struct conn *c = arena_conn(all->arena, i);

		if (c->magic == CONN_MAGIC)
			conn_end(all, c, ending);
	}
}
