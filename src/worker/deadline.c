/* SPDX-License-Identifier: MIT */
/* Finds deadlines and sets timers. worker/visit.c decides what follows. */
#include "worker/deadline.h"

#include <linux/sockios.h>

#include "base/sys.h"
#include "worker/pace.h"

enum {
	LOOKS = 16,      /* at what the other end takes, within the time that it has for it */
	FRESH_MS = 1000, /* a draining worker waits this long for a connection's first bytes */
	QUEUED_MS =
		100, /* a due connection that waits in the run queue is checked again after this */
};

/* A pair is active when one of its sides is. */
static int64_t active_ms_of(const struct pool *pool, const struct record *r)
{
	const struct record *peer = pool_peer(pool, r);

	return peer && peer->active_ms > r->active_ms ? peer->active_ms : r->active_ms;
}

static int64_t add_ms(int64_t from_ms, int64_t timeout_ms)
{
	return timeout_ms > 0 ? from_ms + timeout_ms : 0;
}

/* In a pair what moves in either direction is progress. */
static int64_t begun_ms_of(const struct pool *pool, const struct record *r)
{
	int64_t begun_ms = r->begun_us / 1000, active_ms = active_ms_of(pool, r);

	return r->peer > 0 && active_ms > begun_ms ? active_ms : begun_ms;
}

static bool peer_has_output(const struct pool *pool, const struct record *r)
{
	const struct record *peer = pool_peer(pool, r);

	return peer && record_has_output(peer);
}

/* A stream has no messages: silence ends it, after a time of its own when one end has ended. */
static int64_t find_for_stream(const struct pool *pool, const struct record *r,
			       enum close_reason *why)
{
	const struct stream_timeouts *timeouts = &pool->streams[r->listener];
	const struct record *peer = pool_peer(pool, r);
	bool is_half_closed = peer && peer->in_ended != r->in_ended;

	*why = is_half_closed ? CLOSE_half_close_timeout : CLOSE_idle_timeout;
	return add_ms(active_ms_of(pool, r),
		      is_half_closed ? timeouts->half_close_ms : timeouts->idle_ms);
}

/* Of two times, 0: never. */
static int64_t earlier_of(int64_t one_ms, int64_t other_ms)
{
	return one_ms == 0 || (other_ms != 0 && other_ms < one_ms) ? other_ms : one_ms;
}

/* The time before a connection was let in counts for no client. */
static bool was_let_in_at_once(const struct pool *pool, const struct record *r)
{
	return r->proxy == PROXY_NONE && !limiter_rule(&pool->limiter, r->listener)->has_sources;
}

/* Until the head of the message in progress must be complete; 0: it is. */
static int64_t head_due_ms(const struct pool *pool, const struct record *r)
{
	const struct service *service = pool->services[r->listener];
	bool is_first = r->messages == 0 && was_let_in_at_once(pool, r);

	if (!service->is_in_head || !service->is_in_head(r->state_bytes))
		return 0;
	return add_ms((is_first ? r->opened_us : r->begun_us) / 1000,
		      pool_conf(pool, r)->header_timeout);
}

/* Between messages: a service with heads has times of its own. */
static int64_t find_by_silence(const struct pool *pool, const struct record *r)
{
	const struct listen_conf *conf = pool_conf(pool, r);
	int64_t active_ms = active_ms_of(pool, r), idle_ms = add_ms(active_ms, conf->idle_timeout);

	if (!pool->services[r->listener]->is_in_head)
		return idle_ms;
	if (r->messages == 0)
		return earlier_of(idle_ms, add_ms(active_ms, conf->header_timeout));
	return conf->keepalive_timeout > 0 ? active_ms + conf->keepalive_timeout : idle_ms;
}

int64_t deadline_drained_ms(const struct pool *pool, const struct record *r)
{
	int64_t drain_ms = pool->services[r->listener]->drain_ms, until_ms = 0, fresh_ms;

	if (drain_ms > 0) {
		until_ms = drain_ms + (r->active_ms > pool->drain_begun_ms ? r->active_ms :
									     pool->drain_begun_ms);
		if (until_ms > pool->drain_last_ms)
			until_ms = pool->drain_last_ms;
	}
	fresh_ms = r->bytes_in == 0 ? r->opened_us / 1000 + FRESH_MS : 0;
	return fresh_ms > until_ms ? fresh_ms : until_ms;
}

static int64_t find_by_messages(const struct pool *pool, const struct record *r,
				enum close_reason *why)
{
	const struct listen_conf *conf = pool_conf(pool, r);

	if (r->begun_us != 0) {
		*why = CLOSE_message_timeout;
		return earlier_of(add_ms(begun_ms_of(pool, r), conf->message_timeout),
				  head_due_ms(pool, r));
	}
	if (pool->draining && deadline_drained_ms(pool, r) != 0) {
		*why = CLOSE_drained;
		return deadline_drained_ms(pool, r);
	}
	*why = CLOSE_idle_timeout;
	return find_by_silence(pool, r);
}

