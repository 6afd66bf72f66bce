/* SPDX-License-Identifier: MIT */
/*
 * Checks the arena that a dead worker left (order: worker/recovery.h). It trusts no index, no
 * pointer and no list: everything is checked against facts of this process. It serves no client.
 */
#include "worker/recovery.h"

#include <stdlib.h>

#include "accesslog/accesslog.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/sys.h"
#include "worker/dispatch.h"
#include "worker/fds.h"
#include "worker/record_check.h"

/*
 * If so many workers in a row took over and died before they served, with nothing in hand, the
 * arena is at fault.
 */
enum { EMPTY_HANDED_MOST = 2 };

/* The survey's state so far: nothing may be claimed twice. */
struct survey {
	const struct heritage *heritage;
	const struct arena *arena;
	struct fds_claims fds;
	uint8_t *buf_claims; /* how many records claim the buffer: 0, 1, or more */
	uint32_t open;       /* connections of the slot, as counted by the master */
	int64_t now_us;
	struct worker_tally *tally;
};

static bool is_socket(int fd)
{
	struct stat st;

	return sys_fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode);
}

/* A descriptor of the heritage belongs to no connection, even if it is a socket. */
static void claim_heritage(struct survey *s)
{
	const struct listener_set *listeners = s->heritage->listeners;
	int fds[LOG_FDS + ACCESSLOG_FDS];
	unsigned count = log_fds(fds);

	count += accesslog_fds(fds + count);
	for (unsigned i = 0; i < count; i++)
		fds_claims_reserve(&s->fds, fds[i]);
	fds_claims_reserve(&s->fds, heritage_bell(s->heritage));
	for (unsigned i = 0; i < s->heritage->peer_count; i++)
		fds_claims_reserve(&s->fds, heritage_wire(s->heritage, i));
	for (unsigned i = 0; i < listeners->count; i++)
		for (unsigned k = 0; k < listeners->list[i].fd_count; k++)
			fds_claims_reserve(&s->fds, listeners->list[i].fds[k]);
}

static bool is_sound_buf(const struct survey *s, const struct buf *b)
{
	uint32_t index;

	if (!b->base)
		return b->start == 0 && b->end == 0;
	index = arena_buf_index(s->arena, b->base);
	return index < s->arena->buf_most && b->size == ARENA_BUF_SIZE && b->start <= b->end &&
	       b->end <= b->size;
}

/* The lower bound prevents overflow in later arithmetic. */
static bool is_past(int64_t time, int64_t now)
{
	return time > INT64_MIN / 2 && time <= now;
}

static bool is_sound_frame(const struct survey *s, struct conn *c, uint32_t index)
{
	return record_check_is_whole(s->arena, c) && c->index == index &&
	       c->listener < s->heritage->listeners->count && c->state >= CONN_OPEN &&
	       c->state <= CONN_LINGERING && c->ending < CLOSE_COUNT &&
	       *(const uint8_t *)&c->in_ended <= 1 && *(const uint8_t *)&c->is_unfinished <= 1 &&
	       is_past(c->opened_us, s->now_us) && is_past(c->active_ms, s->now_us / 1000) &&
	       is_past(c->begun_us, s->now_us) && (!c->in.base || c->in.base != c->out.base) &&
	       is_sound_buf(s, &c->in) && is_sound_buf(s, &c->out);
}

static void count_claim(uint8_t *claims)
{
	if (*claims < 2)
		(*claims)++;
}

static void count_buf(const struct survey *s, const struct buf *b)
{
	if (b->base)
		count_claim(&s->buf_claims[arena_buf_index(s->arena, b->base)]);
}

/* If two records claim the same socket or buffer, neither can be trusted. */
static void count_claims(struct survey *s)
{
	for (uint32_t i = 0; i < s->arena->head->conn_high; i++) {
		struct conn *c = arena_conn(s->arena, i);

		if (!is_sound_frame(s, c, i))
			continue;
		fds_claims_count(&s->fds, c->fd);
		count_buf(s, &c->in);
		count_buf(s, &c->out);
	}
}

