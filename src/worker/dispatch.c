/* SPDX-License-Identifier: MIT */
/*
 * The order in which connections are visited (picture: worker/dispatch.h). worker/visit.c does the
 * visit.
 */
#include "worker/dispatch.h"

#include <stdlib.h>

#include "accesslog/accesslog.h"
#include "base/log.h"
#include "base/oldest.h"
#include "base/sys.h"
#include "worker/recovery/audit.h"
#include "worker/conn.h"
#include "worker/limit/admit.h"
#include "worker/pool_sessions.h"
#include "worker/recovery/pool_resume.h"
#include "worker/share.h"
#include "worker/visit.h"
#include "worker/watching.h"

/* How long a turn may last before heavy connections, and then unknown ones, wait for the next. */
enum { TURN_US = 1000, TURN_MOST_US = 8000 };

enum { TICK_VISITS = 8 }; /* light visits between two readings of the clock */

static void log_opened(const struct listen_conf *conf, const struct record *r)
{
	char remote[ADDR_TEXT];

	if (log_wants(EVENT_connection_opened))
		LOG(EVENT_connection_opened, LOG_STR("remote", record_remote(r, remote)),
		    LOG_STR("listen", conf->address), LOG_STR("service", conf->service));
}

static bool is_over(const struct pool *pool, int64_t most_us)
{
	return pool->loop->now_us - pool->loop->turn_us >= most_us;
}

/* The cost of a visit matters only while other connections wait. */
static bool is_busy(const struct pool *pool)
{
	return pool_has_waiting(pool) || is_over(pool, TURN_US);
}

static uint8_t weigh_visit(const struct pool *pool, enum conn_weight before)
{
	return (uint8_t)share_weigh(before, pool->hand.moved, pool->hand.asked_us);
}

void dispatch_accept(struct pool *pool, uint32_t listener, int fd, const struct addr *remote)
{
	struct record *r;

	pool_note_opened(pool, fd);
	r = pool_new_record(pool, listener, fd, remote);
	log_opened(pool_conf(pool, r), r);
	pool->is_weighing = pool->is_ahead = is_busy(pool);
	visit_first(pool, r);
	r->weight = weigh_visit(pool, WEIGHT_UNKNOWN);
	admit_trim(pool);
}

/* One that is on its way to another worker may be served there already. */
static void resume_all(struct pool *pool)
{
	for (uint32_t i = 0; i < pool->arena->head->record_high; i++) {
		struct record *r = arena_record(pool->arena, i);

		if (!record_is_client(r))
			continue;
		if (pool_sessions_lack(pool, r))
			conn_end(pool, r, CLOSE_recovery_damaged);
		else if (r->passage == PASSAGE_OFFERED)
			(void)conn_detach(pool, r);
		else
			conn_resume(pool, r);
	}
}

static int by_age(const void *a, const void *b)
{
	const struct record *one = *(struct record *const *)a, *other = *(struct record *const *)b;

	return one->opened_us < other->opened_us ? -1 : one->opened_us > other->opened_us;
}

/* The oldest first: each then finds its place in a line at once. Returns false with errno set. */
static bool join_lines(struct pool *pool)
{
	uint32_t high = pool->arena->head->record_high, count = 0;
	struct record **list = calloc(high + 1, sizeof(*list));

	if (!list)
		return false;
	for (uint32_t i = 0; i < high; i++) {
		struct record *r = arena_record(pool->arena, i);

		if (record_is_served(r) && (r->state == CONN_WAITING || r->is_queued))
			list[count++] = r;
	}
	qsort(list, count, sizeof(*list), by_age);
	for (uint32_t i = 0; i < count; i++)
		pool_join_line(pool, list[i]);
	free(list);
	return true;
}

bool dispatch_resume(struct pool *pool, const bool *is_kept, bool is_new_epoll)
{
	if (!pool_resume(pool, is_kept))
		return false;
	for (uint32_t i = 0; i < pool->arena->head->record_high; i++) {
		struct record *r = arena_record(pool->arena, i);

		/* a side that cannot go on has ended the other */
		if (!is_kept[i] || !record_is_used(r))
			continue;
		audit_add(pool, r);
		if (is_new_epoll)
			r->watched = 0;
	}
	if (!join_lines(pool))
		return false;
	resume_all(pool);
	return true;
}

void dispatch_watch_all(struct pool *pool)
{
	for (uint32_t i = 0; i < pool->arena->head->record_high; i++) {
		struct record *r = arena_record(pool->arena, i);

		if (record_is_used(r))
			r->watched = 0;
	}
	resume_all(pool);
}

/* Keeps the heartbeat fresh and times messages during a long turn. */
static void tick_clock(struct pool *pool)
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
static void visit_conn(struct pool *pool, struct record *r, uint32_t events, bool has_waited)
{
	enum conn_weight before = r->weight;

	if (!audit_passes(pool, r))
		return;
	pool->is_weighing = is_busy(pool);
	pool->is_ahead = pool->is_weighing && !has_waited;
	visit_ready(pool, r, events);
	r->weight = weigh_visit(pool, before);
	/* one that has waited is one that takes long, whatever its last visit was */
	if (++pool->visits >= TICK_VISITS || r->weight == WEIGHT_HEAVY || has_waited)
		tick_clock(pool);
}

