/* SPDX-License-Identifier: MIT */
/*
 * When a worker accepts, and the time for which it does not accept: counted as it passes, and once.
 * Two workers share one socket; the second one is only a word of shared memory.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/sys.h"
#include "unit/listening.h"
#include "unit/served.h"
#include "worker/accept/acceptor.h"

static struct served s;
static struct acceptors all;
static struct hints hints;
static struct slot slots[2];
static struct bans bans;
static int clients[8];
static struct listening setup;
static struct listener_set *set;
static struct wire wires[2];

static int set_up(void **state)
{
	(void)state;
	served_start(&s, "echo", NULL);
	if (!hints_new(&hints, 1))
		return -1;
	all = (struct acceptors){ .loop = &s.loop,
				  .pool = &s.pool,
				  .alarms = &s.alarms,
				  .balance = { .slots = &s.slot, .hints = &hints },
				  .kick = { .fd = -1 },
				  .is_paused = true,
				  .paused_us = s.loop.now_us };
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	served_stop(&s);
	hints_free(&hints);
	return 0;
}

/* Simulates the end of a connection. */
static void free_place(void)
{
	s.pool.freed++;
	accept_pause_check_room(&all);
}

static int set_up_serving(void **state)
{
	if (listening_set_up(state) != 0 || !hints_new(&hints, 2))
		return -1;
	memset(slots, 0, sizeof(slots));
	served_start(&s, "echo", NULL);
	for (unsigned i = 0; i < 2; i++)
		if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, &wires[i].fds[WIRE_KICKED]) <
		    0)
			return -1;
	s.pool.slot = &slots[0];
	s.pool.bans = &bans;
	all = (struct acceptors){ .loop = &s.loop,
				  .pool = &s.pool,
				  .alarms = &s.alarms,
				  .balance = { .slots = slots, .hints = &hints, .wires = wires } };
	return 0;
}

static int tear_down_serving(void **state)
{
	dispatch_end_all(&s.pool, CLOSE_stopped);
	acceptors_close(&all);
	free(all.list);
	free(all.balance.kicks);
	set->list[0].fd_count = 0;
	listener_close_all(set, NULL, false);
	for (unsigned i = 0; i < 2; i++)
		for (unsigned k = WIRE_KICKED; k < WIRE_FDS; k++)
			close(wires[i].fds[k]);
	(void)tear_down(state);
	unlink(listening_path);
	return listening_tear_down(state);
}

/* This worker is number 0; the other one is ready and has `other` connections. */
static void serve(const char *address, uint32_t other)
{
	setup = (struct listening){ 0 };
	listening_add(&setup, address);
	set = listening_open(&setup, NULL, 1);
	set->list[0].conf = &s.listen_conf;
	s.pool.listeners = set;
	slots[0].state = slots[1].state = SLOT_READY;
	slots[1].live = other;
	hints_set(&hints, 1, (struct hint){ .live = other, .seat = 1, .state = SLOT_READY });
	assert_true(acceptors_start(&all));
}

