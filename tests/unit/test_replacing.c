/* SPDX-License-Identifier: MIT */
/* Tests of master/program/replacing: which copy is replaced, when, and what may go wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>

#include "master/program/replacing.h"
#include "unit/programmed.h"

/* More than max_age and its tenth after the start. */
enum { MAX_AGE = 10000, LATER = PROGRAMMED_NOW + 2 * MAX_AGE };

static void step(struct programmed *p, int64_t now_ms)
{
	p->loop.now_ms = now_ms;
	replacing_step(&p->list[0], now_ms);
}

/* The first program serves, its copies are too old, and the replacement of copy 0 is wanted. */
static struct copy *begin(struct programmed *p)
{
	p->confs[0].max_age = MAX_AGE;
	programmed_serve(p);
	step(p, LATER);
	assert_true(p->list[0].is_replacing);
	assert_true(member_wants_worker(&p->copies[0][2].member));
	return p->copies[0];
}

static void copy__that_is_old__leaves_when_its_replacement_is_ready(void **state)
{
	struct programmed *p = *state;
	struct copy *copies = begin(p);

	programmed_start(&copies[2], LATER);
	step(p, LATER + 5000);
	assert_true(member_is_ready(&copies[0].member));
	programmed_ready(&copies[2]);
	step(p, LATER + 5001);
	assert_true(member_is_leaving(&copies[0].member));
	assert_int_equal(copies[0].member.kill_ms, LATER + 5001 + p->list[0].shutdown_ms);
	assert_string_equal(copies[0].why, "max_age");
}

static void copies__that_are_old__are_replaced_one_at_a_time(void **state)
{
	struct programmed *p = *state;
	struct copy *copies = begin(p);

	programmed_start(&copies[2], LATER);
	programmed_ready(&copies[2]);
	for (unsigned i = 1; i < 4; i++)
		step(p, LATER + 2000 * i);
	assert_true(member_is_ready(&copies[1].member));
	assert_int_equal(copies[3].member.state, MEMBER_EMPTY);
	programmed_end(p, &copies[0], 0, LATER + 8000);
	step(p, LATER + 8001);
	assert_false(p->list[0].is_replacing);
	step(p, LATER + 8002);
	assert_true(p->list[0].is_replacing);
	assert_int_equal(p->list[0].old, 1);
}

static void copy__that_ends_while_its_replacement_starts__is_not_started_again(void **state)
{
	struct programmed *p = *state;
	struct copy *copies = begin(p);

	programmed_start(&copies[2], LATER);
	programmed_end(p, &copies[0], SIGSEGV, LATER + 1);
	assert_true(member_wants_worker(&copies[0].member));
	step(p, LATER + 2);
	assert_false(p->list[0].is_replacing);
	assert_int_equal(copies[0].member.state, MEMBER_EMPTY);
	assert_true(member_is_running(&copies[2].member));
}

/* It starts again, with a delay; the old copy serves on. */
static void replacement__that_ends_at_once__leaves_the_old_copy_alone(void **state)
{
	struct programmed *p = *state;
	struct copy *copies = begin(p);

	programmed_start(&copies[2], LATER);
	programmed_end(p, &copies[2], SIGSEGV, LATER + 1);
	step(p, LATER + 2);
	assert_true(p->list[0].is_replacing);
	assert_true(member_is_ready(&copies[0].member));
	assert_true(member_wants_worker(&copies[2].member));
	assert_true(copies[2].member.due_ms > LATER + 1);
}

static void copy__that_is_large__is_replaced_and_others_stay(void **state)
{
	struct programmed *p = *state;
	struct copy *copies = p->copies[0];

	p->confs[0].max_memory = 1000;
	programmed_serve(p);
	copies[0].memory_bytes = 1000;
	copies[1].memory_bytes = 1001;
	step(p, LATER);
	assert_true(p->list[0].is_replacing);
	assert_int_equal(p->list[0].old, 1);
	assert_string_equal(p->list[0].why, "max_memory");
}

static void look__comes_once_a_second_and_only_where_there_is_a_limit(void **state)
{
	struct programmed *p = *state;

	programmed_serve(p);
	assert_int_equal(replacing_due_ms(&p->list[0], INT64_MAX), INT64_MAX);
	p->confs[0].max_age = MAX_AGE;
	step(p, PROGRAMMED_NOW);
	assert_int_equal(replacing_due_ms(&p->list[0], INT64_MAX), PROGRAMMED_NOW + 1000);
	assert_int_equal(replacing_due_ms(&p->list[0], PROGRAMMED_NOW + 7), PROGRAMMED_NOW + 7);
	step(p, LATER);
	assert_true(p->list[0].is_replacing);
	assert_int_equal(replacing_due_ms(&p->list[0], INT64_MAX), INT64_MAX);
}

static void trim__takes_those_that_wait_and_then_the_youngest(void **state)
{
	struct programmed *p = *state;
	struct copy *copies = p->copies[0];

	programmed_serve(p);
	assert_true(programs_more(&p->programs, LATER));
	programmed_start(&copies[2], LATER);
	assert_true(programs_more(&p->programs, LATER));
	p->list[0].wanted = 3;
	replacing_trim(&p->list[0], LATER);
	assert_int_equal(copies[3].member.state, MEMBER_EMPTY);
	assert_true(member_is_running(&copies[2].member));
	p->list[0].wanted = 2;
	replacing_trim(&p->list[0], LATER);
	assert_true(member_is_leaving(&copies[2].member));
	assert_true(member_is_ready(&copies[1].member));
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, programmed_make, programmed_free)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(copy__that_is_old__leaves_when_its_replacement_is_ready),
		CASE(copies__that_are_old__are_replaced_one_at_a_time),
		CASE(copy__that_ends_while_its_replacement_starts__is_not_started_again),
		CASE(replacement__that_ends_at_once__leaves_the_old_copy_alone),
		CASE(copy__that_is_large__is_replaced_and_others_stay),
		CASE(look__comes_once_a_second_and_only_where_there_is_a_limit),
		CASE(trim__takes_those_that_wait_and_then_the_youngest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
