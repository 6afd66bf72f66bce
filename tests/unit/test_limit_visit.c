/* SPDX-License-Identifier: MIT */
/*
 * Connections that wait until their source has room: what their clients see, and what a crash, a
 * stop and the end of a client do to them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/sys.h"
#include "unit/crowd.h"
#include "unit/paired.h"

enum { WITHIN_MS = 20000 };

static struct record *record(uint32_t index)
{
	return arena_record(crowd.s.pool.arena, index);
}

/* Turns until the connection of that record waits no more: the time of a look has to pass. */
static void turn_until_open(uint32_t index)
{
	int64_t until_ms = clock_ms() + WITHIN_MS;

	while (record(index)->state == CONN_WAITING) {
		assert_true(clock_ms() < until_ms);
		assert_true(loop_turn(&crowd.s.loop, 1));
		dispatch_end_turn(&crowd.s.pool);
	}
}

/* The other worker has all that a source may have. */
static void fill_elsewhere(const char *address)
{
	struct record r = limited_record(address);
	int64_t due_ms;

	for (unsigned i = 0; i < CROWD_MOST; i++)
		assert_int_equal(limiter_claim_source(crowd.other, &r,
						      limiter_source_key(crowd.other, &r), true, 0,
						      &due_ms),
				 LIMIT_NONE);
}

static void source__at_its_limit__waits_unread__and_others_are_served(void **state)
{
	int clients[CROWD_MOST + 2], far;

	(void)state;
	crowd_start("echo", "wait");
	for (unsigned i = 0; i < CROWD_MOST + 2; i++)
		clients[i] = crowd_come("192.0.2.1", "on");
	served_expect(&crowd.s, clients[0], "on", false);
	served_expect(&crowd.s, clients[1], "on", false);
	assert_int_equal(record(2)->state, CONN_WAITING);
	assert_int_equal(record(3)->state, CONN_WAITING);
	assert_int_equal(record(2)->bytes_in, 0);
	assert_int_equal(crowd_waiting(), 2);
	served_expect(&crowd.s, clients[2], "", false);
	far = crowd_come("192.0.2.2", "far");
	served_expect(&crowd.s, far, "far", false);
	assert_int_equal(cell_get(&crowd.s.slot.tally.listeners[0]
					   .limits_reached_total[LIMIT_max_per_source]),
			 2);
	/* one place becomes free: the oldest has it, and the other one goes on waiting */
	close(clients[0]);
	served_expect(&crowd.s, clients[2], "on", false);
	assert_int_equal(record(3)->state, CONN_WAITING);
	served_send(&crowd.s, clients[2], "more", 4);
	served_expect(&crowd.s, clients[2], "more", false);
	close(clients[2]);
	served_expect(&crowd.s, clients[3], "on", false);
	assert_int_equal(crowd_waiting(), 0);
	close(clients[1]);
	close(clients[3]);
	close(far);
	crowd_stop();
}

static void source__that_has_room_again_elsewhere__is_looked_at_in_a_while(void **state)
{
	struct record r = limited_record("192.0.2.1");
	int client;

	(void)state;
	crowd_start("echo", "wait");
	fill_elsewhere("192.0.2.1");
	r.is_counted = true;
	client = crowd_come("192.0.2.1", "on");
	served_expect(&crowd.s, client, "", false);
	(void)limiter_count_out(crowd.other, &r);
	turn_until_open(0);
	served_expect(&crowd.s, client, "on", false);
	close(client);
	crowd_stop();
}

static void client__that_closes_while_it_waits__is_noticed(void **state)
{
	int clients[CROWD_MOST + 1];

	(void)state;
	crowd_start("echo", "wait");
	for (unsigned i = 0; i < CROWD_MOST + 1; i++)
		clients[i] = crowd_come("192.0.2.1", "");
	assert_int_equal(crowd_waiting(), 1);
	close(clients[CROWD_MOST]);
	served_settle(&crowd.s);
	assert_int_equal(crowd_waiting(), 0);
	assert_int_equal(crowd_ended(CLOSE_client_closed), 1);
	for (unsigned i = 0; i < CROWD_MOST; i++)
		close(clients[i]);
	crowd_stop();
}

static void client__that_resets_while_it_waits__is_noticed(void **state)
{
	int clients[CROWD_MOST + 1];

	(void)state;
	crowd_start("echo", "wait");
	for (unsigned i = 0; i < CROWD_MOST + 1; i++)
		clients[i] = crowd_come("192.0.2.1", "on");
	paired_reset(clients[CROWD_MOST]);
	served_settle(&crowd.s);
	assert_int_equal(crowd_ended(CLOSE_client_reset), 1);
	assert_int_equal(crowd_waiting(), 0);
	for (unsigned i = 0; i < CROWD_MOST; i++)
		close(clients[i]);
	crowd_stop();
}

