/* SPDX-License-Identifier: MIT */
/*
 * Checks the records of an arena: each alone, then against all others, then with its peer and its
 * service. It must not allocate by what a record says.
 */
#include "worker/recovery/survey.h"

#include <stdlib.h>
#include <unistd.h>

#include "accesslog/accesslog.h"
#include "base/log.h"
#include "worker/pool.h"
#include "worker/preface/proxied.h"
#include "worker/recovery/record_check.h"

static unsigned count_heritage(const struct heritage *heritage)
{
	return LOG_FDS + ACCESSLOG_FDS + heritage_fds_most(heritage) +
	       listener_sockets(heritage->listeners);
}

/* One that leaves has closed them: a pair may have their numbers. */
static void claim_listeners(struct survey *s)
{
	const struct listener_set *listeners = s->heritage->listeners;

	if (s->arena->head->leaving != ARENA_STAYS)
		return;
	for (unsigned i = 0; i < listeners->count; i++)
		for (unsigned k = 0; k < listeners->list[i].fd_count; k++)
			claims_reserve(&s->fds, listeners->list[i].fds[k]);
}

/* A descriptor of the heritage belongs to no connection, even if it is a socket. */
static bool claim_heritage(struct survey *s)
{
	int *fds = calloc(count_heritage(s->heritage), sizeof(*fds));
	unsigned count;

	if (!fds)
		return false;
	count = log_fds(fds);
	count += accesslog_fds(fds + count);
	count += heritage_fds(s->heritage, fds + count);
	for (unsigned i = 0; i < count; i++)
		claims_reserve(&s->fds, fds[i]);
	free(fds);
	claim_listeners(s);
	return true;
}

static bool is_sound_number(const struct survey *s, uint32_t number)
{
	return number <= s->arena->buf_most;
}

static bool is_sound_range(const struct record *r)
{
	if (!record_has_file(r))
		return r->file == 0 && !r->is_piped;
	if (r->is_piped && (r->holds_file || r->pipe_end <= STDERR_FILENO))
		return false;
	return r->file > STDERR_FILENO;
}

static bool is_sound_frame(const struct survey *s, struct record *r, uint32_t index)
{
	return record_check_is_whole(s->arena, r) && r->index == index &&
	       r->listener < s->heritage->listeners->count && record_check_fields(r, s->now_us) &&
	       is_sound_number(s, r->in.number) && is_sound_number(s, r->out.number) &&
	       r->fd > STDERR_FILENO && r->peer <= s->arena->head->record_high &&
	       is_sound_range(r) && (r->side == SIDE_CLIENT || r->peer > 0);
}

static void count_buf(const struct survey *s, uint32_t number)
{
	if (number > 0 && s->buf_claims[number - 1] < 2)
		s->buf_claims[number - 1]++;
}

static void count_range(struct survey *s, const struct record *r)
{
	int fds[2];
	unsigned count = record_range_fds(r, fds);

	for (unsigned i = 0; i < count; i++)
		claims_count(&s->fds, fds[i]);
}

static bool is_sole_range(const struct survey *s, const struct record *r)
{
	int fds[2];
	unsigned count = record_range_fds(r, fds);

	for (unsigned i = 0; i < count; i++)
		if (!claims_is_sole(&s->fds, fds[i]))
			return false;
	return true;
}

/* If two records claim the same descriptor or buffer, neither can be trusted. */
void survey_count(struct survey *s)
{
	for (uint32_t i = 0; i < s->arena->head->record_high; i++) {
		struct record *r = arena_record(s->arena, i);

		if (!is_sound_frame(s, r, i))
			continue;
		claims_count(&s->fds, r->fd);
		count_range(s, r);
		if (r->peer > 0 && r->peer != i + 1)
			s->named_by[r->peer - 1] |= (uint8_t)(1U << r->side);
		count_buf(s, r->in.number);
		count_buf(s, r->out.number);
	}
}

static bool is_sole_buf(const struct survey *s, uint32_t number)
{
	return number == 0 || s->buf_claims[number - 1] == 1;
}

static bool is_sound_side(const struct survey *s, struct record *r, uint32_t index)
{
	return is_sound_frame(s, r, index) && claims_is_sole(&s->fds, r->fd) &&
	       is_sole_range(s, r) && is_sole_buf(s, r->in.number) && is_sole_buf(s, r->out.number);
}

/* The two records of a pair name each other, and are one client's. */
static bool is_sound_pair(const struct survey *s, struct record *r)
{
	struct record *peer = arena_record(s->arena, r->peer - 1);

	return peer != r && is_sound_side(s, peer, r->peer - 1) && peer->peer == record_link(r) &&
	       peer->side == SIDE_PEER && peer->state == r->state && peer->listener == r->listener;
}

/* The state of a service is sound as the service sees it, with all buffers and options. */
static bool is_sound_service(const struct survey *s, struct record *r)
{
	struct conn c, peer;

	pool_view_at(s->heritage, r, &c);
	if (!c.service)
		return false;
	if (r->peer > 0) {
		pool_view_at(s->heritage, arena_record(s->arena, r->peer - 1), &peer);
		c.peer = &peer;
		peer.peer = &c;
	}
	r->listen = (uint16_t)(c.conf - s->heritage->conf->listeners);
	return record_check_service(&c);
}

bool survey_is_named(const struct survey *s, uint32_t index, enum record_side side)
{
	return (s->named_by[index] & 1U << side) != 0;
}

bool survey_is_sound(const struct survey *s, struct record *r, uint32_t index)
{
	return is_sound_side(s, r, index) && proxied_is_sound(s->arena, r) &&
	       (r->peer > 0 ? is_sound_pair(s, r) : !survey_is_named(s, index, SIDE_PEER)) &&
	       is_sound_service(s, r);
}

/* At most. Its pages are mapped in one call: each would be a fault of its own. */
static uint32_t count_fds(const struct arena *arena)
{
	uint32_t count = arena->head->record_high;

	arena_touch(arena);
	for (uint32_t i = 0; i < arena->head->record_high; i++)
		count += 2U * record_has_file(arena_record(arena, i));
	return count;
}

/* Sized by the records: descriptors may have any number that the system allows. */
bool survey_new(struct survey *s, const struct heritage *heritage, int64_t now_us)
{
	const struct arena *arena = heritage->arena;

	*s = (struct survey){ .heritage = heritage, .arena = arena, .now_us = now_us };
	s->buf_claims = calloc(arena->buf_most, sizeof(*s->buf_claims));
	s->named_by = calloc(arena->record_most, sizeof(*s->named_by));
	return s->buf_claims && s->named_by &&
	       claims_new(&s->fds, count_fds(arena) + count_heritage(heritage)) &&
	       claim_heritage(s);
}

void survey_free(struct survey *s)
{
	claims_free(&s->fds);
	free(s->buf_claims);
	free(s->named_by);
}
