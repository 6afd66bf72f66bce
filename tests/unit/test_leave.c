/* SPDX-License-Identifier: MIT */
/* The states in which a worker leaves, with connections on their way to another one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/sys.h"
#include "unit/siblings.h"

enum {
	OLD = 3,
	LATE_US = 200 * 1000,
	PATIENCE_US = 3 * 1000 * 1000,
	LOOK_MS = 5,
	HOUR_MS = 3600 * 1000
};

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
	siblings_settle(&all);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	siblings_end(&all);
	return 0;
}

static uint64_t count_ended(const struct sibling *w, enum close_reason reason)
{
	return w->slot->tally.connections_ended_total[reason];
}

static void assert_state(enum slot_state state, enum arena_leaving leaving)
{
	assert_int_equal(from->slot->state, state);
	assert_int_equal(from->pool.arena->head->leaving, leaving);
}

/* It no longer waits for a worker that can receive. */
static void end_patience(struct sibling *w)
{
	w->moving.taken_us -= PATIENCE_US;
	sibling_alarm(w, LOOK_MS);
}

static void move__with_nothing_left__is_over(void **state)
{
	(void)state;
	assert_state(SLOT_READY, ARENA_STAYS);
	leave_move(&from->leave);
	assert_state(SLOT_MOVING, ARENA_MOVES);
	assert_false(from->door.is_open);
	siblings_settle(&all);
	assert_state(SLOT_DRAINING, ARENA_DRAINS);
	assert_true(from->leave.is_over);
	assert_int_equal(sibling_conns(to), 1);
	siblings_say(client, "on");
	siblings_expect(&all, client, "on", false);
	siblings_assert_sole(&all, 1);
}

/* It gets nothing back from the workers that get its own. */
static void move__in_both_directions__takes_in_nothing(void **state)
{
	(void)state;
	leave_move(&from->leave);
	leave_move(&to->leave);
	for (unsigned i = 0; i < 10; i++) {
		siblings_settle(&all);
		end_patience(from);
		end_patience(to);
	}
	siblings_assert_sole(&all, 1);
	assert_int_equal(sibling_metric(from, METRIC_connections_moved_in_total), 0);
	assert_int_equal(from->slot->state, SLOT_DRAINING);
	assert_int_equal(to->slot->state, SLOT_DRAINING);
}

static void drain__ends_what_rests(void **state)
{
	(void)state;
	siblings_say(client, "x");
	siblings_expect(&all, client, "x", false);
	leave_drain(&from->leave);
	assert_state(SLOT_DRAINING, ARENA_DRAINS);
	siblings_expect(&all, client, "", true);
	siblings_close(&all, client);
	siblings_settle(&all);
	assert_int_equal(count_ended(from, CLOSE_drained), 1);
	assert_true(from->leave.is_over);
}

/* What is on its way comes back as one that rests. */
static void drain__with_a_batch_that_is_refused__ends_it(void **state)
{
	(void)state;
	siblings_say(client, "x");
	siblings_expect(&all, client, "x", false);
	to->is_up = false;
	moving_share(&from->moving, 1, 1);
	assert_int_equal(from->moving.offer.count, 1);
	leave_drain(&from->leave);
	siblings_settle(&all);
	from->moving.offer.began_us -= LATE_US;
	sibling_alarm(from, LOOK_MS);
	to->is_up = true;
	siblings_expect(&all, client, "", true);
	siblings_close(&all, client);
	siblings_settle(&all);
	assert_int_equal(count_ended(from, CLOSE_drained), 1);
	assert_int_equal(sibling_conns(to), 0);
	assert_true(from->leave.is_over);
}

/* The batch that is on its way is decided first. */
static void drain__while_moving__comes_after_the_batch(void **state)
{
	(void)state;
	leave_move(&from->leave);
	leave_drain(&from->leave);
	assert_state(SLOT_MOVING, ARENA_MOVES);
	siblings_settle(&all);
	assert_state(SLOT_DRAINING, ARENA_DRAINS);
	assert_int_equal(sibling_conns(to), 1);
	siblings_assert_sole(&all, 1);
	leave_drain(&from->leave);
	leave_move(&from->leave);
	assert_state(SLOT_DRAINING, ARENA_DRAINS);
}

/* The receiver sees later that it was taken back. */
static void end__with_a_batch_that_waits__ends_it_here(void **state)
{
	(void)state;
	leave_move(&from->leave);
	assert_int_equal(from->moving.offer.count, 1);
	leave_now(&from->leave, CLOSE_stopped);
	assert_true(from->leave.is_over);
	siblings_settle(&all);
	siblings_expect(&all, client, "", true);
	assert_int_equal(count_ended(from, CLOSE_stopped), 1);
	siblings_assert_sole(&all, 0);
}

