/* SPDX-License-Identifier: MIT */
/* Tests of master/generation.c on the slots of a crew. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/sys.h"
#include "config/conf_load.h"
#include "master/generation.h"
#include "master/member.h"
#include "unit/crew.h"

enum { EVEN = 1000000 };

static struct generation_load look(const struct generation *generation)
{
	return generation_load(generation, 0, 1, CREW_NOW);
}

static void load__of_ready_workers__has_their_connections(void **state)
{
	const struct generation *generation = crew_serve(*state, NULL);
	struct generation_load load;

	generation->slots[0].live = 4;
	generation->slots[2].live = 2;
	load = look(generation);
	assert_int_equal(load.workers, CREW_WORKERS);
	assert_int_equal(load.live, 6);
	assert_int_equal(load.fullest, 4);
	assert_int_equal(generation_balance_ratio(&load), 2 * EVEN);
}

static void load__of_workers_that_leave_or_are_not_ready__is_not_counted(void **state)
{
	struct generation *generation = crew_serve(*state, NULL);

	generation->members[0].state = MEMBER_STARTING;
	generation->slots[0].live = 100;
	member_retire(&generation->members[1], SIGQUIT, INT64_MAX);
	generation->slots[1].live = 100;
	assert_int_equal(look(generation).workers, 1);
	assert_int_equal(look(generation).live, 0);
}

static void load__of_a_loop_that_has_not_turned__is_silent(void **state)
{
	const struct generation *generation = crew_serve(*state, "worker_connections=10");

	for (unsigned i = 0; i < CREW_WORKERS; i++)
		generation->slots[i].heartbeat_ms = CREW_NOW + 1;
	assert_int_equal(look(generation).silent, 0);
	generation->slots[1].heartbeat_ms = CREW_NOW;
	assert_int_equal(look(generation).silent, 1);
	generation->slots[1].live = 10;
	assert_int_equal(look(generation).silent, 0);
	assert_int_equal(look(generation).full, 1);
}

static void load__of_one_socket_of_several__is_that_of_its_seats(void **state)
{
	const struct generation *generation = crew_serve(*state, NULL);

	generation->slots[1].live = 7;
	assert_int_equal(generation_load(generation, 1, 3, CREW_NOW).workers, 1);
	assert_int_equal(generation_load(generation, 1, 3, CREW_NOW).live, 7);
	assert_int_equal(generation_load(generation, 0, 2, CREW_NOW).workers, 2);
}

static void balance_ratio__is_even_when_all_have_the_same(void **state)
{
	const struct generation *generation = crew_serve(*state, NULL);
	struct generation_load load = look(generation);

	assert_int_equal(generation_balance_ratio(&load), EVEN);
	for (unsigned i = 0; i < CREW_WORKERS; i++)
		generation->slots[i].live = 5;
	load = look(generation);
	assert_int_equal(generation_balance_ratio(&load), EVEN);
}

static void balance_ratio__without_workers__is_even(void **state)
{
	const struct generation_load load = { 0 };

	(void)state;
	assert_int_equal(generation_balance_ratio(&load), EVEN);
}

/* Workers that are added to the next generation are reached as well, and some of a larger one. */
static void doors__of_the_next_generation__are_as_many_as_there_are_places(void **state)
{
	const struct generation *generation = crew_serve(*state, NULL);

	assert_int_equal(generation->next_count, CREW_WORKERS + GENERATION_SPARE);
	for (unsigned i = 0; i < generation->next_count; i++)
		assert_true(generation->next_doors[i] >= 0 && generation->next_doorbells[i] >= 0);
}

static bool passes_a_message(const struct wire *wire)
{
	char byte = 0;

	return send(wire->fds[WIRE_DOORBELL], "x", 1, MSG_DONTWAIT | MSG_NOSIGNAL) == 1 &&
	       recv(wire->fds[WIRE_DOOR], &byte, 1, MSG_DONTWAIT) == 1 && byte == 'x';
}

/* Else no connection would move among the workers of the next generation for its whole life. */
static void door__that_a_worker_has_shut__is_not_taken(void **state)
{
	const struct generation *before = crew_serve(*state, NULL);
	const struct conf_source source = { 0 };
	const struct identity identity = { 0 };
	struct generation *after;
	char byte = 0;
	struct err err;

	shutdown(before->next_doors[0], SHUT_RDWR);
	shutdown(before->next_doorbells[1], SHUT_WR);
	after = generation_new(conf_load(&source, &err), &identity, NULL, CREW_WORKERS, before,
			       &err);
	assert_non_null(after);
	for (unsigned i = 0; i < CREW_WORKERS; i++)
		assert_true(passes_a_message(&after->wires[i]));
	assert_int_equal(send(before->next_doorbells[2], "y", 1, MSG_DONTWAIT), 1);
	assert_int_equal(recv(after->wires[2].fds[WIRE_DOOR], &byte, 1, MSG_DONTWAIT), 1);
	assert_int_equal(byte, 'y');
	generation_free(after);
}

#define WITH_PROCS(test) cmocka_unit_test_setup_teardown(test, crew_make, crew_free)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_PROCS(doors__of_the_next_generation__are_as_many_as_there_are_places),
		WITH_PROCS(door__that_a_worker_has_shut__is_not_taken),
		WITH_PROCS(load__of_ready_workers__has_their_connections),
		WITH_PROCS(load__of_workers_that_leave_or_are_not_ready__is_not_counted),
		WITH_PROCS(load__of_a_loop_that_has_not_turned__is_silent),
		WITH_PROCS(load__of_one_socket_of_several__is_that_of_its_seats),
		WITH_PROCS(balance_ratio__is_even_when_all_have_the_same),
		WITH_PROCS(balance_ratio__without_workers__is_even),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