/* It has said all that it wants to say: that is no reason not to answer. */
static void client__that_ends_its_side_after_a_message__is_answered_later(void **state)
{
	int clients[CROWD_MOST + 1];

	(void)state;
	crowd_start("echo", "wait");
	for (unsigned i = 0; i < CROWD_MOST + 1; i++)
		clients[i] = crowd_come("192.0.2.1", "on");
	shutdown(clients[CROWD_MOST], SHUT_WR);
	served_settle(&crowd.s);
	assert_int_equal(crowd_waiting(), 1);
	served_settle(&crowd.s); /* it is not reported for ever */
	close(clients[0]);
	served_expect(&crowd.s, clients[CROWD_MOST], "on", true);
	close(clients[1]);
	close(clients[CROWD_MOST]);
	crowd_stop();
}

/* The service speaks first: a client may have nothing to say. */
static void client__of_a_service_that_speaks_first__may_have_ended_its_side(void **state)
{
	int clients[CROWD_MOST + 1];
	char text[64];
	bool has_ended;

	(void)state;
	crowd_start("chargen", "wait");
	for (unsigned i = 0; i < CROWD_MOST + 1; i++)
		clients[i] = crowd_come("192.0.2.1", "");
	shutdown(clients[CROWD_MOST], SHUT_WR);
	served_settle(&crowd.s);
	assert_int_equal(crowd_waiting(), 1);
	close(clients[0]);
	(void)served_read(&crowd.s, clients[1], text, sizeof(text), &has_ended);
	assert_int_equal(crowd_waiting(), 0);
	close(clients[1]);
	close(clients[CROWD_MOST]);
	crowd_stop();
}

static void crash__with_connections_that_wait__costs_none(void **state)
{
	struct recovery r;
	int clients[CROWD_MOST + 2];

	(void)state;
	crowd_start("echo", "wait");
	for (unsigned i = 0; i < CROWD_MOST + 2; i++)
		clients[i] = crowd_come("192.0.2.1", "on");
	served_recover(&crowd.s, &r);
	assert_int_equal(r.kept, CROWD_MOST + 2);
	assert_int_equal(crowd_waiting(), 2);
	served_settle(&crowd.s);
	dispatch_end_turn(&crowd.s.pool);
	assert_int_equal(record(2)->state, CONN_WAITING);
	served_expect(&crowd.s, clients[0], "on", false);
	served_expect(&crowd.s, clients[1], "on", false);
	close(clients[1]);
	served_expect(&crowd.s, clients[2], "on", false);
	close(clients[0]);
	served_expect(&crowd.s, clients[3], "on", false);
	close(clients[2]);
	close(clients[3]);
	crowd_stop();
}

/* Those that wait have waited in any order of their records. */
static void crash__keeps_the_order_of_those_that_wait(void **state)
{
	struct recovery r;
	int clients[CROWD_MOST + 3];

	(void)state;
	crowd_start("echo", "wait");
	for (unsigned i = 0; i < CROWD_MOST + 3; i++)
		clients[i] = crowd_come("192.0.2.1", "on");
	record(3)->opened_us -= 2000;
	record(4)->opened_us -= 1000;
	served_recover(&crowd.s, &r);
	close(clients[0]);
	served_expect(&crowd.s, clients[3], "on", false);
	assert_int_equal(record(4)->state, CONN_WAITING);
	close(clients[1]);
	served_expect(&crowd.s, clients[4], "on", false);
	assert_int_equal(record(2)->state, CONN_WAITING);
	for (unsigned i = 2; i < CROWD_MOST + 3; i++)
		close(clients[i]);
	crowd_stop();
}

/* One with a message has it answered when its source has room; the others had nothing to say. */
static void drain__serves_those_that_wait_with_a_message(void **state)
{
	int clients[CROWD_MOST + 2];

	(void)state;
	crowd_start("echo", "wait");
	for (unsigned i = 0; i < CROWD_MOST + 1; i++)
		clients[i] = crowd_come("192.0.2.1", "on");
	clients[CROWD_MOST + 1] = crowd_come("192.0.2.1", "");
	served_expect(&crowd.s, clients[0], "on", false);
	served_expect(&crowd.s, clients[1], "on", false);
	assert_int_equal(crowd_waiting(), 2);
	dispatch_drain(&crowd.s.pool);
	served_settle(&crowd.s);
	served_expect(&crowd.s, clients[CROWD_MOST + 1], "", true);
	/* the others were between messages, so they have ended, and it has their place */
	served_expect(&crowd.s, clients[0], "", true);
	close(clients[0]);
	close(clients[1]);
	served_expect(&crowd.s, clients[CROWD_MOST], "on", true);
	close(clients[CROWD_MOST]);
	close(clients[CROWD_MOST + 1]);
	crowd_stop();
}

