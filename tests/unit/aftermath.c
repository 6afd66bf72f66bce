/* SPDX-License-Identifier: MIT */
/* Assertions shared by the tests of connections, recovery and damage. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "unit/aftermath.h"

#include <string.h>
#include <unistd.h>

enum { BAN_MS = 3600 * 1000 };

void assert_nothing_left(struct served *s, unsigned lost)
{
	assert_int_equal(s->pool.limit.total, 0);
	assert_int_equal(s->pool.timers.count, 0);
	assert_int_equal(s->pool.bufs.count, s->pool.bufs.high);
	assert_int_equal(s->pool.records.count, s->pool.records.high);
	assert_int_equal(atomic_load(&s->pool.arena->head->in_hand), 0);
	assert_int_equal(served_metric(s, METRIC_connections_ended_total),
			 s->ended + s->pool.freed + lost);
	assert_int_equal(served_metric(s, METRIC_connections_lost_total), lost);
}

void assert_ended(struct served *s, enum close_reason reason)
{
	assert_nothing_left(s, 0);
	assert_int_equal(s->slot.tally.connections_ended_total[reason], 1);
}

void assert_refused(struct served *s, const char *bytes)
{
	int client = served_connect(s);
	char text[8];
	bool ended;

	served_send(s, client, bytes, strlen(bytes));
	assert_int_equal(served_read(s, client, text, sizeof(text), &ended), 0);
	assert_ended(s, CLOSE_refused);
	assert_int_equal(served_metric(s, METRIC_connections_refused_total), 1);
	assert_int_equal(s->slot.tally.listeners[0].connections_refused_total, 1);
	close(client);
}

void assert_refused_when_banned(struct served *s, const char *address, const char *bytes)
{
	const struct conf conf = { .crash_limit = 1, .crash_penalty = BAN_MS };
	static struct bans bans;
	struct net net;
	struct err err;

	assert_true(net_read(address, &net, &err));
	assert_true(ban_note(&bans, &conf, &net, s->loop.now_ms) > 0);
	s->pool.bans = &bans;
	assert_refused(s, bytes);
}

struct record *record(struct served *s, uint32_t index)
{
	return arena_record(s->pool.arena, index);
}

struct arena_head *head_of(struct served *s)
{
	return s->pool.arena->head;
}

void assert_counts(const struct recovery *r, unsigned kept, unsigned in_hand, unsigned damaged)
{
	assert_null(r->emptied);
	assert_int_equal(r->kept, kept);
	assert_int_equal(r->in_hand, in_hand);
	assert_int_equal(r->damaged, damaged);
	assert_int_equal(r->lost, in_hand + damaged);
}
