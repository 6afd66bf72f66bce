/* SPDX-License-Identifier: MIT */
/* The lines of connections that wait: their order, their timers, and which one has to go. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "unit/limited.h"
#include "worker/limit/waiting.h"

enum { PLACES = 200 };

static struct limited all;
static struct limiter limiter;
static struct waiting waiting;
static struct timer_heap timers;
static struct timer_node alarms[PLACES];
static struct arena *arena;

static int set_up(void **state)
{
	static struct listen_conf listen;
	static struct conf conf;

	(void)state;
	limited_begin(&all, "max_per_source", "5", NULL);
	limiter = limited_worker(&all, 0);
	listen.service = (char *)"echo";
	conf = (struct conf){ .listeners = &listen, .listener_count = 1 };
	conf.worker_connections = PLACES;
	arena = arena_new(&conf, NULL);
	memset(alarms, 0, sizeof(alarms));
	waiting = (struct waiting){
		.arena = arena, .limiter = &limiter, .timers = &timers, .alarms = alarms
	};
	return arena && timer_heap_new(&timers, PLACES) && waiting_start(&waiting) ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	waiting_stop(&waiting);
	timer_heap_free(&timers);
	arena_free(arena);
	limiter_stop(&limiter);
	limited_end(&all);
	return 0;
}

/* The record of that index, of a client that came so many milliseconds after the first ones. */
static struct record *record_of(uint32_t index, int64_t ms)
{
	struct record *r = arena_record(arena, index);

	r->index = index & RECORD_INDEX_MOST;
	r->opened_us = (LIMITED_MS + ms) * 1000;
	return r;
}

/* Keys are hashes: their high bits differ. */
static uint64_t key_of(uint64_t source)
{
	return source << 40;
}

static void join(uint32_t index, int64_t ms, uint64_t source)
{
	waiting_join(&waiting, record_of(index, ms), key_of(source));
}

static void leave(uint32_t index)
{
	waiting_leave(&waiting, arena_record(arena, index));
}

static bool is_first(uint32_t index, uint64_t source)
{
	return waiting_is_first(&waiting, arena_record(arena, index), key_of(source));
}

static uint64_t shown(void)
{
	return limiter.counts.head->waiting;
}

static void line__has_the_oldest_first__in_whatever_order_they_come(void **state)
{
	(void)state;
	join(3, 30, 7);
	join(1, 10, 7);
	join(4, 40, 7);
	join(2, 20, 7);
	for (uint32_t i = 1; i <= 4; i++) {
		assert_true(is_first(i, 7));
		for (uint32_t k = i + 1; k <= 4; k++)
			assert_false(is_first(k, 7));
		leave(i);
	}
	assert_int_equal(waiting.total, 0);
	assert_int_equal(waiting.line_count, 0);
}

static void line__that_is_empty__holds_nobody_up(void **state)
{
	(void)state;
	assert_true(is_first(9, 7));
	join(1, 10, 8);
	record_of(9, 0);
	assert_true(is_first(9, 7));
	assert_false(is_first(9, 8));
}

/* The other workers see that some wait, and since when. */
static void line__is_shown__as_long_as_there_is_one(void **state)
{
	(void)state;
	assert_int_equal(shown(), 0);
	join(1, 10, 7);
	join(2, 20, 7);
	join(3, 30, 8);
	assert_int_equal(shown(), 2);
	assert_int_equal(cell_get(&limiter.slot->tally.listeners[0].connections_waiting), 3);
	leave(1);
	assert_int_equal(shown(), 2);
	leave(2);
	leave(2);
	assert_int_equal(shown(), 1);
	leave(3);
	assert_int_equal(shown(), 0);
	assert_int_equal(cell_get(&limiter.slot->tally.listeners[0].connections_waiting), 0);
}

