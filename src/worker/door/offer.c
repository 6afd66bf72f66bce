/* SPDX-License-Identifier: MIT */
/* Packs, sends and settles one batch. worker/door/moving.c decides who gets which connections. */
#include "worker/door/offer.h"

#include <unistd.h>

#include "base/clock.h"
#include "base/rights.h"
#include "base/sys.h"
#include "worker/audit.h"
#include "worker/conn.h"
#include "worker/deadline.h"
#include "worker/preface/proxied.h"

enum {
	/* for each side a record and two buffers, and what a PROXY header said */
	PARTS_MOST = 1 + DOOR_CONNS_MOST * (2 * 3 + 2),
	FDS_MOST = DOOR_CONNS_MOST * CONN_FDS_MOST,
	BEGIN_US = 100000,       /* a receiver that has not begun by then hangs, or is dead; */
	BEGIN_MOST_US = 1000000, /* or its door is full of messages, if its loop turns */
	END_US = 20000, /* the longest wait for one that is deciding, when all connections end */
};

struct packing {
	struct iovec parts[PARTS_MOST];
	int fds[FDS_MOST];
	unsigned part_count, fd_count;
};

static struct pool *pool_of(const struct offer *offer)
{
	return offer->door->pool;
}

static struct record *client_of(const struct offer *offer, unsigned i)
{
	return arena_record(pool_of(offer)->arena, offer->list[i]);
}

static struct arena_batch *batch_of(const struct offer *offer)
{
	return &pool_of(offer)->arena->head->offered;
}

static void add_part(struct packing *p, void *bytes, size_t size)
{
	if (size > 0)
		p->parts[p->part_count++] = (struct iovec){ bytes, size };
}

static void add_buf(struct packing *p, const struct pool *pool, const struct record_buf *b)
{
	if (b->number > 0)
		add_part(p, arena_buf(pool->arena, b->number - 1) + b->start, b->end - b->start);
}

static void add_record(struct packing *p, const struct pool *pool, struct record *r)
{
	struct proxy_header *header = proxied_header(pool->arena, r);
	struct proxy_texts *texts = proxied_texts(pool->arena, r);

	add_part(p, r, sizeof(*r) + pool->services[r->listener]->state_size);
	add_part(p, header, header ? sizeof(*header) : 0);
	add_part(p, texts, texts ? sizeof(*texts) : 0);
	add_buf(p, pool, &r->in);
	add_buf(p, pool, &r->out);
	p->fds[p->fd_count++] = r->fd;
	p->fd_count += record_range_fds(r, p->fds + p->fd_count);
}

static void pack_batch(const struct offer *offer, struct packing *p, struct door_head *head)
{
	const struct pool *pool = pool_of(offer);

	p->part_count = p->fd_count = 0;
	add_part(p, head, sizeof(*head));
	for (unsigned i = 0; i < offer->count; i++) {
		struct record *client = client_of(offer, i), *peer = pool_peer(pool, client);

		add_record(p, pool, client);
		if (peer)
			add_record(p, pool, peer);
	}
	head->fds = p->fd_count;
}

/* Under other options the deadlines of today hold until bytes move (worker/deadline.h). */
static void note_grace(const struct pool *pool, struct record *r)
{
	enum close_reason why;
	int64_t due_ms = deadline_find(pool, r, &why);

	if (r->state == CONN_LINGERING || why == CLOSE_none)
		return;
	r->grace_ms = due_ms > 0 ? due_ms : INT64_MAX;
}

static void note_graces(const struct pool *pool, struct record *client)
{
	struct record *peer = pool_peer(pool, client);

	note_grace(pool, client);
	if (peer && record_has_output(peer))
		note_grace(pool, peer);
}

static void set_passage(struct pool *pool, struct record *client, enum record_passage passage)
{
	struct record *peer = pool_peer(pool, client);

	client->passage = (uint8_t)passage;
	if (peer)
		peer->passage = (uint8_t)passage;
}

/* The arena says so first: the next worker of the slot does not serve them either. */
static bool freeze_batch(struct offer *offer, bool is_other_generation)
{
	struct pool *pool = pool_of(offer);
	bool done = true;

	for (unsigned i = 0; i < offer->count; i++) {
		struct record *client = client_of(offer, i);

		set_passage(pool, client, PASSAGE_OFFERED);
		if (is_other_generation)
			note_graces(pool, client);
		conn_freeze(pool, client);
		if (!offer->is_leaving)
			done = conn_detach(pool, client) && done;
	}
	return done;
}

/* A receiver may have a copy of the descriptor, or get it later. */
static void mark_moved(const struct pool *pool, struct record *r)
{
	if (!r->has_moved)
		r->is_inet = r->side == SIDE_CLIENT && !pool_is_unix(pool, r);
	r->has_moved = true;
}

