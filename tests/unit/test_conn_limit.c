/* SPDX-License-Identifier: MIT */
/* Places: the connection that gives up its own, those that may not, and a listener's reserve. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/sys.h"
#include "unit/aftermath.h"

enum { PLACES = SERVED_PLACES };

/* Takes all places with the clients; the connection of record i has rested for ms[i]. */
static void fill(struct served *s, const int64_t *ms, int *clients)
{
	served_start(s, "ack", "framing", "line", "reply", "ok", NULL);
	for (uint32_t i = 0; i < PLACES; i++) {
		clients[i] = served_connect(s);
		served_send(s, clients[i], "x\n", 2);
		served_expect(s, clients[i], "ok\n", false);
	}
	for (uint32_t i = 0; i < PLACES; i++)
		record(s, i)->active_ms -= ms[i];
	assert_false(conn_limit_has(&s->pool.limit, 0));
}

static void empty(struct served *s, const int *clients)
{
	for (unsigned i = 0; i < PLACES; i++)
		close(clients[i]);
	served_stop(s);
}

static bool lives(struct served *s, uint32_t index)
{
	return record_is_used(record(s, index));
}

static void room__is_made_by_the_one_that_has_rested_longest__then_by_the_next(void **state)
{
	static const int64_t rested_ms[PLACES] = { 2000, 4000, 1000, 3000 };
	static const uint32_t order[PLACES] = { 1, 3, 0, 2 };
	struct served s;
	int clients[PLACES];

	(void)state;
	fill(&s, rested_ms, clients);
	for (unsigned i = 0; i < 2; i++) {
		assert_true(make_room_for(&s.room, &s.pool, 0));
		assert_false(lives(&s, order[i]));
		assert_int_equal(record(&s, order[i])->ending, CLOSE_made_room);
		assert_int_equal(s.pool.limit.total, PLACES - 1);
		served_expect(&s, clients[order[i]], "", true);
		close(clients[order[i]]);
		clients[order[i]] = served_connect(&s); /* the place is taken again */
	}
	assert_true(lives(&s, order[2]) && lives(&s, order[3]));
	assert_int_equal(cell_get(&s.slot.tally.connections_ended_total[CLOSE_made_room]), 2);
	empty(&s, clients);
}

/* The connection was noted as the next to go, and has been active since. */
static void connection__that_moved_meanwhile__stays(void **state)
{
	static const int64_t rested_ms[PLACES] = { 4000, 3000, 2000, 1000 };
	struct served s;
	int clients[PLACES];

	(void)state;
	fill(&s, rested_ms, clients);
	assert_true(make_room_for(&s.room, &s.pool, 0));
	close(clients[0]);
	clients[0] = served_connect(&s);
	served_send(&s, clients[1], "y\n", 2);
	served_expect(&s, clients[1], "ok\n", false);
	assert_true(make_room_for(&s.room, &s.pool, 0));
	assert_true(lives(&s, 1));
	assert_false(lives(&s, 2));
	empty(&s, clients);
}

static void connection__in_a_message_or_with_one_on_the_way__stays(void **state)
{
	static const int64_t rested_ms[PLACES] = { 4000, 3000, 2000, 1000 };
	struct served s;
	int clients[PLACES];

	(void)state;
	fill(&s, rested_ms, clients);
	served_send(&s, clients[0], "begun", 5);
	served_settle(&s);
	record(&s, 0)->active_ms -= 4000;
	assert_int_equal(send(clients[1], "come", 4, MSG_NOSIGNAL), 4); /* not read yet */
	assert_true(make_room_for(&s.room, &s.pool, 0));
	assert_true(lives(&s, 0) && lives(&s, 1));
	assert_false(lives(&s, 2));
	empty(&s, clients);
}

static void nobody_rests__no_room__and_the_next_walk_comes_later(void **state)
{
	static const int64_t rested_ms[PLACES] = { 1, 1, 1, 1 };
	struct served s;
	int clients[PLACES];

	(void)state;
	fill(&s, rested_ms, clients);
	for (unsigned i = 0; i < PLACES; i++)
		served_send(&s, clients[i], "begun", 5);
	served_settle(&s);
	assert_false(make_room_for(&s.room, &s.pool, 0));
	assert_true(s.room.again_ms > s.loop.now_ms);
	served_send(&s, clients[0], "\n", 1);
	served_expect(&s, clients[0], "ok\n", false);
	s.loop.now_ms = s.room.again_ms - 1;
	assert_false(make_room_for(&s.room, &s.pool, 0));
	s.loop.now_ms++;
	assert_true(make_room_for(&s.room, &s.pool, 0));
	assert_false(lives(&s, 0));
	empty(&s, clients);
}

static void make_room_no__ends_nobody(void **state)
{
	static const int64_t rested_ms[PLACES] = { 4000, 3000, 2000, 1000 };
	struct served s;
	int clients[PLACES];

	(void)state;
	fill(&s, rested_ms, clients);
	s.room.is_on = false;
	assert_false(make_room_for(&s.room, &s.pool, 0));
	assert_int_equal(s.pool.limit.total, PLACES);
	empty(&s, clients);
}

/* Four places and two listeners, of which the second reserves two. */
static void reserve__is_its_listeners_alone__and_counts_what_it_uses(void **state)
{
	struct listen_conf confs[2] = { { .reserve = 0 }, { .reserve = 2 } };
	struct listener list[2] = { { .conf = &confs[0] }, { .conf = &confs[1] } };
	struct listener_set set = { list, 2 };
	struct conn_limit limit;

	(void)state;
	assert_true(conn_limit_start(&limit, &set, 4));
	for (unsigned i = 0; i < 2; i++) {
		assert_true(conn_limit_has(&limit, 0));
		conn_limit_take(&limit, 0);
	}
	assert_false(conn_limit_has(&limit, 0)); /* two are free, and reserved */
	for (unsigned i = 0; i < 2; i++) {
		assert_true(conn_limit_has(&limit, 1));
		conn_limit_take(&limit, 1);
	}
	assert_false(conn_limit_has(&limit, 1));
	conn_limit_give(&limit, 1);
	assert_false(conn_limit_has(&limit, 0)); /* within the reserve: only for its listener */
	assert_true(conn_limit_has(&limit, 1));
	conn_limit_give(&limit, 0);
	assert_true(conn_limit_has(&limit, 0));
	conn_limit_stop(&limit);
}

/* No resting connection is closed for a place that only its own listener could use. */
static void connection__within_its_listeners_reserve__stays(void **state)
{
	static const int64_t rested_ms[PLACES] = { 4000, 3000, 2000, 1000 };
	struct served s;
	int clients[PLACES];

	(void)state;
	fill(&s, rested_ms, clients);
	s.listen_conf.reserve = PLACES;
	assert_false(make_room_for(&s.room, &s.pool, 0));
	s.listen_conf.reserve = 0;
	assert_int_equal(s.pool.limit.total, PLACES);
	empty(&s, clients);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			room__is_made_by_the_one_that_has_rested_longest__then_by_the_next),
		cmocka_unit_test(connection__that_moved_meanwhile__stays),
		cmocka_unit_test(connection__in_a_message_or_with_one_on_the_way__stays),
		cmocka_unit_test(nobody_rests__no_room__and_the_next_walk_comes_later),
		cmocka_unit_test(make_room_no__ends_nobody),
		cmocka_unit_test(reserve__is_its_listeners_alone__and_counts_what_it_uses),
		cmocka_unit_test(connection__within_its_listeners_reserve__stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
