/* SPDX-License-Identifier: MIT */
/*
 * Connections that wait until their source has room: what their clients see, and what a crash, a
 * stop and the end of a client do to them. The second worker of these tests is only its counts.
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
#include "unit/limited.h"
#include "unit/paired.h"
#include "unit/served.h"

enum { MOST = 2, OTHER = 1, WITHIN_MS = 20000 };

static struct limited all;
static struct limiter other;
static struct served s;
static struct served_limits limits;
static uint16_t next_port;

static void start(const char *service, const char *on_limit)
{
	limited_begin(&all, "max_per_source", "2", NULL);
	other = limited_worker(&all, OTHER);
	limits = (struct served_limits){ &all.memory, all.board, 0 };
	served_limits = &limits;
	served_start(&s, service, "max_per_source", "2", "on_limit", on_limit, NULL);
	atomic_store(&s.slot.state, SLOT_READY);
	next_port = 1000;
}

static void stop(void)
{
	served_stop(&s);
	limiter_stop(&other);
	limited_end(&all);
	served_limits = NULL;
}

/* A client of that source, who sends the text before it is accepted. */
static int come(const char *address, const char *text)
{
	struct net net;
	struct addr remote;
	struct err err;
	int ends[2];

	paired_tcp(ends);
	assert_int_equal(send(ends[1], text, strlen(text), 0), strlen(text));
	assert_true(net_read(address, &net, &err));
	remote = net_to_addr(&net, next_port++);
	served_accept_from(&s, ends[0], &remote);
	served_settle(&s);
	return ends[1];
}

static struct record *record(uint32_t index)
{
	return arena_record(s.pool.arena, index);
}

static uint64_t ended(enum close_reason reason)
{
	return cell_get(&s.slot.tally.connections_ended_total[reason]);
}

static uint64_t waiting(void)
{
	return served_metric(&s, METRIC_connections_waiting);
}

/* Turns until the connection of that record waits no more: the time of a look has to pass. */
static void turn_until_open(uint32_t index)
{
	int64_t until_ms = clock_ms() + WITHIN_MS;

	while (record(index)->state == CONN_WAITING) {
		assert_true(clock_ms() < until_ms);
		assert_true(loop_turn(&s.loop, 1));
		dispatch_end_turn(&s.pool);
	}
}

/* The other worker has all that a source may have. */
static void fill_elsewhere(const char *address)
{
	struct record r = limited_record(address);
	int64_t due_ms;

	for (unsigned i = 0; i < MOST; i++)
		assert_int_equal(limiter_claim_source(&other, &r, limiter_source_key(&other, &r),
						      true, 0, &due_ms),
				 LIMIT_NONE);
}

static void source__at_its_limit__waits_unread__and_others_are_served(void **state)
{
	int clients[MOST + 2], far;

	(void)state;
	start("echo", "wait");
	for (unsigned i = 0; i < MOST + 2; i++)
		clients[i] = come("192.0.2.1", "on");
	served_expect(&s, clients[0], "on", false);
	served_expect(&s, clients[1], "on", false);
	assert_int_equal(record(2)->state, CONN_WAITING);
	assert_int_equal(record(3)->state, CONN_WAITING);
	assert_int_equal(record(2)->bytes_in, 0);
	assert_int_equal(waiting(), 2);
	served_expect(&s, clients[2], "", false);
	far = come("192.0.2.2", "far");
	served_expect(&s, far, "far", false);
	assert_int_equal(
		cell_get(&s.slot.tally.listeners[0].limits_reached_total[LIMIT_max_per_source]), 2);
	/* one place becomes free: the oldest has it, and the other one goes on waiting */
	close(clients[0]);
	served_expect(&s, clients[2], "on", false);
	assert_int_equal(record(3)->state, CONN_WAITING);
	served_send(&s, clients[2], "more", 4);
	served_expect(&s, clients[2], "more", false);
	close(clients[2]);
	served_expect(&s, clients[3], "on", false);
	assert_int_equal(waiting(), 0);
	close(clients[1]);
	close(clients[3]);
	close(far);
	stop();
}

