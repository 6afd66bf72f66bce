/* SPDX-License-Identifier: MIT */
/* The time for which a worker does not accept: counted as it passes, and once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "unit/served.h"
#include "worker/acceptor.h"

static struct served s;
static struct acceptors all;
static struct peers peers;

static int set_up(void **state)
{
	(void)state;
	served_start(&s, "echo", NULL);
	if (!peers_new(&peers, 1))
		return -1;
	all = (struct acceptors){ .loop = &s.loop,
				  .conns = &s.conns,
				  .alarms = &s.alarms,
				  .balance = { .slots = &s.slot, .peers = &peers },
				  .kick = { .fd = -1 },
				  .is_paused = true,
				  .paused_us = s.loop.now_us };
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	served_stop(&s);
	peers_free(&peers);
	return 0;
}

static void assert_paused(uint64_t us)
{
	assert_int_equal(served_metric(&s, METRIC_accept_paused_seconds_total), us);
}

static void pause__is_counted_in_each_turn(void **state)
{
	(void)state;
	s.loop.now_us += 1000;
	acceptors_end_turn(&all);
	assert_paused(1000);
	acceptors_end_turn(&all);
	assert_paused(1000);
	s.loop.now_us += 500;
	acceptors_room(&all);
	assert_paused(1500);
	assert_false(all.is_paused);
	s.loop.now_us += 500;
	acceptors_end_turn(&all);
	assert_paused(1500);
}

static void pause__that_ends_with_the_worker__is_counted(void **state)
{
	(void)state;
	s.loop.now_us += 1000;
	acceptors_close(&all);
	assert_paused(1000);
	s.loop.now_us += 1000;
	acceptors_end_turn(&all);
	assert_paused(1000);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(pause__is_counted_in_each_turn),
		CASE(pause__that_ends_with_the_worker__is_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