/* True while not one byte of its PROXY header has come. */
static bool is_silent(const struct pool *pool, const struct record *r)
{
	return r->in.end == r->in.start && pool->arena->proxies[r->index].stage == PROXY_STAGE_HEAD;
}

/* A draining worker waits for a handshake as long as it makes progress. */
static int64_t find_by_handshake(const struct pool *pool, const struct record *r, int64_t begun_ms,
				 enum close_reason *why)
{
	int64_t due_ms = add_ms(begun_ms, pool_conf(pool, r)->handshake_timeout);

	if (!pool->draining || (due_ms != 0 && due_ms < r->active_ms + FRESH_MS))
		return due_ms;
	*why = CLOSE_drained;
	return r->active_ms + FRESH_MS;
}

/* Each part of the preface has its time behind that of the part before. */
static int64_t find_by_preface(const struct pool *pool, const struct record *r,
			       enum close_reason *why)
{
	const struct listen_conf *conf = pool_conf(pool, r);
	int64_t opened_ms = r->opened_us / 1000, header_ms = conf->accept_proxy_timeout;

	if (r->proxy != PROXY_AWAITED) {
		opened_ms += conf->accept_proxy ? header_ms : 0;
		*why = r->tls == TLS_HANDSHAKE ? CLOSE_handshake_timeout : CLOSE_message_timeout;
		if (r->tls == TLS_HANDSHAKE)
			return find_by_handshake(pool, r, opened_ms, why);
		return add_ms(opened_ms + (r->tls == TLS_NONE ? 0 : conf->handshake_timeout),
			      pool->services[r->listener]->preface_ms);
	}
	*why = CLOSE_proxy_header_timeout;
	if (!pool->draining || header_ms < FRESH_MS || !is_silent(pool, r))
		return opened_ms + header_ms;
	*why = CLOSE_drained;
	return opened_ms + FRESH_MS;
}

/* A client that takes nothing is late from the moment on at which it could have had more. */
static int64_t find_for_output(const struct pool *pool, const struct record *r)
{
	const struct listen_conf *conf = pool_conf(pool, r);
	int64_t active_ms = r->active_ms;

	if (conf->limit_rate > 0 && pace_next_ms(conf, r) > active_ms)
		active_ms = pace_next_ms(conf, r);
	return add_ms(active_ms, conf->message_timeout);
}

/* By the options of the listener and the state alone. */
static int64_t find_by_options(const struct pool *pool, const struct record *r,
			       enum close_reason *why)
{
	const struct listen_conf *conf = pool_conf(pool, r);

	*why = CLOSE_none;
	if (r->state == CONN_WAITING)
		return waiting_due_ms(&pool->waiting, r);
	if (r->is_untimed && r->state == CONN_OPEN)
		return 0;
	if (r->state == CONN_LINGERING) {
		*why = r->ending;
		return r->active_ms + conf->linger_timeout;
	}
	if (r->state == CONN_PREFACE)
		return find_by_preface(pool, r, why);
	if (record_has_output(r) && !r->is_connecting) {
		*why = r->side == SIDE_PEER ? CLOSE_upstream_stalled : CLOSE_send_timeout;
		return find_for_output(pool, r);
	}
	*why = CLOSE_idle_timeout;
	if (r->side == SIDE_PEER || peer_has_output(pool, r))
		return 0; /* the other side's deadline is the connection's */
	return pool->services[r->listener]->is_stream ? find_for_stream(pool, r, why) :
							find_by_messages(pool, r, why);
}

/* The server's own end waits for no deadline of the client's. */
static bool has_grace(const struct record *r, enum close_reason why)
{
	return r->grace_ms > 0 && r->state != CONN_LINGERING && why != CLOSE_drained;
}

static int64_t add_grace(const struct record *r, int64_t due_ms)
{
	if (due_ms == 0 || r->grace_ms == 0 || due_ms >= r->grace_ms)
		return due_ms;
	return r->grace_ms == INT64_MAX ? 0 : r->grace_ms;
}

static int64_t lifetime_end_ms(const struct pool *pool, const struct record *r)
{
	return add_ms(r->opened_us / 1000, pool_conf(pool, r)->max_lifetime);
}

/* Of what is under way at the end of the lifetime; 0: never. */
static int64_t lifetime_last_ms(const struct pool *pool, const struct record *r)
{
	return add_ms(lifetime_end_ms(pool, r), pool_conf(pool, r)->message_timeout);
}

/*
 * Between messages at once; otherwise the message in progress has its time. A client that sends
 * ahead is never between messages, which does not put off the end.
 */
static int64_t find_by_lifetime(const struct pool *pool, const struct record *r)
{
	int64_t end_ms = lifetime_end_ms(pool, r);

	if (end_ms == 0 || r->state != CONN_OPEN || r->side == SIDE_PEER || r->is_untimed)
		return 0;
	if (r->begun_us == 0 || pool_stream_rests(pool, r))
		return end_ms;
	return add_grace(r, lifetime_last_ms(pool, r));
}

bool deadline_is_too_old(const struct pool *pool, const struct record *r)
{
	int64_t end_ms = lifetime_end_ms(pool, r);

	return end_ms != 0 && !r->is_untimed && end_ms <= pool->loop->now_ms;
}

