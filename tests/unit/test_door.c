/* SPDX-License-Identifier: MIT */
/* Connections that move through a door, in all their states: their clients notice nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/sys.h"
#include "unit/siblings.h"
#include "worker/deadline.h"

enum { OLD = 3, NEW = 4, MANY = 60 };

static struct siblings all;

static int set_up(void **state)
{
	(void)state;
	siblings_begin(&all);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	siblings_end(&all);
	return 0;
}

static void idle__connections__move_together(void **state)
{
	struct sibling *from, *to;
	int clients[MANY];

	(void)state;
	from = sibling_start(&all, 0, OLD, "echo", NULL);
	to = sibling_start(&all, 1, OLD, "echo", NULL);
	for (unsigned i = 0; i < MANY; i++)
		clients[i] = sibling_connect(from, 0);
	siblings_count_open(&all);
	assert_int_equal(sibling_offer(from, to, MANY), OFFER_TAKEN);
	siblings_assert_open(&all);
	siblings_assert_sole(&all, MANY);
	assert_int_equal(sibling_conns(to), MANY);
	for (unsigned i = 0; i < MANY; i++) {
		siblings_say(clients[i], "on");
		siblings_expect(&all, clients[i], "on", false);
	}
	assert_int_equal(from->slot->tally.connections_moved_out_total[MOVE_rebalance], MANY);
	assert_int_equal(to->slot->tally.connections_moved_in_total[MOVE_rebalance], MANY);
	assert_int_equal(sibling_metric(from, METRIC_connections_accepted_total), MANY);
	assert_int_equal(sibling_metric(to, METRIC_connections_accepted_total), 0);
	assert_int_equal(sibling_metric(from, METRIC_connections_ended_total), 0);
	assert_int_equal(sibling_metric(from, METRIC_move_seconds), MANY);
}

/* The record is the same, except for what is the worker's. */
static void identity__and_times__are_kept(void **state)
{
	struct sibling *from, *to;
	struct record before, *after;
	int client;

	(void)state;
	from = sibling_start(&all, 0, OLD, "echo", NULL);
	to = sibling_start(&all, 1, NEW, "echo", NULL);
	(void)sibling_connect(to, 0);
	client = sibling_connect(from, 0);
	siblings_say(client, "12345");
	siblings_expect(&all, client, "12345", false);
	before = *sibling_record(from, 0);
	assert_int_equal(sibling_offer(from, to, 1), OFFER_TAKEN);
	after = sibling_record(to, 1);
	assert_int_equal(after->index, 1);
	assert_int_equal(after->number, before.number);
	assert_int_equal(after->birth_generation, OLD);
	assert_int_equal(after->birth_worker, before.birth_worker);
	assert_int_equal(after->opened_us, before.opened_us);
	assert_int_equal(after->active_ms, before.active_ms);
	assert_int_equal(after->bytes_in, 5);
	assert_int_equal(after->bytes_out, 5);
	assert_memory_equal(&after->remote, &before.remote, sizeof(after->remote));
	assert_true(after->has_moved);
	siblings_assert_sole(&all, 2);
}

/* A stream of bytes by a pattern, between two descriptors of the test. */
struct stream {
	int from, to;
	size_t sent, got;
};
enum { SIZE = 3 << 20, STEP = 70000 };

/* Returns true while bytes are left to receive. */
static bool pump(struct stream *s)
{
	static unsigned char bytes[STEP];
	ssize_t n;

	for (size_t i = 0; i < STEP; i++)
		bytes[i] = sibling_services_byte(s->sent + i);
	n = s->sent < SIZE ? send(s->from, bytes, STEP, MSG_DONTWAIT | MSG_NOSIGNAL) : 0;
	s->sent += n > 0 ? (size_t)n : 0;
	if (n > 0)
		return true; /* all buffers fill first */
	n = recv(s->to, bytes, STEP, MSG_DONTWAIT);
	for (ssize_t i = 0; i < n; i++)
		if (bytes[i] != sibling_services_byte(s->got + (size_t)i))
			fail_msg("byte %zu is wrong", s->got + (size_t)i);
	s->got += n > 0 ? (size_t)n : 0;
	return s->sent < SIZE || s->got < s->sent;
}

/* To the next worker, and from the last one to the first. */
static void move_on(unsigned *at)
{
	unsigned next = (*at + 1) % SIBLINGS_MOST;

	assert_int_equal(sibling_offer(&all.list[*at], &all.list[next], 1), OFFER_TAKEN);
	*at = next;
}

