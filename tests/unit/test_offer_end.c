/* SPDX-License-Identifier: MIT */
/*
 * A worker ends all its connections while another one has begun with some of them: each is ended by
 * the one or served by the other.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/sys.h"
#include "unit/passed.h"
#include "unit/siblings.h"

enum { OLD = 3 };

static struct siblings all;
static struct sibling *from, *to;
static int client;

static int set_up(void **state)
{
	(void)state;
	siblings_begin(&all);
	from = sibling_start(&all, 0, OLD, "picky", NULL);
	to = sibling_start(&all, 1, OLD, "picky", NULL);
	client = sibling_connect(from, 0);
	siblings_settle(&all);
	siblings_count_open(&all);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	siblings_end(&all);
	return 0;
}

static uint64_t count_ended(void)
{
	return from->slot->tally.connections_ended_total[CLOSE_shutdown_timeout];
}

static void note(enum door_result result)
{
	uint64_t batch = from->pool.arena->head->offered.number;

	atomic_store(&to->slot->door_taken[0], door_note(batch, result));
}

static void assert_ended_here(void)
{
	siblings_settle(&all);
	siblings_expect(&all, client, "", true);
	assert_int_equal(count_ended(), 1);
	assert_int_equal(sibling_metric(from, METRIC_connections_moved_out_total), 0);
	assert_int_equal(sibling_metric(to, METRIC_connections_moved_in_total), 0);
	siblings_assert_sole(&all, 0);
	assert_int_equal(passed_count_open(), all.open - 1);
}

/* It has lost its CPU before it recorded anything. */
static void end__with_a_receiver_that_has_begun__ends_all_here(void **state)
{
	(void)state;
	assert_int_equal(sibling_send(from, to, 1), OFFER_WAITS);
	note(DOOR_BEGUN);
	leave_now(&from->leave, CLOSE_shutdown_timeout);
	assert_ended_here();
}

/* The receiver asks the service last of all, when it has recorded the connection. */
static bool end_meanwhile(const struct conn *c)
{
	(void)c;
	sibling_services.is_sound = NULL;
	leave_now(&from->leave, CLOSE_shutdown_timeout);
	return true;
}

static void end__while_the_receiver_records__ends_all_here(void **state)
{
	(void)state;
	assert_int_equal(sibling_send(from, to, 1), OFFER_WAITS);
	sibling_services.is_sound = end_meanwhile;
	siblings_settle(&all);
	assert_null(sibling_services.is_sound);
	assert_true(from->leave.is_over);
	assert_ended_here();
}

/* It may take the batch at any moment; the master counts it as moved, or as lost. */
static void end__while_the_receiver_decides__leaves_the_batch_to_it(void **state)
{
	struct record *r = sibling_record(from, 0);

	(void)state;
	assert_int_equal(sibling_send(from, to, 1), OFFER_WAITS);
	note(DOOR_DECIDING);
	leave_now(&from->leave, CLOSE_shutdown_timeout);
	assert_true(from->leave.is_over);
	assert_int_equal(count_ended(), 0);
	assert_int_equal(sibling_held(from), 1);
	assert_int_equal(from->slot->live, 0);
	assert_int_equal(r->passage, PASSAGE_OFFERED);
	assert_int_equal(recv(client, &(char){ 0 }, 1, MSG_DONTWAIT), -1);
	assert_int_equal(close(r->fd), 0); /* as its exit does */
	r->magic = 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(end__with_a_receiver_that_has_begun__ends_all_here,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(end__while_the_receiver_records__ends_all_here,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			end__while_the_receiver_decides__leaves_the_batch_to_it, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