static void take_back(struct pool *pool, struct record *client, bool was_sent)
{
	struct record *peer = pool_peer(pool, client);

	if (was_sent)
		mark_moved(pool, client);
	if (was_sent && peer)
		mark_moved(pool, peer);
	set_passage(pool, client, PASSAGE_NONE);
	if (!audit_passes(pool, client))
		return;
	if (pool->draining)
		ring_push(&pool->queue, client->index);
	conn_resume(pool, client);
}

static void thaw_batch(struct offer *offer)
{
	struct pool *pool = pool_of(offer);

	for (unsigned i = 0; i < offer->count; i++)
		take_back(pool, client_of(offer, i), offer->was_sent);
	*batch_of(offer) = (struct arena_batch){ 0 };
	offer->count = 0;
	limiter_note_moving(&pool->limiter, false);
}

/* The batch is served here again. Returns outcome. */
static enum offer_state give_back(struct offer *offer, enum offer_state outcome,
				  enum stay_reason reason)
{
	offer->reason = reason;
	thaw_batch(offer);
	return outcome;
}

static enum offer_state handle_failure(struct offer *offer)
{
	switch (errno) {
	case EAGAIN:
	case ENOBUFS:
	case ENOMEM:
	case EINTR:
		return give_back(offer, OFFER_BUSY, STAY_unanswered);
	case ETOOMANYREFS: /* of all processes of this user (unix(7)) */
		return give_back(offer, OFFER_BUSY, STAY_in_flight_limit);
	case EMSGSIZE:
		return give_back(offer, OFFER_REFUSED, STAY_too_large);
	case EBADF:
		return give_back(offer, OFFER_REFUSED, STAY_damaged);
	default:
		offer->is_shut = errno == EPIPE;
		return give_back(offer, OFFER_REFUSED, STAY_unanswered);
	}
}

enum offer_state offer_send(struct offer *offer, const struct receiver *to, enum move_cause cause)
{
	struct pool *pool = pool_of(offer);
	const struct heritage *h = offer->door->heritage;
	const struct record *first = client_of(offer, 0);
	struct packing p;
	struct door_head head = {
		.magic = DOOR_MAGIC,
		.version = DOOR_VERSION,
		.record_size = sizeof(struct record),
		.state_size = (uint32_t)pool->services[first->listener]->state_size,
		.sender = heritage_slot(h),
		.receiver = to->slot,
		.generation = to->generation,
		.cause = cause,
		.batch = (uint64_t)clock_us(),
		.key = offer->door->keys[first->listener],
		.conns = offer->count,
	};

	/* until the master has noted this process, every receiver would refuse it */
	if (atomic_load(&h->board->infos[head.sender].pid) != (uint32_t)getpid()) {
		offer->count = 0;
		offer->reason = STAY_unanswered;
		return OFFER_BUSY;
	}
	offer->began_us = (int64_t)head.batch;
	offer->was_sent = offer->is_shut = false;
	offer->turns = heritage_turns(h, to->slot);
	*batch_of(offer) = (struct arena_batch){ head.batch, to->slot, cause };
	limiter_note_moving(&pool->limiter, true);
	if (!freeze_batch(offer, to->generation != atomic_load(&pool->slot->generation)))
		return give_back(offer, OFFER_REFUSED, STAY_damaged);
	pack_batch(offer, &p, &head);
	if (rights_send(to->doorbell, p.parts, p.part_count, p.fds, p.fd_count, MSG_DONTWAIT) < 0)
		return handle_failure(offer);
	offer->was_sent = true;
	return OFFER_WAITS;
}

static void let_go_batch(struct offer *offer)
{
	struct pool *pool = pool_of(offer);
	const struct arena_batch *batch = batch_of(offer);
	uint64_t took_us = (uint64_t)clock_us() - batch->number;
	int fds[DOOR_CONNS_MOST * CONN_FDS_MOST];
	unsigned fd_count = 0;

	histogram_add(&pool->slot->tally.move_seconds, took_us, offer->count);
	for (unsigned i = 0; i < offer->count; i++) {
		if (batch->cause < MOVE_CAUSES)
			cell_add(&pool->slot->tally.connections_moved_out_total[batch->cause], 1);
		fd_count += conn_let_go(pool, client_of(offer, i), fds + fd_count);
	}
	limiter_note_moving(&pool->limiter, false);
	conn_close_fds(fds, fd_count);
	*batch_of(offer) = (struct arena_batch){ 0 };
	offer->count = 0;
}

/* The receiver may have written any number. */
static enum stay_reason find_reason(uint64_t note)
{
	unsigned reason = door_note_result(note) - DOOR_REFUSED;