bool deadline_is_far_too_old(const struct pool *pool, const struct record *r)
{
	int64_t last_ms = lifetime_last_ms(pool, r);

	return deadline_is_too_old(pool, r) && last_ms != 0 && last_ms <= pool->loop->now_ms;
}

/* The service's own; the first of a line is looked at before. */
static int64_t find_own(const struct pool *pool, const struct record *r)
{
	int64_t look_ms = server_queue_due_ms(&pool->queues, r);

	return look_ms != 0 && (r->due_ms == 0 || look_ms < r->due_ms) ? look_ms : r->due_ms;
}

int64_t deadline_find(const struct pool *pool, const struct record *r, enum close_reason *why)
{
	int64_t due_ms = find_by_options(pool, r, why), lifetime_ms, own_ms;

	if (r->state == CONN_WAITING)
		return due_ms;
	if (has_grace(r, *why))
		due_ms = add_grace(r, due_ms);
	lifetime_ms = find_by_lifetime(pool, r);
	if (lifetime_ms != 0 && (due_ms == 0 || lifetime_ms < due_ms)) {
		*why = CLOSE_lifetime_reached;
		due_ms = lifetime_ms;
	}
	own_ms = find_own(pool, r);
	if (own_ms != 0 && r->state == CONN_OPEN && (due_ms == 0 || own_ms < due_ms)) {
		*why = CLOSE_none;
		due_ms = own_ms;
	}
	return due_ms;
}

/* What the kernel still holds was not taken (tcp(7), unix(7)): only a change says something. */
static bool read_taken(const struct record *r, uint64_t *taken)
{
	int held;

	if (sys_ioctl(r->fd, SIOCOUTQ, &held) < 0)
		return false;
	*taken = r->bytes_out - (uint64_t)held;
	return true;
}

bool deadline_sees_taken(const struct record *r)
{
	uint64_t taken;

	return read_taken(r, &taken);
}

/* Returns true when the other end has taken something since the last look. */
static bool look_at_taken(struct pool *pool, const struct record *r)
{
	uint64_t taken;

	if (!read_taken(r, &taken) || taken == pool->taken[r->index])
		return false;
	pool->taken[r->index] = taken;
	return true;
}

int64_t deadline_look(struct pool *pool, struct record *r, enum close_reason *why)
{
	int64_t due_ms = deadline_find(pool, r, why);

	if (!deadline_cuts(*why) || !look_at_taken(pool, r))
		return due_ms;
	r->active_ms = pool->loop->now_ms;
	return deadline_find(pool, r, why);
}

static bool has_pace(const struct pool *pool, const struct record *r)
{
	return record_has_output(r) && pool_conf(pool, r)->limit_rate > 0;
}

bool deadline_resumes(const struct pool *pool, const struct record *r)
{
	return has_pace(pool, r) && (r->state == CONN_OPEN || r->state == CONN_FLUSHING) &&
	       !(r->watched & EPOLLOUT) && !pace_pauses(pool_conf(pool, r), r, pool->loop->now_ms);
}

/*
 * When the timer has to fire for that deadline, or 0: waiting output is looked at on the way, and
 * goes on after a pause.
 */
static int64_t find_alarm(const struct pool *pool, const struct record *r, int64_t due_ms,
			  enum close_reason why)
{
	const struct listen_conf *conf = pool_conf(pool, r);
	int64_t now_ms = pool->loop->now_ms, alarm_ms = due_ms;

	if (deadline_cuts(why))
		alarm_ms = earlier_of(due_ms, now_ms + 1 + conf->message_timeout / LOOKS);
	if (has_pace(pool, r) && pace_pauses(conf, r, now_ms))
		alarm_ms = earlier_of(alarm_ms, pace_next_ms(conf, r));
	return alarm_ms;
}

void deadline_set(struct pool *pool, const struct record *r)
{
	struct timer_node *timer = &pool->nodes[r->index];
	enum close_reason why;
	int64_t due_ms = deadline_find(pool, r, &why), alarm_ms = find_alarm(pool, r, due_ms, why);

	if (alarm_ms == 0 || (timer_is_set(timer) && alarm_ms >= timer->due_ms))
		return;
	if (deadline_cuts(why))
		(void)look_at_taken(pool, r);
	timer_set(&pool->timers, timer, alarm_ms);
}

bool deadline_put_off(struct pool *pool, const struct record *r, int64_t due_ms,
		      enum close_reason why)
{
	int64_t now_ms = pool->loop->now_ms, alarm_ms;

	if (due_ms != 0 && due_ms <= now_ms && r->state != CONN_LINGERING &&
	    ring_has(&pool->queue, r->index))
		due_ms = now_ms + QUEUED_MS;
	if (due_ms != 0 && due_ms <= now_ms)
		return false;
	alarm_ms = find_alarm(pool, r, due_ms, why);
	if (alarm_ms != 0)
		timer_set(&pool->timers, &pool->nodes[r->index], alarm_ms);
	return true;
}
