/* SPDX-License-Identifier: MIT */
/* The order in which connections move. worker/door/offer.c moves a batch. */
#include "worker/door/moving.h"

#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/sys.h"
#include "worker/audit.h"

enum {
	LOOK_MS = 2,
	BUSY_US = 100000,        /* a door that is full for so long is given up */
	PATIENCE_US = 2000000,   /* without a batch that is taken: no receiver is given up before */
	BATCH_BYTES = 96 * 1024, /* beyond one connection */
	ROUNDS = 2,       /* of what is left, a batch is each receiver's share by so much ... */
	ROUNDS_MOST = 16, /* ... but not less than that of all that there was by so much */
	SLACK_PART = 16,
	STEPS_MOST = 64, /* batches in one turn of the loop */
};

static struct pool *pool_of(const struct moving *m)
{
	return m->offer.door->pool;
}

static const struct heritage *heritage_of(const struct moving *m)
{
	return m->offer.door->heritage;
}

static void set_look(struct moving *m)
{
	timer_set(m->alarms, &m->next.timer, pool_of(m)->loop->now_ms + LOOK_MS);
}

static bool can_move(const struct moving *m, struct record *r)
{
	if (!record_is_served(r) || r->side != SIDE_CLIENT || m->stays[r->index] != 0)
		return false;
	return m->state == MOVING_LEAVING || (r->state == CONN_OPEN && pool_rests(pool_of(m), r));
}

static size_t bytes_of(const struct record *r)
{
	return sizeof(*r) + (r->in.end - r->in.start) + (r->out.end - r->out.start);
}

static size_t bytes_of_conn(const struct pool *pool, const struct record *client)
{
	const struct record *peer = pool_peer(pool, client);

	return bytes_of(client) + (peer ? bytes_of(peer) : 0);
}

static unsigned descriptors_of(const struct pool *pool, const struct record *client)
{
	return pool_peer(pool, client) ? 4 : 2;
}

/*
 * Gathers connections of one listener, up to `most` and what a message holds, from the cursor on;
 * the cursor stays at the first that is left out.
 */
static void gather_batch(struct moving *m, unsigned most)
{
	struct pool *pool = pool_of(m);
	unsigned fds = 0, listener = 0, count = 0;
	size_t bytes = 0;
	uint32_t i;

	for (i = m->cursor; i < pool->arena->head->record_high && count < most; i++) {
		struct record *r = arena_record(pool->arena, i);

		if (!can_move(m, r) || !audit_passes(pool, r))
			continue;
		bytes += bytes_of_conn(pool, r);
		fds += descriptors_of(pool, r);
		if (count > 0 &&
		    (r->listener != listener || bytes > BATCH_BYTES || fds > RIGHTS_MOST))
			break;
		listener = r->listener;
		m->offer.list[count++] = i;
	}
	m->offer.count = count;
	m->cursor = i;
}

/*
 * First many at a time, then fewer: all receivers get about the same number from each sender, and
 * the last connections do not go one by one.
 */
static unsigned size_batch(const struct moving *m, unsigned receivers)
{
	uint32_t size = pool_of(m)->limit.total / (ROUNDS * receivers) + 1;
	uint32_t least = m->total / (ROUNDS_MOST * receivers) + 1;

	if (size < least)
		size = least;
	if (m->state == MOVING_SHARING && size > m->wanted)
		size = m->wanted;
	if (m->limit > 0 && size > m->limit)
		size = m->limit;
	return size < DOOR_CONNS_MOST ? size : DOOR_CONNS_MOST;
}

static void keep_record(struct moving *m, const struct record *r, enum stay_reason reason)
{
	if (m->stays[r->index] != 0)
		return;
	m->stays[r->index] = (uint8_t)(reason + 1);
	m->staying++;
	if (m->state == MOVING_LEAVING)
		cell_add(&pool_of(m)->slot->tally.connections_not_moved_total[reason], 1);
}

/* Every connection that is left stays, or each of one listener. */
static void keep_all(struct moving *m, const uint16_t *listener, enum stay_reason reason)
{
	const struct pool *pool = pool_of(m);

	for (uint32_t i = 0; i < pool->arena->head->record_high; i++) {
		struct record *r = arena_record(pool->arena, i);

		if (record_is_client(r) && (!listener || r->listener == *listener))
			keep_record(m, r, reason);
	}
}

