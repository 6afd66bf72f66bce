/* SPDX-License-Identifier: MIT */
/* The order in which connections move. worker/door/offer.c moves a batch. */
#include "worker/door/moving.h"

#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/sys.h"
#include "worker/door/gather.h"
#include "worker/door/stays.h"

enum {
	LOOK_MS = 2,
	BUSY_US = 100000, /* a door that is full for so long is given up */
	PATIENCE_US =
		2000000, /* without a receiver, or one with room, or below the kernel's limit */
	SHUN_US =
		10000000, /* one that was silent gets no share for so long: a batch waits for it */
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

/* The receiver is asked no more. */
static void refuse_receiver(struct moving *m, enum stay_reason reason)
{
	receiver_mask_add(&m->standing.refused, m->receiver);
	if (reason == STAY_no_room)
		receiver_note_full(heritage_of(m), &m->full, m->receiver);
	m->reason = reason;
	m->busy_us = 0;
	gather_as_usual(m);
}

/* The others come first, and then it may answer after all: it waits for a CPU, or is replaced. */
static void set_aside_receiver(struct moving *m, enum stay_reason reason)
{
	m->silent_us = clock_us();
	receiver_set_aside(&m->standing, heritage_of(m), m->receiver);
	m->reason = reason;
	m->busy_us = 0;
	gather_as_usual(m);
}

/* Workers of one generation have the same listeners, with the same options. */
static void hear_of_listener(struct moving *m)
{
	if (m->cause != MOVE_reload)
		refuse_receiver(m, STAY_unanswered);
	else
		stays_hear(m, (struct objection){ OBJECTION_LISTENER, m->listener, m->receiver,
						  m->offer.reason });
}

/* What this worker has found before it sent the batch needs no second receiver. */
static void hear_of_connection(struct moving *m)
{
	uint32_t first = m->offer.list[0];

	if (m->count > 1)
		gather_suspects(m);
	else if (!m->offer.was_sent || m->state == MOVING_SHARING)
		stays_keep_one(m, first, m->offer.reason);
	else
		stays_hear(m, (struct objection){ OBJECTION_CONNECTION, first, m->receiver,
						  m->offer.reason });
}

/* The refused connections are served here again; offer.list still names them. */
static void handle_refusal(struct moving *m)
{
	m->cursor = 0;
	switch (m->offer.reason) {
	case STAY_listener_gone:
	case STAY_options_changed:
	case STAY_not_movable:
		hear_of_listener(m);
		break;
	case STAY_damaged:
	case STAY_server_gone:
	case STAY_too_large:
		hear_of_connection(m);
		break;
	case STAY_no_room:
	case STAY_no_descriptors:
		if (m->count > 1)
			gather_less(m);
		else
			refuse_receiver(m, m->offer.reason);
		break;
	default:
		if (m->offer.is_shut)
			refuse_receiver(m, m->offer.reason);
		else
			set_aside_receiver(m, m->offer.reason);
		break;
	}
}

/*
 * True when nothing can be sent to the receiver, and that may change in a moment. The limit of
 * descriptors in flight is none of the receiver's, but of all.
 */
static bool is_busy(struct moving *m)
{
	bool is_limit = m->offer.reason == STAY_in_flight_limit;

	m->cursor = 0;
	if (m->busy_us == 0)
		m->busy_us = clock_us();
	if (clock_us() - m->busy_us < (is_limit ? PATIENCE_US : BUSY_US))
		return true;
	if (is_limit)
		stays_keep_all(m, NULL, m->offer.reason);
	else
		set_aside_receiver(m, m->offer.reason);
	return false;
}

static void note_taken(struct moving *m)
{
	m->moved += m->count;
	m->wanted -= m->count < m->wanted ? m->count : m->wanted;
	m->taken_us = clock_us();
	m->busy_us = 0;
	gather_note_taken(m);
	stays_refute(m);
}

/* Handles what has become of the batch. True when the next one can be sent. */
static bool handle_outcome(struct moving *m, enum offer_state outcome)
{
	switch (outcome) {
	case OFFER_TAKEN:
		note_taken(m);
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

static bool is_patient(struct moving *m)
{
	int64_t now_us = clock_us();

	if (m->alone_us == 0)
		m->alone_us = now_us;
	return now_us - m->alone_us < PATIENCE_US;
}

/* True when a receiver would be asked if it had answered before, and there is time for it. */
static bool may_answer(const struct moving *m)
{
	struct receiver_mask out = m->standing.refused;

	if (m->objection.to != OBJECTION_NONE)
		receiver_mask_add(&out, m->objection.slot);
	return m->state == MOVING_LEAVING && clock_ms() < m->until_ms &&
	       receiver_choose(heritage_of(m), &out, 0, 0).usable > 0;
}

/* True when full workers have taken some of late, and one may have room again. */
static bool may_have_room(struct moving *m)
{
	return clock_us() - m->taken_us < PATIENCE_US && clock_ms() < m->until_ms &&
	       receiver_find_room(heritage_of(m), &m->full, &m->standing.refused);
}

/*
 * No worker takes more now. True when one may do so in a moment: a dead one is replaced, a full one
 * passes some on, and one that has not answered will turn, or the master kills and replaces it.
 */
static bool is_worth_waiting(struct moving *m, const struct receiver_choice *choice)
{
	if (m->state != MOVING_LEAVING || !gather_has_any(m))
		return false;
	if (choice->ready == 0)
		return is_patient(m);
	receiver_release(&m->standing, heritage_of(m));
	return may_have_room(m) || may_answer(m);
}

/* Other listeners may have room where this one has none (listen.reserve). */
static bool skip_listener(struct moving *m)
{
	if (!receiver_forget_full(&m->full, &m->standing.refused))
		return false;
	stays_keep_all(m, &m->listener, m->reason);
	return gather_has_any(m);
}

static enum offer_state send_to(struct moving *m, const struct receiver_choice *choice)
{
	gather_batch(m, choice->usable);
	m->count = m->offer.count;
	if (m->count == 0)
		return OFFER_NONE;
	m->listener = arena_record(pool_of(m)->arena, m->offer.list[0])->listener;
	note_cause(m, &choice->lightest);
	return offer_send(&m->offer, &choice->lightest, m->cause);
}

/* So far the receivers may come apart; less and less, until they are even. */
static uint32_t slack_of(const struct moving *m)
{
	uint32_t slack = pool_of(m)->limit.total / SLACK_PART;

	return slack < DOOR_CONNS_MOST ? slack : DOOR_CONNS_MOST;
}

static struct receiver_choice choose_receiver(struct moving *m)
{
	struct receiver_mask out = m->standing.refused;
	struct receiver_choice choice;

	receiver_mask_join(&out, &m->standing.aside);
	if (m->objection.to != OBJECTION_NONE)
		receiver_mask_add(&out, m->objection.slot);
	choice = receiver_choose(heritage_of(m), &out, heritage_of(m)->number + m->turn++,
				 slack_of(m));
	if (choice.ready > 0)
		m->alone_us = 0;
	return choice;
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
	choice = choose_receiver(m);
	if (choice.usable == 0 && m->objection.to != OBJECTION_NONE && !may_answer(m)) {
		stays_uphold(m); /* there is no second receiver */
		choice = choose_receiver(m);
	}
	if (choice.usable > 0)
		return send_to(m, &choice);
	if (is_worth_waiting(m, &choice) || skip_listener(m))
		return OFFER_WAITS;
	stays_keep_all(m, NULL, m->reason);
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

/* The dead worker's notes may hold anything: a bad cause counts as that of other options. */
static void note_resumed(struct moving *m)
{
	const struct arena *arena = pool_of(m)->arena;
	const struct arena_batch *batch = &arena->head->offered;

	m->receiver = batch->slot;
	m->cause = batch->cause < MOVE_CAUSES ? batch->cause : MOVE_reload;
	m->listener = arena_record(arena, m->offer.list[0])->listener;
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
		note_resumed(m);
		m->state = MOVING_SHARING;
		set_look(m);
	}
	return true;
}

static void begin_moving(struct moving *m, enum moving_state state)
{
	m->state = state;
	m->cursor = m->moved = m->staying = 0;
	gather_as_usual(m);
	m->total = pool_of(m)->limit.total;
	m->taken_us = clock_us();
	m->busy_us = m->alone_us = 0;
	m->full = (struct receivers_full){ 0 };
	m->objection.to = OBJECTION_NONE;
	m->reason = STAY_unanswered;
	m->standing.refused = (struct receiver_mask){ 0 };
	if (state == MOVING_LEAVING || clock_us() - m->silent_us > SHUN_US)
		m->standing.aside = (struct receiver_mask){ 0 };
	memset(m->stays, 0, pool_of(m)->arena->head->record_high);
}

void moving_leave(struct moving *m, int64_t until_ms)
{
	begin_moving(m, MOVING_LEAVING);
	m->until_ms = until_ms;
	m->offer.is_leaving = true;
	stays_keep_immovable(m);
	moving_look(m);
}

void moving_share(struct moving *m, unsigned slot, uint32_t count)
{
	if (m->state != MOVING_IDLE || m->offer.count > 0)
		return;
	begin_moving(m, MOVING_SHARING);
	memset(&m->standing.refused, 0xff, sizeof(m->standing.refused));
	receiver_mask_remove(&m->standing.refused, slot);
	m->cause = MOVE_rebalance;
	m->wanted = count;
	moving_look(m);
}

void moving_stop(struct moving *m)
{
	m->is_stopping = true;
	moving_look(m);
}
