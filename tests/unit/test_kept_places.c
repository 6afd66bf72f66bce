/* SPDX-License-Identifier: MIT */
/* When the workers of a new generation keep all their places for connections of the old one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/pages.h"
#include "worker/accept/kept_places.h"

enum { OLD = 4, NEW = 5, FIRST = 10, PEERS = 2, PLACES = 20 };
enum { START_MS = 1000, SLOW_MS = 20000, MOVE_MS = 2000, LATE_MS = 60000 };

static struct scoreboard *board;
static struct kept_places kept;

static void set_slot(unsigned i, uint32_t state, uint32_t generation, uint32_t live)
{
	atomic_store(&board->infos[i].is_taken, state != SLOT_EMPTY);
	atomic_store(&board->slots[i].state, state);
	atomic_store(&board->slots[i].generation, generation);
	atomic_store(&board->slots[i].live, live);
}

/* Two old workers hold 15 connections each; the new ones, which have 20 places each, none. */
static int set_up(void **state)
{
	(void)state;
	board = pages_new(sizeof(*board));
	atomic_store(&board->slots_used, FIRST + PEERS);
	set_slot(0, SLOT_READY, OLD, 15);
	set_slot(1, SLOT_READY, OLD, 15);
	set_slot(FIRST, SLOT_READY, NEW, 0);
	set_slot(FIRST + 1, SLOT_READY, NEW, 0);
	kept = (struct kept_places){ .board = board,
				     .own = &board->slots[FIRST],
				     .peers = &board->slots[FIRST],
				     .peer_count = PEERS,
				     .places = PLACES };
	kept_places_start(&kept, START_MS);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	pages_free(board, sizeof(*board));
	return 0;
}

static void places__that_the_old_connections_need__are_kept(void **state)
{
	static const struct {
		uint32_t old[2], new[2];
		bool are_all;
	} rows[] = {
		{ { 15, 15 }, { 0, 0 }, false },  { { 15, 15 }, { 5, 4 }, false },
		{ { 15, 15 }, { 5, 5 }, true },   { { 15, 15 }, { 20, 20 }, true },
		{ { 0, 15 }, { 20, 5 }, true },   { { 0, 1 }, { 20, 20 }, true },
		{ { 0, 1 }, { 25, 18 }, false },  { { 20, 20 }, { 0, 0 }, true },
		{ { 100, 100 }, { 0, 0 }, true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		set_slot(0, SLOT_MOVING, OLD, rows[i].old[0]);
		set_slot(1, SLOT_READY, OLD, rows[i].old[1]);
		set_slot(FIRST, SLOT_READY, NEW, rows[i].new[0]);
		set_slot(FIRST + 1, SLOT_READY, NEW, rows[i].new[1]);
		assert_int_equal(kept_places_are_all(&kept, START_MS), rows[i].are_all);
	}
}

static void worker__from_which_none_can_come__needs_no_places(void **state)
{
	(void)state;
	set_slot(FIRST, SLOT_READY, NEW, PLACES);
	set_slot(FIRST + 1, SLOT_READY, NEW, PLACES - 1);
	set_slot(0, SLOT_EMPTY, OLD, 15);
	assert_true(kept_places_are_all(&kept, START_MS));
	set_slot(1, SLOT_DRAINING, OLD, 15);
	assert_false(kept_places_are_all(&kept, START_MS));
	/* nor is anything looked at again */
	set_slot(1, SLOT_MOVING, OLD, 15);
	assert_false(kept_places_are_all(&kept, START_MS));
}

static void new_worker__that_is_not_ready__has_no_places(void **state)
{
	(void)state;
	assert_false(kept_places_are_all(&kept, START_MS));
	set_slot(FIRST + 1, SLOT_STARTING, NEW, 0);
	assert_true(kept_places_are_all(&kept, START_MS));
}

/* The time begins when an old worker moves: before that, a new one may still have to start. */
static void old_connections__that_stay__keep_places_for_a_time_only(void **state)
{
	(void)state;
	set_slot(FIRST, SLOT_READY, NEW, PLACES);
	assert_true(kept_places_are_all(&kept, SLOW_MS));
	set_slot(0, SLOT_MOVING, OLD, 15);
	assert_true(kept_places_are_all(&kept, SLOW_MS + 1));
	assert_true(kept_places_are_all(&kept, SLOW_MS + MOVE_MS));
	assert_false(kept_places_are_all(&kept, SLOW_MS + 1 + MOVE_MS));
	set_slot(0, SLOT_READY, OLD, 15);
	kept_places_start(&kept, START_MS);
	assert_true(kept_places_are_all(&kept, START_MS));
	assert_false(kept_places_are_all(&kept, LATE_MS));
}

static void first_generation__keeps_none(void **state)
{
	(void)state;
	set_slot(0, SLOT_EMPTY, 0, 0);
	set_slot(1, SLOT_EMPTY, 0, 0);
	kept_places_start(&kept, START_MS);
	set_slot(FIRST, SLOT_READY, NEW, PLACES);
	set_slot(FIRST + 1, SLOT_READY, NEW, PLACES);
	assert_false(kept_places_are_all(&kept, START_MS));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(places__that_the_old_connections_need__are_kept),
		CASE(worker__from_which_none_can_come__needs_no_places),
		CASE(new_worker__that_is_not_ready__has_no_places),
		CASE(old_connections__that_stay__keep_places_for_a_time_only),
		CASE(first_generation__keeps_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
