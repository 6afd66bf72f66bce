/* SPDX-License-Identifier: MIT */
/*
 * Takes over the arena that a dead worker left (order: worker/recovery/recovery.h): ends, counts
 * and logs what is lost, and keeps the others. It serves no client.
 */
#include "worker/recovery/recovery.h"

#include <stdlib.h>

#include "accesslog/accesslog.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/sys.h"
#include "worker/conn_reset.h"
#include "worker/dispatch.h"
#include "worker/door/arrival.h"
#include "worker/recovery/record_check.h"
#include "worker/recovery/survey.h"

/*
 * If so many workers in a row took over and died before they served, with nothing in hand, the
 * arena is at fault.
 */
enum { EMPTY_HANDED_MOST = 2 };

static void log_lost(const struct record *r, enum close_reason reason)
{
	if (log_wants(EVENT_connection_ended))
		LOG(EVENT_connection_ended, LOG_NUM("connection", r->index),
		    LOG_STR("ending", close_reason_name(reason)));
}

/* r NULL: the client is unknown. */
static void note_lost(const struct heritage *h, struct record *r, enum close_reason reason)
{
	struct slot *own = heritage_own_slot(h);
	unsigned generation = atomic_load_explicit(&own->generation, memory_order_relaxed);
	struct record_loss loss = {
		h->arena, h->conf, r, reason, clock_us(), generation, h->number
	};
	struct access_entry entry;
	char state[3];

	if (accesslog_is_on) {
		record_check_tell(&loss, &entry, state);
		accesslog_add(&entry);
	}
	cell_add(&own->tally.connections_ended_total[reason], 1);
	cell_add(&own->tally.connections_lost_total, 1);
}

/*
 * If this worker dies here, the next one finds the record in use and logs and counts it again:
 * twice in both, which shows, is better than in one only or in none.
 */
static void lose_conn(const struct heritage *h, struct record *r, enum close_reason reason,
		      unsigned *count)
{
	log_lost(r, reason);
	note_lost(h, r, reason);
	atomic_signal_fence(memory_order_seq_cst);
	r->magic = 0;
	(*count)++;
}

/* The sides of a stream, or of an answer, that was cut; NULL: none. */
struct cut {
	struct record *sides[SIDE_COUNT];
};

static struct record *find_peer(const struct arena *arena, const struct record *client)
{
	struct record *peer = client->peer > 0 && client->peer <= arena->head->record_high ?
				      arena_record(arena, client->peer - 1) :
				      NULL;

	return peer && record_check_is_whole(arena, peer) && peer->side == SIDE_PEER &&
			       peer->peer == record_link(client) ?
		       peer :
		       NULL;
}

static bool can_be_cut(const struct conn *c)
{
	return c->service->is_stream || (c->service->looks_whole && c->service->looks_whole(c));
}

static void find_cut(const struct survey *s, struct record *client, struct cut *cut)
{
	struct conn c;

	if (!record_check_is_whole(s->arena, client) || client->side != SIDE_CLIENT ||
	    client->listener >= s->heritage->listeners->count)
		return;
	pool_view_at(s->heritage, client, &c);
	if (!c.service || client->state == CONN_LINGERING || !can_be_cut(&c))
		return;
	cut->sides[SIDE_CLIENT] = client;
	cut->sides[SIDE_PEER] = find_peer(s->arena, client);
}

/*
 * What was cut must not pass for the whole: the close that follows is a reset, unless the
 * end went out before. All claims are counted: a descriptor that is not this side's alone is left.
 */
static void reset_cut(struct survey *s, const struct cut *cut)
{
	for (unsigned i = 0; i < SIDE_COUNT; i++) {
		const struct record *side = cut->sides[i];

		if (!side || side->output == OUTPUT_ENDED)
			continue;
		claims_count(&s->fds, side->fd);
		if (claims_is_sole(&s->fds, side->fd))
			conn_reset_prepare(side);
	}
}

/*
 * This comes first, so that a recovery that dies leaves nothing in hand. The peer of a connection
 * is not a connection of its own: it is found without a client, and goes too.
 */
static void end_in_hand(struct recovery *r, const struct survey *s, struct cut *cut)
{
	const struct arena *arena = s->arena;
	uint32_t in_hand = atomic_load_explicit(&arena->head->in_hand, memory_order_relaxed);
	struct record *lost;

	if (in_hand == 0)
		return;
	lost = arena_record(arena, in_hand - 1);
	find_cut(s, lost, cut);
	if (lost->magic != 0)
		lose_conn(s->heritage, lost, CLOSE_worker_crash, &r->in_hand);
	if (cut->sides[SIDE_PEER])
		cut->sides[SIDE_PEER]->magic = 0;
	atomic_store_explicit(&arena->head->in_hand, 0, memory_order_relaxed);
}