static void stream__with_a_move_at_every_step__loses_no_byte(void **state)
{
	struct stream s = { 0 };
	unsigned at = 0;

	(void)state;
	for (unsigned i = 0; i < SIBLINGS_MOST; i++)
		(void)sibling_start(&all, i, OLD, "echo", NULL);
	s.from = s.to = sibling_connect(&all.list[0], 0);
	siblings_count_open(&all);
	while (pump(&s)) {
		siblings_settle(&all);
		move_on(&at);
	}
	siblings_assert_open(&all);
	siblings_assert_sole(&all, 1);
	shutdown(s.from, SHUT_WR);
	siblings_expect(&all, s.from, "", true);
	siblings_assert_sole(&all, 0);
}

static int connect_pair(struct sibling *w, int *upstream)
{
	int ends[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends),
			 0);
	*upstream = siblings_keep(&all, ends[1]);
	sibling_services.peer = ends[0];
	return sibling_connect(w, 0);
}

/* Neither side reads before both directions are full: all four buffers hold bytes. */
static void pair__with_all_buffers_full__goes_on_byte_for_byte(void **state)
{
	struct stream up = { 0 }, down;
	unsigned at = 0;
	bool is_going = true;

	(void)state;
	for (unsigned i = 0; i < SIBLINGS_MOST; i++)
		(void)sibling_start(&all, i, OLD, "pair", NULL);
	up.from = connect_pair(&all.list[0], &up.to);
	down = (struct stream){ up.to, up.from, 0, 0 };
	siblings_count_open(&all);
	while (is_going) {
		is_going = pump(&up);
		is_going = pump(&down) || is_going;
		siblings_settle(&all);
		move_on(&at);
	}
	siblings_assert_open(&all);
	siblings_assert_sole(&all, 1);
	shutdown(up.from, SHUT_WR);
	siblings_expect(&all, up.to, "", true);
	move_on(&at); /* with one direction ended */
	siblings_say(up.to, "late");
	siblings_expect(&all, up.from, "late", false);
	shutdown(up.to, SHUT_WR);
	siblings_expect(&all, up.from, "", true);
	siblings_assert_sole(&all, 0);
}

/* The file goes out before what the peer has sent, and moves with its offset. */
static void file__half_sent__moves_with_its_pair(void **state)
{
	static unsigned char bytes[STEP];
	int client, upstream;
	unsigned at = 0;
	size_t got = 0;

	(void)state;
	for (unsigned i = 0; i < SIBLINGS_MOST; i++)
		(void)sibling_start(&all, i, OLD, "pair", NULL);
	sibling_services.sends_file = true;
	client = connect_pair(&all.list[0], &upstream);
	siblings_say(upstream, "behind");
	siblings_count_open(&all);
	while (got < SIBLING_FILE_SIZE) {
		ssize_t n;

		siblings_settle(&all);
		move_on(&at);
		if (sibling_record(&all.list[at], 0)->file_left > 0)
			siblings_assert_open(&all);
		n = recv(client, bytes,
			 STEP < SIBLING_FILE_SIZE - got ? STEP : SIBLING_FILE_SIZE - got, 0);
		for (ssize_t i = 0; i < n; i++)
			assert_int_equal(bytes[i], sibling_services_byte(got + (size_t)i));
		got += n > 0 ? (size_t)n : 0;
	}
	siblings_expect(&all, client, "behind", false);
	all.open--; /* the file is sent */
	siblings_assert_open(&all);
	siblings_say(client, "back");
	siblings_expect(&all, upstream, "back", false);
	siblings_assert_sole(&all, 1);
}

static void message__cut_anywhere__goes_on_in_the_next_worker(void **state)
{
	static const char message[] = "\0\0\0\5hello";
	unsigned at = 0;
	int client;

	(void)state;
	for (unsigned i = 0; i < SIBLINGS_MOST; i++)
		(void)sibling_start(&all, i, OLD, "ack", "framing", "length", "reply", "ok", NULL);
	client = sibling_connect(&all.list[0], 0);
	for (size_t cut = 0; cut < sizeof(message); cut++) {
		char answer[16];

		assert_int_equal(send(client, message, cut, 0), cut);
		siblings_settle(&all);
		move_on(&at);
		assert_int_equal(send(client, message + cut, sizeof(message) - 1 - cut, 0),
				 sizeof(message) - 1 - cut);
		siblings_settle(&all);
		assert_int_equal(recv(client, answer, sizeof(answer), 0), 6);
		assert_memory_equal(answer, "\0\0\0\2ok", 6);
	}
	siblings_assert_sole(&all, 1);
}