static void end__with_a_batch_that_is_taken__leaves_it_alone(void **state)
{
	(void)state;
	leave_move(&from->leave);
	sibling_turn(to);
	leave_now(&from->leave, CLOSE_stopped);
	assert_int_equal(count_ended(from, CLOSE_stopped), 0);
	siblings_say(client, "on");
	siblings_expect(&all, client, "on", false);
	siblings_assert_sole(&all, 1);
}

static void shutdown_timeout__ends_all(void **state)
{
	(void)state;
	to->slot->state = SLOT_DRAINING;
	siblings_say(client, "x");
	leave_move(&from->leave);
	end_patience(from);
	assert_state(SLOT_DRAINING, ARENA_DRAINS);
	sibling_alarm(from, INT32_MAX);
	assert_true(from->leave.is_over);
	assert_int_equal(count_ended(from, CLOSE_shutdown_timeout), 1);
}

/* A worker that is told to move dies: the next one of the slot goes on. */
static void death__while_moving__moves_on(void **state)
{
	(void)state;
	leave_move(&from->leave);
	sibling_die(from);
	sibling_turn(to);
	sibling_recover(from);
	assert_int_equal(from->slot->state, SLOT_DRAINING);
	sibling_turn(from);
	assert_true(from->leave.is_over);
	siblings_say(client, "on");
	siblings_expect(&all, client, "on", false);
	siblings_assert_sole(&all, 1);
	assert_int_equal(sibling_conns(to), 1);
}

/* The master tells it in the arena, before it starts; no worker gets more time than the option. */
static void leaving__from_the_start__has_the_time_of_the_option(void **state)
{
	(void)state;
	to->slot->state = SLOT_DRAINING;
	sibling_die(from);
	from->conf.shutdown_timeout = HOUR_MS;
	arena_leave(from->heritage.arena, ARENA_MOVES, INT64_MAX);
	sibling_recover(from);
	assert_true(from->recovery.was_leaving);
	assert_state(SLOT_MOVING, ARENA_MOVES);
	assert_in_range(from->leave.give_up.timer.due_ms, 1, clock_ms() + HOUR_MS);
	assert_false(from->door.is_open);
}

/* Epoll goes on reporting what has moved until it is renewed. */
static void epoll__after_the_move__has_only_what_stays(void **state)
{
	static const char partial[] = "partial";
	int staying;

	(void)state;
	tear_down(state);
	siblings_begin(&all);
	from = sibling_start(&all, 0, OLD, "still", NULL);
	to = sibling_start(&all, 1, OLD, "still", NULL);
	client = sibling_connect(from, 1);
	staying = sibling_connect(from, 0);
	leave_move(&from->leave);
	siblings_say(client, partial);
	siblings_settle(&all);
	assert_int_equal(sibling_conns(to), 1);
	assert_int_equal(sibling_conns(from), 1);
	siblings_expect(&all, client, partial, false);
	to->is_up = false;
	siblings_say(client, partial);
	siblings_settle(&all);
	assert_int_equal(poll(&(struct pollfd){ from->loop.epfd, POLLIN, 0 }, 1, 0), 0);
	to->is_up = true;
	siblings_say(staying, "stays");
	siblings_expect(&all, staying, "stays", true);
}

/* While it is on its way no side of it is served, whatever epoll reports. */
static void pair__on_its_way__is_not_served(void **state)
{
	int ends[2];

	tear_down(state);
	siblings_begin(&all);
	from = sibling_start(&all, 0, OLD, "pair", NULL);
	to = sibling_start(&all, 1, OLD, "pair", NULL);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends),
			 0);
	siblings_keep(&all, ends[1]);
	sibling_services.peer = ends[0];
	client = sibling_connect(from, 0);
	to->is_up = false;
	leave_move(&from->leave);
	siblings_say(client, "up");
	siblings_say(ends[1], "down");
	for (unsigned i = 0; i < 4; i++)
		sibling_turn(from);
	assert_int_equal(recv(client, &(char){ 0 }, 1, MSG_DONTWAIT), -1);
	assert_int_equal(recv(ends[1], &(char){ 0 }, 1, MSG_DONTWAIT), -1);
	to->is_up = true;
	siblings_expect(&all, client, "down", false);
	siblings_expect(&all, ends[1], "up", false);
	siblings_assert_sole(&all, 1);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(move__with_nothing_left__is_over),
		CASE(move__in_both_directions__takes_in_nothing),
		CASE(drain__ends_what_rests),
		CASE(drain__with_a_batch_that_is_refused__ends_it),
		CASE(drain__while_moving__comes_after_the_batch),
		CASE(end__with_a_batch_that_waits__ends_it_here),
		CASE(end__with_a_batch_that_is_taken__leaves_it_alone),
		CASE(shutdown_timeout__ends_all),
		CASE(death__while_moving__moves_on),
		CASE(leaving__from_the_start__has_the_time_of_the_option),
		CASE(epoll__after_the_move__has_only_what_stays),
		CASE(pair__on_its_way__is_not_served),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