static void keep_record(struct recovery *r, const struct record *kept)
{
	r->is_kept[kept->index] = true;
	r->fds[r->fd_count++] = kept->fd;
	r->fd_count += record_range_fds(kept, r->fds + r->fd_count);
}

/* One that has arrived is served from now on. A death between two records leaves them different. */
static void keep_conn(struct recovery *r, const struct survey *s, struct record *client)
{
	struct record *peer = client->peer > 0 ? arena_record(s->arena, client->peer - 1) : NULL;

	if (client->passage == PASSAGE_ARRIVING)
		client->passage = PASSAGE_NONE;
	keep_record(r, client);
	if (peer) {
		peer->passage = client->passage;
		keep_record(r, peer);
	}
	r->kept++;
}

/*
 * Connections that were coming in when the worker died are this slot's if its own note says so;
 * otherwise the sender still has them, and the message brings them once more.
 */
static bool has_arrived(const struct survey *s)
{
	const struct arena_batch *batch = &s->arena->head->arriving;

	return batch->slot < SCOREBOARD_SLOTS && batch->cause < MOVE_CAUSES &&
	       door_has_taken(heritage_own_slot(s->heritage), batch->slot, batch->number);
}

static bool is_arriving(const struct survey *s, struct record *r)
{
	return record_check_is_whole(s->arena, r) && r->passage == PASSAGE_ARRIVING;
}

/* A damaged record that a client names is its peer, and is counted with it. */
static void judge_clients(struct recovery *r, struct survey *s)
{
	uint32_t cause = s->arena->head->arriving.cause;
	bool arrived = has_arrived(s);

	for (uint32_t i = 0; i < s->arena->head->record_high; i++) {
		struct record *c = arena_record(s->arena, i);

		if (c->magic == 0 || (record_is_used(c) && c->side == SIDE_PEER) ||
		    (is_arriving(s, c) && !arrived))
			continue;
		if (is_arriving(s, c))
			cell_add(&heritage_own_slot(s->heritage)
					  ->tally.connections_moved_in_total[cause],
				 1);
		if (survey_is_sound(s, c, i))
			keep_conn(r, s, c);
		else if (!survey_is_named(s, i, SIDE_CLIENT))
			lose_conn(s->heritage, c, CLOSE_recovery_damaged, &r->damaged);
	}
}

/* A record that is free is not looked at again, whatever it claims. */
static void free_peers(const struct recovery *r, const struct survey *s)
{
	for (uint32_t i = 0; i < s->arena->head->record_high; i++)
		if (!r->is_kept[i])
			arena_record(s->arena, i)->magic = 0;
}

static void judge_records(struct recovery *r, struct survey *s)
{
	survey_count(s);
	judge_clients(r, s);
	free_peers(r, s);
	r->lost = r->in_hand + r->damaged;
}

/* Why the arena cannot be trusted at all; NULL when it can. */
static const char *judge_head(const struct arena *arena)
{
	struct arena_head *head = arena->head;
	uint32_t in_hand = atomic_load_explicit(&head->in_hand, memory_order_relaxed);

	/*
	 * A worker that dies while it takes a new record has it in hand before record_high counts
	 * it.
	 */
	if (head->magic != ARENA_MAGIC || head->record_high > arena->record_most ||
	    in_hand > arena->record_most || head->leaving >= ARENA_LEAVINGS)
		return "the head of the arena is damaged";
	if (in_hand > 0)
		head->empty_handed = 0;
	else if (head->empty_handed >= EMPTY_HANDED_MOST)
		return "workers died in a row with nothing in hand";
	head->empty_handed++; /* until this worker's loop has turned */
	return NULL;
}

/* One line for each connection that is counted; the records may name the clients. */
static unsigned lose_all(const struct heritage *heritage, uint32_t open)
{
	uint32_t index = 0;

	for (uint32_t lost = 0; lost < open; lost++)
		note_lost(heritage, record_check_next(heritage->arena, &index), CLOSE_worker_lost);
	return open;
}

/* Connections that the last worker had accepted when it died before their records were written. */
static void lose_unrecorded(struct recovery *r, const struct heritage *heritage, uint32_t open)
{
	for (; r->kept + r->lost < open; r->lost++)
		note_lost(heritage, NULL, CLOSE_worker_crash);
}