static bool is_sole_buf(const struct survey *s, const struct buf *b)
{
	return !b->base || s->buf_claims[arena_buf_index(s->arena, b->base)] == 1;
}

/* Pointers in the record are not even checked: they are written anew. */
static bool is_sound(const struct survey *s, struct conn *c, uint32_t index)
{
	if (!is_sound_frame(s, c, index))
		return false;
	c->conf = s->heritage->listeners->list[c->listener].conf;
	c->service = service_find(c->conf->service);
	if (c->service->is_sound && !c->service->is_sound(c))
		return false;
	return c->fd > STDERR_FILENO && fds_claims_is_sole(&s->fds, c->fd) && is_socket(c->fd) &&
	       is_sole_buf(s, &c->in) && is_sole_buf(s, &c->out);
}

static void log_lost(const struct conn *c, enum close_reason reason)
{
	if (log_wants(EVENT_connection_ended))
		LOG(EVENT_connection_ended, LOG_NUM("connection", c->index),
		    LOG_STR("ending", close_reason_name(reason)));
}

/* c NULL: the client is unknown. */
static void note_lost(const struct survey *s, struct conn *c, enum close_reason reason)
{
	struct access_entry entry;
	char state[3];

	if (accesslog_is_on) {
		record_check_tell(&entry, s->arena, s->heritage->conf, c, reason, s->now_us, state);
		accesslog_add(&entry);
	}
	cell_add(&s->tally->connections_ended_total[reason], 1);
	cell_add(&s->tally->connections_lost_total, 1);
}

/*
 * If this worker dies here, the next one finds the record in use and logs and counts it again:
 * twice in both, which shows, is better than in one only or in none.
 */
static void lose_conn(const struct survey *s, struct conn *c, enum close_reason reason,
		      unsigned *count)
{
	log_lost(c, reason);
	note_lost(s, c, reason);
	atomic_signal_fence(memory_order_seq_cst);
	c->magic = 0;
	(*count)++;
}

/* This comes first, so that a recovery that dies leaves nothing in hand. */
static void end_in_hand(struct recovery *r, const struct survey *s)
{
	const struct arena *arena = s->arena;
	uint32_t in_hand = atomic_load_explicit(&arena->head->in_hand, memory_order_relaxed);

	if (in_hand == 0)
		return;
	if (arena_conn(arena, in_hand - 1)->magic != 0)
		lose_conn(s, arena_conn(arena, in_hand - 1), CLOSE_worker_crash, &r->in_hand);
	atomic_store_explicit(&arena->head->in_hand, 0, memory_order_relaxed);
}

static void judge_records(struct recovery *r, struct survey *s)
{
	count_claims(s);
	for (uint32_t i = 0; i < s->arena->head->conn_high; i++) {
		struct conn *c = arena_conn(s->arena, i);

		if (c->magic == 0)
			continue;
		if (is_sound(s, c, i)) {
			r->is_kept[i] = true;
			r->fds[r->kept++] = c->fd;
		} else {
			lose_conn(s, c, CLOSE_recovery_damaged, &r->damaged);
		}
	}
	r->lost = r->in_hand + r->damaged;
}

/* Why the arena cannot be trusted at all; NULL when it can. */
static const char *judge_head(const struct arena *arena)
{
	struct arena_head *head = arena->head;
	uint32_t in_hand = atomic_load_explicit(&head->in_hand, memory_order_relaxed);

	/*
	 * A worker that dies while it takes a new record has it in hand before conn_high counts it.
	 */
	if (head->magic != ARENA_MAGIC || head->conn_high > arena->conn_most ||
	    in_hand > arena->conn_most || head->draining > 1)
		return "the head of the arena is damaged";
	if (in_hand > 0)
		head->empty_handed = 0;
	else if (head->empty_handed >= EMPTY_HANDED_MOST)
		return "workers died in a row with nothing in hand";
	head->empty_handed++; /* until this worker's loop has turned */
	return NULL;
}

