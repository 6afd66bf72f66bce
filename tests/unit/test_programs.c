/* SPDX-License-Identifier: MIT */
/* Tests of master/program/programs: when all have started, how many there are, and what is due. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>

#include "unit/programmed.h"

static struct err err;

static bool have_started(struct programmed *p, int64_t now_ms)
{
	err.text[0] = '\0';
	return programs_have_started(&p->programs, "new ", now_ms, &err);
}

static void start__is_over_when_every_copy_is_ready(void **state)
{
	struct programmed *p = *state;
	struct copy *last = &p->copies[1][1];

	for (unsigned i = 0; i < PROGRAMMED_LIST; i++)
		for (unsigned c = 0; c < PROGRAMMED_COPIES; c++) {
			assert_false(have_started(p, PROGRAMMED_NOW));
			programmed_start(&p->copies[i][c], PROGRAMMED_NOW);
			if (&p->copies[i][c] != last)
				programmed_ready(&p->copies[i][c]);
		}
	assert_false(have_started(p, PROGRAMMED_NOW + 999));
	assert_string_equal(err.text, "");
	programmed_ready(last);
	assert_true(have_started(p, PROGRAMMED_NOW + 999));
	programmed_end(p, last, SIGSEGV, PROGRAMMED_NOW + 1000);
	assert_true(have_started(p, PROGRAMMED_NOW + 5000)); /* once and for all */
	assert_int_equal(programs_ready(&p->programs), 3);
}

static void start__that_takes_too_long__names_the_first_copy_that_is_late(void **state)
{
	struct programmed *p = *state;

	programmed_start(&p->copies[0][0], PROGRAMMED_NOW);
	programmed_ready(&p->copies[0][0]);
	assert_int_equal(programs_due_ms(&p->programs, INT64_MAX), PROGRAMMED_NOW);
	assert_false(have_started(p, PROGRAMMED_NOW + 1000));
	assert_string_equal(err.text,
			    "program \"app\": new copy 1 was not ready within ready_timeout, 1000 "
			    "ms (with ready_after = notify it has to send READY=1)");
	assert_int_equal(err.code, CODE_OSERR);
}

static void program__that_cannot_start__gets_no_more_copies(void **state)
{
	struct programmed *p = *state;
	struct copy *copy = &p->copies[0][0];

	for (unsigned i = 0; i < 5; i++) {
		programmed_start(copy, PROGRAMMED_NOW);
		programmed_end(p, copy, 7 << 8, PROGRAMMED_NOW);
		assert_int_equal(have_started(p, PROGRAMMED_NOW), false);
		assert_int_equal(err.text[0] != '\0', i == 4);
	}
	programs_retire(&(struct programs){ .list = &p->list[1], .count = 1 });
	assert_int_equal(programs_due_ms(&p->programs, INT64_MAX),
			 PROGRAMMED_NOW + p->confs[0].ready_timeout);
	programs_start_due(&p->programs, INT64_MAX);
	assert_int_equal(programs_next_pid(&p->programs, 0, &(bool){ true }), 0);
}

static void number__is_bounded_by_one_and_by_the_room(void **state)
{
	struct programmed *p = *state;

	programmed_serve(p);
	assert_true(programs_more(&p->programs, PROGRAMMED_NOW));
	assert_true(programs_more(&p->programs, PROGRAMMED_NOW));
	assert_false(programs_more(&p->programs, PROGRAMMED_NOW));
	assert_int_equal(programs_wanted(&p->programs), 2 * PROGRAMMED_ROOM);
	for (unsigned i = 1; i < PROGRAMMED_ROOM; i++)
		assert_true(programs_less(&p->programs, PROGRAMMED_NOW));
	assert_false(programs_less(&p->programs, PROGRAMMED_NOW));
	assert_int_equal(programs_wanted_of(&p->programs, "other app"), 1);
	assert_int_equal(programs_wanted_of(&p->programs, "app two"), 0);
	assert_int_equal(programs_ready(&p->programs), 2);
	assert_int_equal(programs_alive(&p->programs), 4); /* two have still to end */
}

static void pids__are_gone_through_once(void **state)
{
	struct programmed *p = *state;
	bool has_passed = true;
	unsigned count = 0;
	pid_t pid = 0;

	programmed_serve(p);
	programmed_end(p, &p->copies[0][1], SIGKILL, PROGRAMMED_NOW);
	while ((pid = programs_next_pid(&p->programs, pid, &has_passed)) > 0) {
		count++;
		has_passed = false;
	}
	assert_int_equal(count, 3);
	assert_false(programs_reap(&p->programs, 1, 0, PROGRAMMED_NOW));
}

static void copy__that_is_retired__is_killed_when_its_time_is_over(void **state)
{
	struct programmed *p = *state;
	int64_t kill_ms = PROGRAMMED_NOW + p->list[0].shutdown_ms;

	programmed_serve(p);
	programs_retire(&p->programs);
	assert_int_equal(programs_wanted(&p->programs), 0);
	assert_int_equal(programs_due_ms(&p->programs, INT64_MAX), kill_ms);
	programs_look(&p->programs, kill_ms - 1);
	assert_false(p->copies[0][0].is_overdue);
	programs_look(&p->programs, kill_ms);
	assert_true(p->copies[0][0].is_overdue);
	programmed_end(p, &p->copies[0][0], SIGKILL, kill_ms);
	programmed_end(p, &p->copies[0][1], 0, kill_ms);
	assert_int_equal(cell_get(&p->board->programs[p->list[0].row].tally.program_crashes_total),
			 1);
	assert_int_equal(programs_alive(&p->programs), 2);
}

static void functions__without_programs__do_nothing(void **state)
{
	(void)state;
	err.text[0] = '\0';
	assert_true(programs_have_started(NULL, "", 0, &err));
	assert_int_equal(programs_due_ms(NULL, 5), 5);
	assert_int_equal(programs_timeout_ms(NULL, 5), 5);
	assert_false(programs_more(NULL, 0));
	assert_false(programs_reap(NULL, 1, 0, 0));
	assert_int_equal(programs_alive(NULL), 0);
	programs_publish(NULL);
	programs_free(NULL);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, programmed_make, programmed_free)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(start__is_over_when_every_copy_is_ready),
		CASE(start__that_takes_too_long__names_the_first_copy_that_is_late),
		CASE(program__that_cannot_start__gets_no_more_copies),
		CASE(number__is_bounded_by_one_and_by_the_room),
		CASE(pids__are_gone_through_once),
		CASE(copy__that_is_retired__is_killed_when_its_time_is_over),
		cmocka_unit_test(functions__without_programs__do_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
