/* SPDX-License-Identifier: MIT */
/* Assertions shared by the tests of connections, recovery and damage. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "unit/aftermath.h"

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
