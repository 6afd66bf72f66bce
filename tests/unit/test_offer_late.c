/* SPDX-License-Identifier: MIT */
/* How long a sender waits for a receiver that has not begun, and what a later worker can send. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "unit/siblings.h"

enum { OLD = 3, LATE_US = 200 * 1000, MUCH_LATER_US = 1000 * 1000 };

static struct siblings all;
static struct sibling *from, *to;
static int client;

static int set_up(void **state)
{
	(void)state;
	siblings_begin(&all);
	from = sibling_start(&all, 0, OLD, "echo", NULL);
	to = sibling_start(&all, 1, OLD, "echo", NULL);
	client = sibling_connect(from, 0);
	siblings_count_open(&all);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	siblings_end(&all);
	return 0;
}

/* Its door is full of the messages of another worker, so the batch is not lost with it. */
static void receiver__whose_loop_turns__is_waited_for_longer(void **state)
{
	(void)state;
	assert_int_equal(sibling_send(from, to, 1), OFFER_WAITS);
	atomic_fetch_add(&to->slot->turns, 1);
	from->moving.offer.began_us -= LATE_US;
	assert_int_equal(offer_look(&from->moving.offer), OFFER_WAITS);
	from->moving.offer.began_us -= MUCH_LATER_US;
	assert_int_equal(offer_look(&from->moving.offer), OFFER_REFUSED);
	siblings_settle(&all);
	siblings_say(client, "here");
	siblings_expect(&all, client, "here", false);
	assert_int_equal(sibling_conns(from), 1);
	siblings_assert_sole(&all, 1);
}

static void worker__after_one_that_withdrew_all_batches__offers_its_own(void **state)
{
	(void)state;
	atomic_store(&from->slot->door_withdrawn, UINT64_MAX);
	sibling_die(from);
	sibling_recover(from);
	assert_int_equal(sibling_offer(from, to, 1), OFFER_TAKEN);
	siblings_say(client, "there");
	siblings_expect(&all, client, "there", false);
	assert_int_equal(sibling_conns(to), 1);
	siblings_assert_sole(&all, 1);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(receiver__whose_loop_turns__is_waited_for_longer),
		CASE(worker__after_one_that_withdrew_all_batches__offers_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
