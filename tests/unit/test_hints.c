/* SPDX-License-Identifier: MIT */
/* The workers' shared words: packed, and valid whatever they contain. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/sys.h"
#include "stats/hints.h"
#include "stats/scoreboard.h"

enum { COUNT = SCOREBOARD_WORKERS };

static struct hints hints;

static int set_up(void **state)
{
	(void)state;
	return hints_new(&hints, COUNT) ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	hints_free(&hints);
	return hints.words ? -1 : 0;
}

static void words__are_empty_at_first__and_keep_what_is_said(void **state)
{
	struct hint said = { .live = UINT32_MAX, .seat = COUNT - 1, .state = SLOT_LEAVING }, got;

	(void)state;
	got = hints_get(&hints, COUNT - 1);
	assert_int_equal(got.live + got.seat + got.state, SLOT_EMPTY);
	hints_set(&hints, COUNT - 1, said);
	got = hints_get(&hints, COUNT - 1);
	assert_int_equal(got.live, said.live);
	assert_int_equal(got.seat, said.seat);
	assert_int_equal(got.state, said.state);
	got = hints_get(&hints, COUNT - 2);
	assert_int_equal(got.live + got.seat + got.state, SLOT_EMPTY);
}

static void asked__is_a_mask__that_is_taken_once(void **state)
{
	(void)state;
	hints_ask(&hints, 1, 2);
	hints_ask(&hints, 1, 70);
	assert_int_equal(hints_asked(&hints, 0), 0);
	assert_int_equal(hints_asked(&hints, 1), UINT64_C(1) << 2 | UINT64_C(1) << 6);
	assert_int_equal(hints_asked(&hints, 1), 0);
	assert_int_equal(hints_mask(6), hints_mask(70)); /* they share the bit */
}

static void words__of_a_child__are_seen(void **state)
{
	int status;
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		hints_set(&hints, 3, (struct hint){ .live = 7 });
		hints_ask(&hints, 0, 0);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(hints_get(&hints, 3).live, 7);
	assert_int_equal(hints_asked(&hints, 0), 1);
}

static void walk__over_all_workers__is_a_page(void **state)
{
	(void)state;
	assert_true(COUNT * sizeof(*hints.words) <= 4096);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(words__are_empty_at_first__and_keep_what_is_said),
		CASE(asked__is_a_mask__that_is_taken_once),
		CASE(words__of_a_child__are_seen),
		CASE(walk__over_all_workers__is_a_page),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