static void source__that_has_room_again_elsewhere__is_looked_at_in_a_while(void **state)
{
	struct record r = limited_record("192.0.2.1");
	int client;

	(void)state;
	start("echo", "wait");
	fill_elsewhere("192.0.2.1");
	r.is_counted = true;
	client = come("192.0.2.1", "on");
	served_expect(&s, client, "", false);
	(void)limiter_count_out(&other, &r);
	turn_until_open(0);
	served_expect(&s, client, "on", false);
	close(client);
	stop();
}

static void client__that_closes_while_it_waits__is_noticed(void **state)
{
	int clients[MOST + 1];

	(void)state;
	start("echo", "wait");
	for (unsigned i = 0; i < MOST + 1; i++)
		clients[i] = come("192.0.2.1", "");
	assert_int_equal(waiting(), 1);
	close(clients[MOST]);
	served_settle(&s);
	assert_int_equal(waiting(), 0);
	assert_int_equal(ended(CLOSE_client_closed), 1);
	for (unsigned i = 0; i < MOST; i++)
		close(clients[i]);
	stop();
}

static void client__that_resets_while_it_waits__is_noticed(void **state)
{
	int clients[MOST + 1];

	(void)state;
	start("echo", "wait");
	for (unsigned i = 0; i < MOST + 1; i++)
		clients[i] = come("192.0.2.1", "on");
	paired_reset(clients[MOST]);
	served_settle(&s);
	assert_int_equal(ended(CLOSE_client_reset), 1);
	assert_int_equal(waiting(), 0);
	for (unsigned i = 0; i < MOST; i++)
		close(clients[i]);
	stop();
}

/* It has said all that it wants to say: that is no reason not to answer. */
static void client__that_ends_its_side_after_a_message__is_answered_later(void **state)
{
	int clients[MOST + 1];

	(void)state;
	start("echo", "wait");
	for (unsigned i = 0; i < MOST + 1; i++)
		clients[i] = come("192.0.2.1", "on");
	shutdown(clients[MOST], SHUT_WR);
	served_settle(&s);
	assert_int_equal(waiting(), 1);
	served_settle(&s); /* it is not reported for ever */
	close(clients[0]);
	served_expect(&s, clients[MOST], "on", true);
	close(clients[1]);
	close(clients[MOST]);
	stop();
}

/* The service speaks first: a client may have nothing to say. */
static void client__of_a_service_that_speaks_first__may_have_ended_its_side(void **state)
{
	int clients[MOST + 1];
	char text[64];
	bool has_ended;

	(void)state;
	start("chargen", "wait");
	for (unsigned i = 0; i < MOST + 1; i++)
		clients[i] = come("192.0.2.1", "");
	shutdown(clients[MOST], SHUT_WR);
	served_settle(&s);
	assert_int_equal(waiting(), 1);
	close(clients[0]);
	(void)served_read(&s, clients[1], text, sizeof(text), &has_ended);
	assert_int_equal(waiting(), 0);
	close(clients[1]);
	close(clients[MOST]);
	stop();
}

static void crash__with_connections_that_wait__costs_none(void **state)
{
	struct recovery r;
	int clients[MOST + 2];

	(void)state;
	start("echo", "wait");
	for (unsigned i = 0; i < MOST + 2; i++)
		clients[i] = come("192.0.2.1", "on");
	served_recover(&s, &r);
	assert_int_equal(r.kept, MOST + 2);
	assert_int_equal(waiting(), 2);
	served_settle(&s);
	dispatch_end_turn(&s.pool);
	assert_int_equal(record(2)->state, CONN_WAITING);
	served_expect(&s, clients[0], "on", false);
	served_expect(&s, clients[1], "on", false);
	close(clients[1]);
	served_expect(&s, clients[2], "on", false);
	close(clients[0]);
	served_expect(&s, clients[3], "on", false);
	close(clients[2]);
	close(clients[3]);
	stop();
}

