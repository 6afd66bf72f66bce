/* SPDX-License-Identifier: MIT */
/*
 * The notes of a draining worker: the oldest connections, oldest first, and never half of a list.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "worker/dispatch.h"

enum { MANY = 20, ROW = 5 };

static struct slot slot;
static struct listener listener = { .row = ROW };
static const struct listener_set set = { &listener, 1 };
static struct pool all;

static int set_up(void **state)
{
	struct conf conf = { .worker_connections = MANY };

	(void)state;
	slot = (struct slot){ .state = SLOT_DRAINING };
	all = (struct pool){ .arena = arena_new(&conf, NULL), .slot = &slot, .listeners = &set };
	return all.arena ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	arena_free(all.arena);
	return 0;
}

static void add(int64_t opened_ms)
{
	uint32_t index = all.arena->head->record_high++;
	struct record *c = arena_record(all.arena, index);

	*c = (struct record){ .magic = RECORD_MAGIC,
			      .index = index,
			      .state = CONN_LINGERING,
			      .opened_us = opened_ms * 1000,
			      .active_ms = opened_ms + 1,
			      .bytes_in = index,
			      .remote = { .family = AF_INET },
			      .remote_port = (uint16_t)index };
	all.limit.total++;
}

static void assert_notes(unsigned count, const int64_t *opened_ms)
{
	assert_int_equal(atomic_load(&slot.notes.seq) % 2, 0);
	assert_int_equal(atomic_load(&slot.notes.count), count);
	for (unsigned i = 0; i < count; i++)
		assert_int_equal(slot.notes.list[i].opened_ms, opened_ms[i]);
}

static void few__are_all_there_with_what_is_known_of_them(void **state)
{
	(void)state;
	add(30);
	add(10);
	dispatch_publish_notes(&all);
	assert_notes(2, (const int64_t[]){ 10, 30 });
	assert_int_equal(slot.notes.list[0].listener, ROW);
	assert_int_equal(slot.notes.list[0].state, CONN_LINGERING);
	assert_int_equal(slot.notes.list[0].active_ms, 11);
	assert_int_equal(slot.notes.list[0].remote_port, 1);
	assert_int_equal(slot.notes.list[0].bytes_in, 1);
}

static void many__are_the_oldest_ones(void **state)
{
	(void)state;
	for (int i = 0; i < MANY; i++)
		add(i * 7 % MANY); /* each of 0 .. MANY - 1 once */
	dispatch_publish_notes(&all);
	assert_notes(SLOT_NOTES, (const int64_t[]){ 0, 1, 2, 3, 4, 5, 6, 7 });
}

static void ended__ones_are_left_out(void **state)
{
	(void)state;
	add(1);
	add(2);
	arena_record(all.arena, 0)->magic = 0;
	all.limit.total--;
	dispatch_publish_notes(&all);
	assert_notes(1, (const int64_t[]){ 2 });
	arena_record(all.arena, 1)->magic = 0;
	all.limit.total--;
	dispatch_publish_notes(&all);
	assert_notes(0, NULL);
}

static void list__that_a_dead_worker_left_half_written__is_cleared(void **state)
{
	(void)state;
	atomic_store(&slot.notes.seq, 7);
	atomic_store(&slot.notes.count, 3);
	scoreboard_set_notes(&slot, NULL, 0);
	assert_notes(0, NULL);
	assert_int_equal(atomic_load(&slot.notes.seq), 8);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(few__are_all_there_with_what_is_known_of_them),
		CASE(many__are_the_oldest_ones),
		CASE(ended__ones_are_left_out),
		CASE(list__that_a_dead_worker_left_half_written__is_cleared),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