/* Half of the places of a worker may wait. */
static void flood__of_one_source__ends_its_youngest__and_nobody_elses(void **state)
{
	enum { WAITING_MOST = SERVED_PLACES / 2 };
	int clients[WAITING_MOST + 1], far;

	(void)state;
	crowd_start("echo", "wait");
	fill_elsewhere("192.0.2.1");
	fill_elsewhere("192.0.2.2");
	for (unsigned i = 0; i < WAITING_MOST; i++)
		clients[i] = crowd_come("192.0.2.1", "");
	assert_int_equal(crowd_waiting(), WAITING_MOST);
	clients[WAITING_MOST] = crowd_come("192.0.2.1", "");
	assert_int_equal(crowd_waiting(), WAITING_MOST);
	served_expect(&crowd.s, clients[WAITING_MOST], "", true);
	far = crowd_come("192.0.2.2", "");
	assert_int_equal(crowd_waiting(), WAITING_MOST);
	served_expect(&crowd.s, far, "", false);
	served_expect(&crowd.s, clients[WAITING_MOST - 1], "", true);
	served_expect(&crowd.s, clients[0], "", false);
	assert_int_equal(crowd_ended(CLOSE_limit_source), 2);
	for (unsigned i = 0; i <= WAITING_MOST; i++)
		close(clients[i]);
	close(far);
	crowd_stop();
}

/* A full worker makes room by what it has not read yet. */
static void full_worker__ends_what_waits_first(void **state)
{
	int waits, client;

	(void)state;
	crowd_start("echo", "wait");
	fill_elsewhere("192.0.2.1");
	client = crowd_come("192.0.2.2", "");
	waits = crowd_come("192.0.2.1", "");
	crowd.s.pool.limit.most = 2;
	crowd.s.room.is_on = true;
	assert_true(make_room_for(&crowd.s.room, &crowd.s.pool, 0));
	assert_int_equal(crowd_ended(CLOSE_made_room), 1);
	served_expect(&crowd.s, waits, "", true);
	served_expect(&crowd.s, client, "", false);
	close(waits);
	close(client);
	crowd_stop();
}

/* Its idle time begins when it is served. */
static void connection__that_has_waited__is_not_idle(void **state)
{
	int clients[CROWD_MOST + 1];

	(void)state;
	crowd_start("echo", "wait");
	for (unsigned i = 0; i < CROWD_MOST + 1; i++)
		clients[i] = crowd_come("192.0.2.1", "on");
	served_pass(&crowd.s, 0.05); /* within idle_timeout */
	served_pass(&crowd.s, 0.05); /* and now beyond it for the two that were served */
	for (unsigned i = 0; i < CROWD_MOST; i++)
		close(clients[i]); /* they have lingered */
	served_settle(&crowd.s);
	assert_int_equal(crowd_ended(CLOSE_idle_timeout), 2);
	served_expect(&crowd.s, clients[CROWD_MOST], "on", false);
	served_pass(&crowd.s, 0.05);
	served_expect(&crowd.s, clients[CROWD_MOST], "", false);
	close(clients[CROWD_MOST]);
	crowd_stop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(source__at_its_limit__waits_unread__and_others_are_served),
		cmocka_unit_test(source__that_has_room_again_elsewhere__is_looked_at_in_a_while),
		cmocka_unit_test(client__that_closes_while_it_waits__is_noticed),
		cmocka_unit_test(client__that_resets_while_it_waits__is_noticed),
		cmocka_unit_test(client__that_ends_its_side_after_a_message__is_answered_later),
		cmocka_unit_test(client__of_a_service_that_speaks_first__may_have_ended_its_side),
		cmocka_unit_test(crash__with_connections_that_wait__costs_none),
		cmocka_unit_test(crash__keeps_the_order_of_those_that_wait),
		cmocka_unit_test(drain__serves_those_that_wait_with_a_message),
		cmocka_unit_test(flood__of_one_source__ends_its_youngest__and_nobody_elses),
		cmocka_unit_test(full_worker__ends_what_waits_first),
		cmocka_unit_test(connection__that_has_waited__is_not_idle),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