/* One that leaves from the middle or the end wakes nobody. */
static void first__that_leaves__makes_the_next_one_due(void **state)
{
	(void)state;
	for (uint32_t i = 1; i <= 4; i++)
		join(i, i * 10, 7);
	waiting_put_off(&waiting, arena_record(arena, 1), 500);
	waiting_put_off(&waiting, arena_record(arena, 2), 600); /* not the first: nothing */
	assert_int_equal(waiting_due_ms(&waiting, arena_record(arena, 1)), 500);
	assert_int_equal(waiting_due_ms(&waiting, arena_record(arena, 2)), 0);
	leave(4);
	leave(2);
	assert_int_equal(timers.count, 0);
	leave(1);
	assert_int_equal(timers.count, 1);
	assert_true(timer_is_set(&alarms[3]));
	assert_int_equal(waiting_due_ms(&waiting, arena_record(arena, 3)), 1);
}

static void room__of_a_source__makes_its_first_due(void **state)
{
	(void)state;
	waiting_wake(&waiting, key_of(7));
	join(1, 10, 7);
	join(2, 20, 8);
	waiting_put_off(&waiting, arena_record(arena, 1), 500);
	waiting_wake(&waiting, key_of(9));
	assert_int_equal(timers.count, 0);
	waiting_wake(&waiting, key_of(7));
	assert_true(timer_is_set(&alarms[1]));
	assert_int_equal(waiting_due_ms(&waiting, arena_record(arena, 1)), 1);
}

/* Of a flood from one source goes the youngest; the others stay. */
static void surplus__is_the_youngest_of_the_source_with_most(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < PLACES / 2 - 2; i++)
		join(i, i, 7);
	join(PLACES - 1, 0, 8);
	join(PLACES - 2, 0, 9);
	assert_null(waiting_surplus(&waiting));
	join(PLACES - 3, 5000, 10);
	assert_ptr_equal(waiting_surplus(&waiting), arena_record(arena, PLACES / 2 - 3));
	leave(PLACES / 2 - 3);
	assert_null(waiting_surplus(&waiting));
	assert_ptr_equal(waiting_last(&waiting), arena_record(arena, PLACES / 2 - 4));
}

/* The long line of before has shrunk: the longest one of now is found. */
static void last__is_of_a_line_that_is_long_now(void **state)
{
	(void)state;
	assert_null(waiting_last(&waiting));
	for (uint32_t i = 0; i < 20; i++)
		join(i, i, 7);
	for (uint32_t i = 20; i < 35; i++)
		join(i, i, 8);
	for (uint32_t i = 0; i < 19; i++)
		leave(i);
	assert_ptr_equal(waiting_last(&waiting), arena_record(arena, 34));
}

/* Against a book beside it: each key's line is found, however many have come and gone. */
static void lines__of_many_sources__are_all_found(void **state)
{
	uint64_t keys[PLACES] = { 0 }, random = 1;

	(void)state;
	for (unsigned i = 0; i < 200000; i++) {
		uint32_t index;

		random = random * UINT64_C(6364136223846793005) + 1442695040888963407;
		index = (uint32_t)(random >> 33) % PLACES;
		if (keys[index] != 0) {
			leave(index);
			keys[index] = 0;
		} else {
			keys[index] = 1 + (random >> 50) % 64;
			join(index, i, keys[index]);
		}
	}
	for (uint64_t key = 1; key <= 64; key++) {
		unsigned count = 0, first = 0;

		for (uint32_t i = 0; i < PLACES; i++)
			if (keys[i] == key) {
				count++;
				first += is_first(i, key);
			}
		assert_int_equal(first, count > 0);
	}
	for (uint32_t i = 0; i < PLACES; i++)
		leave(i);
	assert_int_equal(waiting.total, 0);
	assert_int_equal(waiting.line_count, 0);
	assert_int_equal(shown(), 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(line__has_the_oldest_first__in_whatever_order_they_come),
		CASE(line__that_is_empty__holds_nobody_up),
		CASE(line__is_shown__as_long_as_there_is_one),
		CASE(first__that_leaves__makes_the_next_one_due),
		CASE(room__of_a_source__makes_its_first_due),
		CASE(surplus__is_the_youngest_of_the_source_with_most),
		CASE(last__is_of_a_line_that_is_long_now),
		CASE(lines__of_many_sources__are_all_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