/* True when a visit would delay connections that wait already, or events that are still to come. */
static bool must_wait(const struct pool *pool, const struct record *r)
{
	if (r->weight == WEIGHT_HEAVY)
		return pool_has_waiting(pool) || is_over(pool, TURN_US);
	return r->weight == WEIGHT_UNKNOWN && is_over(pool, TURN_MOST_US);
}

/*
 * One that waits for its turn is reported in every turn. That costs less than to tell epoll not to,
 * and later to do so again, as long as there is room for the events of others.
 */
static void ignore_event(struct pool *pool, struct record *r)
{
	if (pool->loop->batch_count > LOOP_EVENTS / 2)
		watching_mute(pool, r);
}

/*
 * A connection may have ended since epoll reported it, and its record may belong to another one.
 * The worker before, which used the same epoll, may have written any tag.
 */
void dispatch_ready(struct pool *pool, uint64_t tag, uint32_t events)
{
	uint32_t index = (uint32_t)tag;
	struct record *r = index < pool->records.high ? arena_record(pool->arena, index) : NULL;

	if (!r || !record_is_used(r) || pool_tag(r) != tag) {
		pool->loop->strays++;
		return;
	}
	if (!record_is_served(r))
		(void)watching_stop(pool, r); /* until the other worker has decided */
	else if (ring_has(&pool->queue, r->index))
		ignore_event(pool, r);
	else if (!(events & (EPOLLERR | EPOLLHUP)) && must_wait(pool, r))
		ring_push(&pool->queue, r->index);
	else
		visit_conn(pool, r, events, false);
}

static void run_queue(struct pool *pool)
{
	uint32_t index;

	do {
		if (!ring_pop(&pool->queue, &index))
			return;
		visit_conn(pool, arena_record(pool->arena, index), 0, true);
	} while (!is_over(pool, TURN_US));
}

static void expire_record(struct pool *pool, struct record *r)
{
	if (audit_passes(pool, r))
		visit_due(pool, r);
}

/* Due connections that are not ended now come first in the next turn, which does not sleep. */
static void expire_due(struct pool *pool)
{
	struct timer_node *node;
	int64_t now_ms = pool->loop->now_ms;

	for (unsigned n = 1; (node = timer_pop(&pool->timers, now_ms)); n++) {
		expire_record(pool, arena_record(pool->arena, (uint32_t)(node - pool->nodes)));
		if (n % TICK_VISITS != 0)
			continue;
		tick_clock(pool);
		if (is_over(pool, TURN_US))
			return;
	}
}

void dispatch_end_turn(struct pool *pool)
{
	run_queue(pool);
	if (pool->answered > 0)
		tick_clock(pool);
	expire_due(pool);
	admit_trim(pool);
	audit_step(pool);
	if (accesslog_is_on)
		accesslog_relieve(ACCESSLOG_MANY);
}

static bool is_served_client(const struct record *r)
{
	return record_is_served(r) && r->side == SIDE_CLIENT;
}

void dispatch_drain(struct pool *pool)
{
	pool->draining = true;
	for (uint32_t i = 0; i < pool->arena->head->record_high; i++)
		if (is_served_client(arena_record(pool->arena, i)))
			ring_push(&pool->queue, i);
}

void dispatch_end_all(struct pool *pool, enum close_reason reason)
{
	for (uint32_t i = 0; i < pool->arena->head->record_high; i++) {
		struct record *r = arena_record(pool->arena, i);

		if (is_served_client(r))
			conn_end(pool, r, reason);
	}
}

static struct oldest find_oldest(const struct pool *pool)
{
	struct oldest o = { .wanted = SLOT_NOTES };

	for (uint32_t i = 0; pool->limit.total > 0 && i < pool->arena->head->record_high; i++) {
		const struct record *r = arena_record(pool->arena, i);

		if (record_is_client(r))
			oldest_consider(&o, i, r->opened_us);
	}
	return o;
}

static struct conn_note note_of(const struct pool *pool, const struct record *r)
{
	return (struct conn_note){
		.remote = r->remote,
		.remote_port = r->remote_port,
		.state = r->state,
		.listener = (uint8_t)pool->listeners->list[r->listener].row,
		.opened_ms = r->opened_us / 1000,
		.active_ms = r->active_ms,
		.bytes_in = r->bytes_in,
		.bytes_out = r->bytes_out,
	};
}

void dispatch_publish_notes(const struct pool *pool)
{
	struct conn_note list[SLOT_NOTES];
	struct oldest o = find_oldest(pool);

	for (unsigned i = 0; i < o.count; i++)
		list[i] = note_of(pool, arena_record(pool->arena, o.list[i].index));
	scoreboard_set_notes(pool->slot, list, o.count);
}