static int connect_to(const struct addr *addr)
{
	int fd = socket(addr->sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(connect(fd, &addr->sa, addr->len), 0);
	return fd;
}

/* A turn of the worker's loop that does not wait. */
static void turn(void)
{
	assert_true(loop_turn(&s.loop, 0));
	accept_pause_check_room(&all);
	atomic_fetch_add(&slots[0].turns, 1);
}

/* Makes a connection that is accepted in the next turn. */
static void take_one(void)
{
	uint32_t before = s.pool.limit.total;

	clients[before] = connect_to(&set->list[0].bound);
	turn();
	assert_int_equal(s.pool.limit.total, before + 1);
}

static void let_go(unsigned count)
{
	while (count > 0)
		close(clients[--count]);
}

/* Clears the recent load, as after a long idle time. */
static void settle(void)
{
	all.balance.lately = (struct lately){ 0 };
}

static uint64_t kicked(void)
{
	return cell_get(&slots[0].tally.accept_kicks_total);
}

static void level__accepts_at_once(void **state)
{
	(void)state;
	serve("127.0.0.1:0", 0);
	for (unsigned i = 0; i < 4; i++)
		take_one();
	assert_int_equal(kicked(), 0);
	let_go(4);
}

/* The next turn does not wait, because the socket is still ready. */
static void heavier__wakes_the_other__and_accepts_in_the_next_turn(void **state)
{
	(void)state;
	serve("127.0.0.1:0", 0);
	for (unsigned i = 0; i < 4; i++)
		take_one();
	settle();
	clients[4] = connect_to(&set->list[0].bound);
	turn();
	assert_int_equal(s.pool.limit.total, 4);
	assert_int_equal(kicked(), 1);
	assert_int_equal(hints_asked(&hints, 1), hints_mask(0));
	turn();
	assert_int_equal(s.pool.limit.total, 5);
	assert_int_equal(kicked(), 1);
	let_go(5);
}

static void heavier__whose_connection_was_taken__goes_on(void **state)
{
	int taken;

	(void)state;
	serve("127.0.0.1:0", 0);
	for (unsigned i = 0; i < 4; i++)
		take_one();
	settle();
	clients[4] = connect_to(&set->list[0].bound);
	turn();
	taken = accept(set->list[0].fds[0], NULL, NULL);
	assert_true(taken >= 0);
	turn();
	assert_int_equal(s.pool.limit.total, 4);
	close(taken);
	let_go(5);
}

static void kicked__accepts(void **state)
{
	(void)state;
	serve("127.0.0.1:0", 8);
	turn();
	clients[0] = connect_to(&set->list[0].bound);
	hints_ask(&hints, 0, 0);
	assert_int_equal(send(wires[0].fds[WIRE_KICK], "", 1, 0), 1);
	turn();
	assert_int_equal(s.pool.limit.total, 1);
	let_go(1);
}

static void ask(void)
{
	hints_ask(&hints, 0, 0);
	assert_int_equal(send(wires[0].fds[WIRE_KICK], "", 1, 0), 1);
	turn();
}

/* Any worker can kick; as long as no connection waits, none is ended for it. */
static void kicked__when_full__makes_room_for_a_connection_and_not_for_a_kick(void **state)
{
	uint32_t most = s.pool.arena->conn_most;
	int waiting;

	(void)state;
	for (unsigned i = 0; i < most; i++) {
		clients[i] = served_connect(&s);
		assert_int_equal(send(clients[i], "x", 1, 0), 1);
	}
	served_settle(&s);
	s.loop.now_ms += 3600 * 1000;
	serve("127.0.0.1:0", BALANCE_FULL);
	all.room.is_on = true;
	for (unsigned i = 0; i < 3; i++)
		ask();
	assert_int_equal(s.pool.limit.total, most);
	assert_int_equal(slots[0].tally.connections_ended_total[CLOSE_made_room], 0);
	waiting = connect_to(&set->list[0].bound);
	turn();
	assert_int_equal(slots[0].tally.connections_ended_total[CLOSE_made_room], 1);
	assert_int_equal(slots[0].tally.listeners[0].connections_accepted_total, 1);
	assert_true(all.is_full); /* the place was taken at once: that is not logged again */
	close(waiting);
	let_go(most);
}

/* The peer reports room and accepts nothing. */
static void full__beside_a_peer_that_lies__makes_room_the_second_time(void **state)
{
	uint32_t most = s.pool.arena->conn_most;
	int waiting;

	(void)state;
	for (unsigned i = 0; i < most; i++)
		clients[i] = served_connect(&s);
	served_settle(&s);
	serve("127.0.0.1:0", 0);
	all.room.is_on = true;
	waiting = connect_to(&set->list[0].bound);
	turn();
	assert_int_equal(kicked(), 1);
	assert_int_equal(slots[0].tally.listeners[0].connections_accepted_total, 0);
	free_place(); /* as after FULL_MS */
	turn();
	assert_int_equal(kicked(), 1);
	assert_int_equal(slots[0].tally.listeners[0].connections_accepted_total, 1);
	close(waiting);
	let_go(most);
}

static void full__from_the_start__does_not_accept__until_there_is_room(void **state)
{
	int waiting;

	(void)state;
	for (unsigned i = 0; i < s.pool.arena->conn_most; i++)
		clients[i] = served_connect(&s);
	serve("127.0.0.1:0", 0);
	waiting = connect_to(&set->list[0].bound);
	turn();
	assert_int_equal(s.pool.limit.total, s.pool.arena->conn_most);
	assert_int_equal(hints_get(&hints, 0).live, BALANCE_FULL);
	close(clients[0]);
	for (unsigned i = 0; i < 3; i++)
		turn();
	assert_int_equal(s.pool.limit.total, s.pool.arena->conn_most);
	assert_int_equal(slots[0].tally.listeners[0].connections_accepted_total, 1);
	close(waiting);
	let_go(s.pool.arena->conn_most - 1);
}

static void shut_down__is_served_again(void **state)
{
	(void)state;
	serve("127.0.0.1:0", 0);
	assert_int_equal(shutdown(set->list[0].fds[0], SHUT_RD), 0);
	turn();
	assert_int_equal(cell_get(&slots[0].tally.listeners_mended_total), 1);
	take_one();
	let_go(1);
}

static void shut_down__for_good__does_not_wake_the_worker_again(void **state)
{
	struct pollfd p = { .events = POLLIN };

	(void)state;
	serve(listening_unix, 0);
	turn();
	assert_int_equal(shutdown(set->list[0].fds[0], SHUT_RD), 0);
	turn();
	p.fd = s.loop.epfd;
	assert_int_equal(poll(&p, 1, 0), 0);
	free_place();
	assert_int_equal(poll(&p, 1, 0), 0);
	assert_false(all.is_paused);
}

static void assert_paused(uint64_t us)
{
	assert_int_equal(served_metric(&s, METRIC_accept_paused_seconds_total), us);
}

static void pause__is_counted_in_each_turn(void **state)
{
	(void)state;
	s.loop.now_us += 1000;
	accept_pause_end_turn(&all);
	assert_paused(1000);
	accept_pause_end_turn(&all);
	assert_paused(1000);
	s.loop.now_us += 500;
	free_place();
	assert_paused(1500);
	assert_false(all.is_paused);
	s.loop.now_us += 500;
	accept_pause_end_turn(&all);
	assert_paused(1500);
}

static void pause__that_ends_with_the_worker__is_counted(void **state)
{
	(void)state;
	s.loop.now_us += 1000;
	acceptors_close(&all);
	assert_paused(1000);
	s.loop.now_us += 1000;
	accept_pause_end_turn(&all);
	assert_paused(1000);
}

#define CASE(name)    cmocka_unit_test_setup_teardown(name, set_up, tear_down)
#define SERVING(name) cmocka_unit_test_setup_teardown(name, set_up_serving, tear_down_serving)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(pause__is_counted_in_each_turn),
		CASE(pause__that_ends_with_the_worker__is_counted),
		SERVING(level__accepts_at_once),
		SERVING(heavier__wakes_the_other__and_accepts_in_the_next_turn),
		SERVING(heavier__whose_connection_was_taken__goes_on),
		SERVING(kicked__accepts),
		SERVING(kicked__when_full__makes_room_for_a_connection_and_not_for_a_kick),
		SERVING(full__beside_a_peer_that_lies__makes_room_the_second_time),
		SERVING(full__from_the_start__does_not_accept__until_there_is_room),
		SERVING(shut_down__is_served_again),
		SERVING(shut_down__for_good__does_not_wake_the_worker_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