/* One line for each connection that is counted; the records may name the clients. */
static unsigned lose_all(const struct survey *s)
{
	uint32_t index = 0;

	for (uint32_t lost = 0; lost < s->open; lost++)
		note_lost(s, record_check_next(s->arena, &index), CLOSE_worker_lost);
	return s->open;
}

/* Connections that the last worker had accepted when it died before their records were written. */
static void lose_unrecorded(struct recovery *r, const struct survey *s)
{
	for (; r->kept + r->lost < s->open; r->lost++)
		note_lost(s, NULL, CLOSE_worker_crash);
}

static unsigned count_heritage(const struct heritage *heritage)
{
	return LOG_FDS + ACCESSLOG_FDS + 1 + heritage->peer_count +
	       listener_sockets(heritage->listeners);
}

/* Sized by the records: descriptors may have any number that the system allows. */
static bool start_survey(struct recovery *r, struct survey *s)
{
	const struct arena *arena = s->arena;

	s->buf_claims = calloc(arena->buf_most, sizeof(*s->buf_claims));
	r->is_kept = calloc(arena->conn_most, sizeof(*r->is_kept));
	r->fds = calloc(arena->conn_most, sizeof(*r->fds));
	return s->buf_claims && r->is_kept && r->fds &&
	       fds_claims_new(&s->fds, arena->head->conn_high + count_heritage(s->heritage));
}

static void end_survey(struct survey *s)
{
	fds_claims_free(&s->fds);
	free(s->buf_claims);
}

static bool survey_arena(struct recovery *r, struct survey *s)
{
	const struct arena *arena = s->arena;

	r->emptied = judge_head(arena);
	if (r->emptied) {
		r->lost = lose_all(s);
		arena_reset(s->heritage->arena);
		return true;
	}
	r->was_draining = arena->head->draining == 1;
	if (!start_survey(r, s))
		return false;
	claim_heritage(s);
	end_in_hand(r, s);
	judge_records(r, s);
	lose_unrecorded(r, s);
	return true;
}

/* Until this worker has taken over, its slot holds the master's count. */
static uint32_t open_before(const struct heritage *heritage)
{
	const struct slot *slot = &heritage->peers[heritage->number];
	uint32_t open = atomic_load_explicit(&slot->live, memory_order_relaxed);

	return open < heritage->arena->conn_most ? open : heritage->arena->conn_most;
}

bool recovery_survey(struct recovery *r, const struct heritage *heritage)
{
	struct survey s = { .heritage = heritage,
			    .arena = heritage->arena,
			    .open = open_before(heritage),
			    .now_us = clock_us(),
			    .tally = &heritage->peers[heritage->number].tally };
	bool done;

	*r = (struct recovery){ .began_ms = clock_ms(), .is_needed = heritage->resumes };
	if (!r->is_needed)
		return true;
	done = survey_arena(r, &s);
	end_survey(&s);
	return done;
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
	if (r->emptied)
		scoreboard_set_live(pool->slot, NULL);
	else if (!dispatch_resume(pool, r->is_kept))
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
	const struct conn *c;

	*hand = (struct recovery_in_hand){ .last_call = sys_name(head->last_call) };
	copy_remote(slot, hand);
	if (head->magic != ARENA_MAGIC || in_hand == 0 || in_hand > arena->conn_most)
		return;
	c = arena_conn(arena, in_hand - 1);
	if (c->magic != CONN_MAGIC || c->state > CONN_LINGERING)
		return;
	hand->conf = record_check_conf(conf, c);
	hand->state = c->state;
	hand->age_ms = now_ms > c->opened_us / 1000 ? now_ms - c->opened_us / 1000 : 0;
	hand->bytes_in = c->bytes_in;
	hand->bytes_out = c->bytes_out;
}