/* Those that wait have waited in any order of their records. */
static void crash__keeps_the_order_of_those_that_wait(void **state)
{
	struct recovery r;
	int clients[MOST + 3];

	(void)state;
	start("echo", "wait");
	for (unsigned i = 0; i < MOST + 3; i++)
		clients[i] = come("192.0.2.1", "on");
	record(3)->opened_us -= 2000;
	record(4)->opened_us -= 1000;
	served_recover(&s, &r);
	close(clients[0]);
	served_expect(&s, clients[3], "on", false);
	assert_int_equal(record(4)->state, CONN_WAITING);
	close(clients[1]);
	served_expect(&s, clients[4], "on", false);
	assert_int_equal(record(2)->state, CONN_WAITING);
	for (unsigned i = 2; i < MOST + 3; i++)
		close(clients[i]);
	stop();
}

/* One with a message has it answered when its source has room; the others had nothing to say. */
static void drain__serves_those_that_wait_with_a_message(void **state)
{
	int clients[MOST + 2];

	(void)state;
	start("echo", "wait");
	for (unsigned i = 0; i < MOST + 1; i++)
		clients[i] = come("192.0.2.1", "on");
	clients[MOST + 1] = come("192.0.2.1", "");
	served_expect(&s, clients[0], "on", false);
	served_expect(&s, clients[1], "on", false);
	assert_int_equal(waiting(), 2);
	dispatch_drain(&s.pool);
	served_settle(&s);
	served_expect(&s, clients[MOST + 1], "", true);
	/* the others were between messages, so they have ended, and it has their place */
	served_expect(&s, clients[0], "", true);
	close(clients[0]);
	close(clients[1]);
	served_expect(&s, clients[MOST], "on", true);
	close(clients[MOST]);
	close(clients[MOST + 1]);
	stop();
}

/* Half of the places of a worker may wait. */
static void flood__of_one_source__ends_its_youngest__and_nobody_elses(void **state)
{
	enum { WAITING_MOST = SERVED_PLACES / 2 };
	int clients[WAITING_MOST + 1], far;

	(void)state;
	start("echo", "wait");
	fill_elsewhere("192.0.2.1");
	fill_elsewhere("192.0.2.2");
	for (unsigned i = 0; i < WAITING_MOST; i++)
		clients[i] = come("192.0.2.1", "");
	assert_int_equal(waiting(), WAITING_MOST);
	clients[WAITING_MOST] = come("192.0.2.1", "");
	assert_int_equal(waiting(), WAITING_MOST);
	served_expect(&s, clients[WAITING_MOST], "", true);
	far = come("192.0.2.2", "");
	assert_int_equal(waiting(), WAITING_MOST);
	served_expect(&s, far, "", false);
	served_expect(&s, clients[WAITING_MOST - 1], "", true);
	served_expect(&s, clients[0], "", false);
	assert_int_equal(ended(CLOSE_limit_source), 2);
	for (unsigned i = 0; i <= WAITING_MOST; i++)
		close(clients[i]);
	close(far);
	stop();
}

/* A full worker makes room by what it has not read yet. */
static void full_worker__ends_what_waits_first(void **state)
{
	int waits, client;

	(void)state;
	start("echo", "wait");
	fill_elsewhere("192.0.2.1");
	client = come("192.0.2.2", "");
	waits = come("192.0.2.1", "");
	s.pool.limit.most = 2;
	s.room.is_on = true;
	assert_true(make_room_for(&s.room, &s.pool, 0));
	assert_int_equal(ended(CLOSE_made_room), 1);
	served_expect(&s, waits, "", true);
	served_expect(&s, client, "", false);
	close(waits);
	close(client);
	stop();
}

/* Its idle time begins when it is served. */
static void connection__that_has_waited__is_not_idle(void **state)
{
	int clients[MOST + 1];

	(void)state;
	start("echo", "wait");
	for (unsigned i = 0; i < MOST + 1; i++)
		clients[i] = come("192.0.2.1", "on");
	served_pass(&s, 0.05); /* within idle_timeout */
	served_pass(&s, 0.05); /* and now beyond it for the two that were served */
	for (unsigned i = 0; i < MOST; i++)
		close(clients[i]); /* they have lingered */
	served_settle(&s);
	assert_int_equal(ended(CLOSE_idle_timeout), 2);
	served_expect(&s, clients[MOST], "on", false);
	served_pass(&s, 0.05);
	served_expect(&s, clients[MOST], "", false);
	close(clients[MOST]);
	stop();
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