/* Its epoll is the sender's only until it has moved. */
static void sender__whose_connection_has_moved__hears_no_more_of_it(void **state)
{
	struct sibling *from, *to;
	int client;

	(void)state;
	from = sibling_start(&all, 0, OLD, "echo", NULL);
	to = sibling_start(&all, 1, OLD, "echo", NULL);
	client = sibling_connect(from, 0);
	assert_int_equal(sibling_offer(from, to, 1), OFFER_TAKEN);
	siblings_say(client, "x");
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(poll(&(struct pollfd){ from->loop.epfd, POLLIN, 0 }, 1, 0), 0);
	siblings_expect(&all, client, "x", false);
}

static void lingering__connection__lingers_on_until_its_time(void **state)
{
	struct sibling *from, *to;
	enum close_reason why;
	struct record *r;
	char text[64];
	int client;

	(void)state;
	from = sibling_start(&all, 0, OLD, "daytime", "linger_timeout", "1h", NULL);
	to = sibling_start(&all, 1, OLD, "daytime", "linger_timeout", "1h", NULL);
	client = sibling_connect(from, 0);
	siblings_settle(&all);
	assert_true(recv(client, text, sizeof(text), 0) > 0);
	assert_int_equal(sibling_record(from, 0)->state, CONN_LINGERING);
	assert_int_equal(sibling_offer(from, to, 1), OFFER_TAKEN);
	r = sibling_record(to, 0);
	assert_int_equal(r->state, CONN_LINGERING);
	assert_int_equal(deadline_find(&to->pool, r, &why), r->active_ms + 3600 * 1000);
	assert_int_equal(to->pool.nodes[0].due_ms, r->active_ms + 3600 * 1000);
	assert_int_equal(why, CLOSE_service_finished);
	siblings_assert_sole(&all, 1);
	siblings_close(&all, client);
	siblings_settle(&all);
	siblings_assert_sole(&all, 0);
}

/* No deadline of today ends it earlier under other options, until bytes move. */
static void deadline__under_shorter_options__holds_until_bytes_move(void **state)
{
	struct sibling *from, *to;
	int64_t due_ms;
	int client;

	(void)state;
	from = sibling_start(&all, 0, OLD, "echo", "idle_timeout", "10h", NULL);
	to = sibling_start(&all, 1, NEW, "echo", "idle_timeout", "1h", NULL);
	client = sibling_connect(from, 0);
	due_ms = from->pool.nodes[0].due_ms;
	assert_int_equal(sibling_offer(from, to, 1), OFFER_TAKEN);
	assert_int_equal(to->pool.nodes[0].due_ms, due_ms);
	siblings_say(client, "x");
	siblings_expect(&all, client, "x", false);
	assert_int_equal(sibling_record(to, 0)->grace_ms, 0);
}

/* A reload refuses its address: it moves, and ends at its next message. */
static void barred__connection__ends_at_its_next_message(void **state)
{
	struct sibling *from, *to;
	int client;

	(void)state;
	from = sibling_start(&all, 0, OLD, "echo", NULL);
	to = sibling_start(&all, 1, NEW, "echo", "deny", "unix", NULL);
	client = sibling_connect(from, 0);
	assert_int_equal(sibling_offer(from, to, 1), OFFER_TAKEN);
	siblings_expect(&all, client, "", false);
	siblings_say(client, "x");
	siblings_expect(&all, client, "", true);
	siblings_close(&all, client);
	siblings_settle(&all);
	assert_int_equal(to->slot->tally.connections_ended_total[CLOSE_access_withdrawn], 1);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(idle__connections__move_together),
		CASE(identity__and_times__are_kept),
		CASE(stream__with_a_move_at_every_step__loses_no_byte),
		CASE(pair__with_all_buffers_full__goes_on_byte_for_byte),
		CASE(file__half_sent__moves_with_its_pair),
		CASE(message__cut_anywhere__goes_on_in_the_next_worker),
		CASE(sender__whose_connection_has_moved__hears_no_more_of_it),
		CASE(lingering__connection__lingers_on_until_its_time),
		CASE(deadline__under_shorter_options__holds_until_bytes_move),
		CASE(barred__connection__ends_at_its_next_message),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