static bool make_room(struct recovery *r, const struct arena *arena)
{
	r->is_kept = calloc(arena->record_most, sizeof(*r->is_kept));
	r->fds = calloc(3 * (size_t)arena->record_most, sizeof(*r->fds));
	return r->is_kept && r->fds;
}

/* Until this worker has taken over, its slot holds the master's count. */
static uint32_t open_before(const struct heritage *heritage)
{
	const struct slot *slot = heritage_own_slot(heritage);
	uint32_t open = atomic_load_explicit(&slot->live, memory_order_relaxed);

	return open < heritage->arena->conn_most ? open : heritage->arena->conn_most;
}

static bool survey_arena(struct recovery *r, const struct heritage *heritage)
{
	uint32_t open = open_before(heritage);
	struct cut cut = { { NULL } };
	struct survey s;
	bool done = make_room(r, heritage->arena);

	done = survey_new(&s, heritage, clock_us()) && done;
	if (done) {
		end_in_hand(r, &s, &cut);
		judge_records(r, &s);
		reset_cut(&s, &cut);
		lose_unrecorded(r, heritage, open);
	}
	survey_free(&s);
	return done;
}

bool recovery_survey(struct recovery *r, const struct heritage *heritage)
{
	*r = (struct recovery){ .began_ms = clock_ms(), .is_needed = heritage->resumes };
	if (!r->is_needed)
		return true;
	r->emptied = judge_head(heritage->arena);
	if (r->emptied) {
		r->lost = lose_all(heritage, open_before(heritage));
		arena_reset(heritage->arena);
		return true;
	}
	r->was_leaving = heritage->arena->head->leaving != ARENA_STAYS;
	return survey_arena(r, heritage);
}

static void log_outcome(const struct recovery *r)
{
	if (r->emptied)
		LOG(EVENT_arena_emptied, LOG_STR("reason", r->emptied), LOG_NUM("lost", r->lost));
	else
		LOG(EVENT_connections_recovered, LOG_NUM("kept", r->kept),
		    LOG_NUM("in_hand", r->in_hand), LOG_NUM("damaged", r->damaged),
		    LOG_NUM("ms", clock_ms() - r->began_ms));
}

bool recovery_adopt(struct recovery *r, struct pool *pool)
{
	if (!r->is_needed)
		return true;
	if (r->emptied) {
		scoreboard_set_live(pool->slot, NULL);
		server_count_set(&pool->servers, &(struct server_sums){ 0 });
	}
	if (!r->emptied && !dispatch_resume(pool, r->is_kept, r->lost_epoll))
		return false;
	cell_add(&pool->slot->tally.recoveries_total, 1);
	cell_add(&pool->slot->tally.connections_recovered_total, r->kept);
	log_outcome(r);
	return true;
}

void recovery_end(struct recovery *r)
{
	free(r->is_kept);
	free(r->fds);
	r->is_kept = NULL;
	r->fds = NULL;
}

void recovery_passed(struct arena *arena)
{
	arena->head->empty_handed = 0;
}

static void copy_remote(const struct slot *slot, struct recovery_in_hand *hand)
{
	if (atomic_load_explicit(&slot->has_hand, memory_order_relaxed) != 1 ||
	    !record_check_has_remote(&slot->hand))
		return;
	hand->has_remote = true;
	hand->remote = slot->hand;
	hand->remote_port = slot->hand_port;
}

void recovery_in_hand(const struct arena *arena, const struct slot *slot, const struct conf *conf,
		      int64_t now_ms, struct recovery_in_hand *hand)
{
	const struct arena_head *head = arena->head;
	uint32_t in_hand = atomic_load_explicit(&head->in_hand, memory_order_relaxed);
	const struct record *r;

	*hand = (struct recovery_in_hand){ .last_call = sys_name(head->last_call) };
	copy_remote(slot, hand);
	if (head->magic != ARENA_MAGIC || in_hand == 0 || in_hand > arena->record_most)
		return;
	r = arena_record(arena, in_hand - 1);
	if (!record_is_used(r) || r->state > CONN_LINGERING)
		return;
	hand->conf = record_check_conf(conf, r);
	hand->state = r->state;
	hand->is_proxy = r->proxy == PROXY_AWAITED;
	hand->age_ms = now_ms > r->opened_us / 1000 ? now_ms - r->opened_us / 1000 : 0;
	hand->bytes_in = r->bytes_in;
	hand->bytes_out = r->bytes_out;
}
