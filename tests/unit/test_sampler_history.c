/* SPDX-License-Identifier: MIT */
/* Tests of master/sampling/sampler.c on a clock that the test moves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "master/sampling/sampler.h"

enum { NOW = 1000000, NOW_S = 1700000000 };

static int make(void **state)
{
	struct scoreboard *board = aligned_alloc(SCOREBOARD_PAGE, sizeof(*board));

	if (!board)
		return -1;
	memset(board, 0, sizeof(*board));
	scoreboard_use(board, 1, 1);
	board->slots[0].state = SLOT_READY;
	board->infos[0].is_taken = 1;
	*state = board;
	return 0;
}

static int drop(void **state)
{
	free(*state);
	return 0;
}

static struct listener_tally *tally(struct scoreboard *board, unsigned row)
{
	return &board->slots[0].tally.listeners[row];
}

static const struct moment *last(const struct scoreboard *board)
{
	assert_true(board->moment_count > 0);
	return &board->moments[(board->moment_count - 1) % SCOREBOARD_MOMENTS];
}

static void note__has_what_came_since_the_last_one(void **state)
{
	struct scoreboard *board = *state;
	struct sampler_history history = { 0 };

	cell_set(&tally(board, 0)->connections_accepted_total, 5);
	cell_set(&tally(board, 1)->messages_total, 7);
	sampler_append(&history, board, 0, NOW, NOW_S);
	assert_int_equal(last(board)->accepted, 5);
	assert_int_equal(last(board)->messages, 7);
	cell_add(&tally(board, 3)->connections_accepted_total, 2);
	sampler_append(&history, board, 0, NOW + 1000, NOW_S + 1);
	assert_int_equal(last(board)->accepted, 2);
	assert_int_equal(last(board)->messages, 0);
	assert_int_equal(last(board)->at_s, NOW_S + 1);
}

static void note__has_what_is_live_and_waits_now(void **state)
{
	struct scoreboard *board = *state;
	struct sampler_history history = { 0 };

	cell_set(&tally(board, 0)->connections_live, 3);
	cell_set(&tally(board, 2)->connections_live, 4);
	sampler_append(&history, board, 9, NOW, NOW_S);
	assert_int_equal(last(board)->live, 7);
	assert_int_equal(last(board)->waiting, 9);
}

static void note__across_a_death__loses_nothing(void **state)
{
	struct scoreboard *board = *state;
	struct sampler_history history = { 0 };

	cell_set(&tally(board, 0)->connections_accepted_total, 5);
	sampler_append(&history, board, 0, NOW, NOW_S);
	cell_add(&tally(board, 0)->connections_accepted_total, 1);
	scoreboard_fold(board, &board->slots[0], 0);
	sampler_append(&history, board, 0, NOW + 1000, NOW_S + 1);
	assert_int_equal(last(board)->accepted, 1);
}

static void note__after_the_master_was_away__is_the_share_of_a_second(void **state)
{
	struct scoreboard *board = *state;
	struct sampler_history history = { 0 };

	sampler_append(&history, board, 0, NOW, NOW_S);
	cell_set(&tally(board, 0)->connections_accepted_total, 500);
	sampler_append(&history, board, 0, NOW + 5000, NOW_S + 5);
	assert_int_equal(last(board)->accepted, 100);
	cell_add(&tally(board, 0)->connections_accepted_total, 30);
	sampler_append(&history, board, 0, NOW + 6000, NOW_S + 6);
	assert_int_equal(last(board)->accepted, 30);
}

static void note__of_more_than_there_is_room_for__overwrites_the_oldest(void **state)
{
	struct scoreboard *board = *state;
	struct sampler_history history = { 0 };

	for (int i = 0; i < SCOREBOARD_MOMENTS + 2; i++)
		sampler_append(&history, board, 0, NOW + 1000 * i, NOW_S + i);
	assert_int_equal(board->moment_count, SCOREBOARD_MOMENTS + 2);
	assert_int_equal(board->moments[1].at_s, NOW_S + SCOREBOARD_MOMENTS + 1);
	assert_int_equal(board->moments[2].at_s, NOW_S + 2);
}

#define WITH_BOARD(test) cmocka_unit_test_setup_teardown(test, make, drop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_BOARD(note__has_what_came_since_the_last_one),
		WITH_BOARD(note__has_what_is_live_and_waits_now),
		WITH_BOARD(note__across_a_death__loses_nothing),
		WITH_BOARD(note__after_the_master_was_away__is_the_share_of_a_second),
		WITH_BOARD(note__of_more_than_there_is_room_for__overwrites_the_oldest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