static void keep_immovable(struct moving *m)
{
	const struct pool *pool = pool_of(m);

	for (uint16_t i = 0; i < pool->listeners->count; i++)
		if (m->offer.door->keys[i].state == 0)
			keep_all(m, &i, STAY_not_movable);
}

static void end_moving(struct moving *m)
{
	enum moving_state state = m->state;

	if (state == MOVING_LEAVING && m->moved + m->staying > 0)
		LOG(EVENT_connections_moved, LOG_NUM("moved", m->moved),
		    LOG_NUM("staying", m->staying), LOG_STR("cause", move_cause_name(m->cause)));
	m->state = MOVING_IDLE;
	timer_cancel(m->alarms, &m->next.timer);
	if (state == MOVING_LEAVING)
		m->done(m->owner);
}

/* The receiver is asked no more: it hangs, is full, or leaves itself. */
static void give_up_receiver(struct moving *m, enum stay_reason reason)
{
	receiver_mask_add(&m->refused, m->receiver);
	if (reason == STAY_no_room)
		receiver_note_full(heritage_of(m), &m->full, m->receiver);
	m->was_silent = m->was_silent || reason == STAY_unanswered ||
			reason == STAY_in_flight_limit;
	m->reason = reason;
	m->busy_us = 0;
	m->limit = 0;
}

/* The refused connections are served here again; offer.list still names them. */
static void handle_refusal(struct moving *m)
{
	const struct record *first = arena_record(pool_of(m)->arena, m->offer.list[0]);

	m->cursor = 0;
	m->listener = first->listener;
	switch (m->offer.reason) {
	case STAY_listener_gone:
	case STAY_options_changed:
	case STAY_not_movable:
		keep_all(m, &m->listener, m->offer.reason);
		break;
	case STAY_damaged:
	case STAY_too_large:
		m->limit = 1; /* one by one: which is it? */
		if (m->count == 1)
			keep_record(m, first, m->offer.reason);
		break;
	case STAY_no_room:
	case STAY_no_descriptors:
		if (m->count > 1)
			m->limit = m->count / 2;
		else
			give_up_receiver(m, m->offer.reason);
		break;
	default:
		give_up_receiver(m, m->offer.reason);
		break;
	}
}

/* True when nothing can be sent to the receiver, and that may change in a moment. */
static bool is_busy(struct moving *m)
{
	m->cursor = 0;
	if (m->busy_us == 0)
		m->busy_us = clock_us();
	if (clock_us() - m->busy_us < BUSY_US)
		return true;
	give_up_receiver(m, m->offer.reason);
	return false;
}

/* Handles what has become of the batch. True when the next one can be sent. */
static bool handle_outcome(struct moving *m, enum offer_state outcome)
{
	switch (outcome) {
	case OFFER_TAKEN:
		m->moved += m->count;
		m->wanted -= m->count < m->wanted ? m->count : m->wanted;
		m->taken_us = clock_us();
		m->busy_us = 0;
		return true;
	case OFFER_REFUSED:
		handle_refusal(m);
		return true;
	case OFFER_BUSY:
		return !is_busy(m);
	default:
		return outcome == OFFER_NONE;
	}
}

static bool is_enough(const struct moving *m)
{
	return m->is_stopping || (m->state == MOVING_SHARING && m->wanted == 0);
}

static void note_cause(struct moving *m, const struct receiver *to)
{
	bool is_peer = to->generation == atomic_load(&pool_of(m)->slot->generation);

	m->receiver = to->slot;
	if (m->state == MOVING_LEAVING)
		m->cause = is_peer ? MOVE_retirement : MOVE_reload;
}

static bool has_any_to_move(const struct moving *m)
{
	const struct pool *pool = pool_of(m);

	for (uint32_t i = 0; i < pool->arena->head->record_high; i++)
		if (can_move(m, arena_record(pool->arena, i)))
			return true;
	return false;
}

/*
 * No worker takes more now. True when one may do so in a moment: it was silent, since it waits for
 * a CPU, it is dead and is replaced, or it was full.
 */