	return reason < STAY_REASONS ? (enum stay_reason)reason : STAY_unanswered;
}

static uint64_t read_note(const struct offer *offer)
{
	const struct heritage *h = offer->door->heritage;

	return atomic_load(&h->board->slots[batch_of(offer)->slot].door_taken[heritage_slot(h)]);
}

static bool is_gone(const struct offer *offer)
{
	return atomic_load(&offer->door->heritage->board->infos[batch_of(offer)->slot].is_taken) ==
	       0;
}

/*
 * A receiver that is not deciding yet cannot have served anything, and will see that the batch is
 * withdrawn when it decides. One that is deciding is waited for, unless it is gone: no later worker
 * of its slot goes on with what that one has begun. The order of the three is what makes this true.
 */
enum offer_state offer_withdraw(struct offer *offer)
{
	uint64_t number = batch_of(offer)->number, seen;
	bool gone;

	atomic_store(&pool_of(offer)->slot->door_withdrawn, number);
	gone = is_gone(offer);
	seen = read_note(offer);
	if (door_note_batch(seen) == number && seen != door_note(number, DOOR_BEGUN) &&
	    !(gone && door_note_is_open(seen)))
		return OFFER_WAITS;
	return give_back(offer, OFFER_REFUSED, STAY_unanswered);
}

/* A receiver that was taken over can count turns; then it delays a batch for the longer time. */
static bool is_late(const struct offer *offer)
{
	const struct heritage *h = offer->door->heritage;
	unsigned slot = batch_of(offer)->slot;
	int64_t age_us = clock_us() - offer->began_us;

	return age_us > BEGIN_MOST_US ||
	       (age_us > BEGIN_US && (scoreboard_state(h->board, slot) != SLOT_READY ||
				      heritage_turns(h, slot) == offer->turns));
}

enum offer_state offer_look(struct offer *offer)
{
	uint64_t number = batch_of(offer)->number, seen;
	bool is_noted;

	if (offer->count == 0)
		return OFFER_NONE;
	seen = read_note(offer);
	is_noted = door_note_batch(seen) == number;
	if (seen == door_note(number, DOOR_TAKEN)) {
		let_go_batch(offer);
		return OFFER_TAKEN;
	}
	if (is_noted && door_note_result(seen) >= DOOR_REFUSED)
		return give_back(offer, OFFER_REFUSED, find_reason(seen));
	if (is_gone(offer) || (!is_noted && is_late(offer)))
		return offer_withdraw(offer);
	return OFFER_WAITS;
}

/*
 * It is neither ended nor counted here: the records say OFFERED, and the master settles it after
 * this worker's end, as after a death.
 */
static void leave_undecided(struct offer *offer)
{
	struct pool *pool = pool_of(offer);

	for (unsigned i = 0; i < offer->count; i++)
		pool_count_out(pool, client_of(offer, i));
	offer->count = 0;
}

void offer_end(struct offer *offer)
{
	int64_t until_us = clock_us() + END_US;
	enum offer_state state;

	while ((state = offer_look(offer)) == OFFER_WAITS &&
	       (state = offer_withdraw(offer)) == OFFER_WAITS && clock_us() < until_us)
		(void)sys_poll(NULL, 0, 1);
	if (state == OFFER_WAITS)
		leave_undecided(offer);
}

/* The arena may hold anything. A number from the future would withdraw all later batches. */
static bool is_sound_batch(const struct arena_batch *batch)
{
	return batch->slot < SCOREBOARD_SLOTS && batch->number > 0 &&
	       batch->number <= (uint64_t)clock_us();
}

/*
 * The worker before may have been taken over: all later batches would pass for withdrawn. The next
 * one may have the number of this moment.
 */
static void clamp_withdrawn(struct slot *own)
{
	uint64_t past_us = (uint64_t)clock_us() - 1;

	if (atomic_load(&own->door_withdrawn) > past_us)
		atomic_store(&own->door_withdrawn, past_us);
}

/* What the dead worker had sent and the receiver has not begun with is refused for its pid. */
void offer_resume(struct offer *offer)
{
	struct pool *pool = pool_of(offer);

	offer->count = 0;
	offer->was_sent = true;
	clamp_withdrawn(pool->slot);
	for (uint32_t i = 0; i < pool->arena->head->record_high; i++) {
		struct record *r = arena_record(pool->arena, i);

		if (!record_is_client(r) || r->passage != PASSAGE_OFFERED)
			continue;
		if (offer->count == DOOR_CONNS_MOST || !is_sound_batch(batch_of(offer)))
			take_back(pool_of(offer), r, true);
		else
			offer->list[offer->count++] = i;
	}
	offer->began_us = clock_us() - BEGIN_MOST_US;
	limiter_note_moving(&pool->limiter, offer->count > 0);
}