static bool is_worth_waiting(struct moving *m, const struct receiver_choice *choice)
{
	if (m->state != MOVING_LEAVING || clock_us() - m->taken_us > PATIENCE_US ||
	    !has_any_to_move(m))
		return false;
	if (m->was_silent)
		m->refused = (struct receiver_mask){ 0 };
	else if (choice->ready > 0)
		return receiver_find_room(heritage_of(m), &m->full, &m->refused);
	m->was_silent = false;
	return true;
}

/* Other listeners may have room where this one has none (listen.reserve). */
static bool skip_listener(struct moving *m)
{
	if (!receiver_forget_full(&m->full, &m->refused))
		return false;
	keep_all(m, &m->listener, m->reason);
	return has_any_to_move(m);
}

static enum offer_state send_to(struct moving *m, const struct receiver_choice *choice)
{
	gather_batch(m, size_batch(m, choice->usable));
	m->count = m->offer.count;
	if (m->count == 0)
		return OFFER_NONE;
	note_cause(m, &choice->lightest);
	return offer_send(&m->offer, &choice->lightest, m->cause);
}

/* So far the receivers may come apart; less and less, until they are even. */
static uint32_t slack_of(const struct moving *m)
{
	uint32_t slack = pool_of(m)->limit.total / SLACK_PART;

	return slack < DOOR_CONNS_MOST ? slack : DOOR_CONNS_MOST;
}

/*
 * Sends the next batch. Returns NONE when nothing is left to send, or no worker takes it; WAITS
 * also when none takes it yet.
 */
static enum offer_state send_next(struct moving *m)
{
	struct receiver_choice choice;

	if (is_enough(m))
		return OFFER_NONE;
	choice = receiver_choose(heritage_of(m), &m->refused, heritage_of(m)->number + m->turn++,
				 slack_of(m));
	if (choice.usable > 0)
		return send_to(m, &choice);
	if (is_worth_waiting(m, &choice) || skip_listener(m))
		return OFFER_WAITS;
	keep_all(m, NULL, m->reason);
	return OFFER_NONE;
}

/* True when a batch is on its way, or the receiver is busy. */
static bool must_wait(struct moving *m)
{
	enum offer_state sent;

	if (!handle_outcome(m, offer_look(&m->offer)))
		return true;
	sent = send_next(m);
	if (sent == OFFER_NONE)
		end_moving(m);
	return sent == OFFER_WAITS || !handle_outcome(m, sent);
}

void moving_look(struct moving *m)
{
	for (unsigned i = 0; i < STEPS_MOST && m->state != MOVING_IDLE; i++)
		if (must_wait(m))
			break;
	if (m->state != MOVING_IDLE)
		set_look(m);
}

static void look_again(void *owner)
{
	moving_look(owner);
}

bool moving_start(struct moving *m)
{
	m->stays = sys_mmap(NULL, pool_of(m)->arena->record_most, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	m->next = (struct alarm){ .fire = look_again, .owner = m };
	m->reason = STAY_unanswered;
	if (m->stays == MAP_FAILED)
		return false;
	offer_resume(&m->offer);
	m->count = m->offer.count;
	if (m->count > 0) { /* nothing more is sent, unless this worker leaves */
		m->state = MOVING_SHARING;
		set_look(m);
	}
	return true;
}

static void begin_moving(struct moving *m, enum moving_state state)
{
	m->state = state;
	m->cursor = m->moved = m->staying = m->limit = 0;
	m->total = pool_of(m)->limit.total;
	m->taken_us = clock_us();
	m->busy_us = 0;
	m->was_silent = false;
	m->reason = STAY_unanswered;
	m->refused = (struct receiver_mask){ 0 };
	m->full = (struct receivers_full){ 0 };
	memset(m->stays, 0, pool_of(m)->arena->head->record_high);
}

void moving_leave(struct moving *m)
{
	begin_moving(m, MOVING_LEAVING);
	m->offer.is_leaving = true;
	keep_immovable(m);
	moving_look(m);
}

void moving_share(struct moving *m, unsigned slot, uint32_t count)
{
	if (m->state != MOVING_IDLE || m->offer.count > 0)
		return;
	begin_moving(m, MOVING_SHARING);
	memset(&m->refused, 0xff, sizeof(m->refused));
	receiver_mask_remove(&m->refused, slot);
	m->cause = MOVE_rebalance;
	m->wanted = count;
	moving_look(m);
}

void moving_stop(struct moving *m)
{
	m->is_stopping = true;
	moving_look(m);
}
