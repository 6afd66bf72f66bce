/* SPDX-License-Identifier: MIT */
/* Flow control: when the worker reads from a connection, and what epoll reports of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/sys.h"
#include "unit/aftermath.h"
#include "unit/own_service.h"
#include "unit/paired.h"
#include "worker/pair/pair.h"

enum { HOUR_MS = 3600 * 1000, SLOW = 50000 };

static enum conn_flow wanted_flow; /* what open sets; set by a test */

static enum verdict set_flow(struct conn *c)
{
	conn_set_flow(c, wanted_flow);
	return MORE;
}

/* Returns what comes, once the last answer has gone out. */
static enum verdict return_input(struct conn *c)
{
	struct buf full = c->in;

	if (conn_has_output(c))
		return MORE;
	c->in = c->out;
	c->out = full;
	return conn_in_ended(c) ? FINISH : MORE;
}

static const struct service echo = { .name = "own", .open = set_flow, .input = return_input };

static void start(struct served *s, const struct service *service, enum conn_flow flow)
{
	wanted_flow = flow;
	own_service(service);
	served_start(s, "own", "linger_timeout", "0", "idle_timeout", "off", NULL);
}

static uint32_t used(const struct record_buf *b)
{
	return b->end - b->start;
}

/* Sends until the server takes no more. */
static void fill(struct served *s, struct stream *t)
{
	ssize_t n;

	while ((n = send(t->from, (char *)t->sent + t->out, t->size - t->out, MSG_NOSIGNAL)) > 0) {
		t->out += (size_t)n;
		served_settle(s);
	}
	assert_true(t->out < t->size);
}

static void reading__while_output_waits__goes_as_far_as_the_flow_says(void **state)
{
	static const struct {
		enum conn_flow flow;
		uint32_t input;
	} rows[] = { { FLOW_BOUNDED, 0 }, { FLOW_FREE, ARENA_BUF_SIZE } };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		enum { SIZE = 4 << 20 };
		struct stream t;
		struct served s;
		int client;

		start(&s, &echo, rows[i].flow);
		client = served_connect(&s);
		stream_open(&t, client, client, SIZE, SLOW);
		fill(&s, &t);
		assert_true(used(&record(&s, 0)->out) > 0);
		assert_int_equal(used(&record(&s, 0)->in), rows[i].input);
		assert_true(s.pool.bufs.high <= 2);
		while (!stream_is_over(&t)) {
			stream_move(&t);
			served_settle(&s);
			assert_true(s.pool.bufs.high <= 2);
		}
		stream_close(&t);
		close(client);
		served_settle(&s);
		assert_ended(&s, CLOSE_client_closed);
		served_stop(&s);
	}
}

/* The end of the client's stream is known before its last answer has gone out. */
static void end__while_output_waits__ends_it_after_all_of_it(void **state)
{
	static char bytes[1 << 20], got[1 << 20];
	size_t out = 0, in = 0;
	struct served s;
	bool ended;
	ssize_t n;
	int client;

	(void)state;
	start(&s, &echo, FLOW_FREE);
	client = served_connect(&s);
	while (used(&record(&s, 0)->out) == 0) {
		n = send(client, bytes, SLOW, MSG_NOSIGNAL);
		assert_true(n > 0);
		out += (size_t)n;
		served_settle(&s);
	}
	shutdown(client, SHUT_WR);
	served_settle(&s);
	assert_true(record(&s, 0)->in_ended);
	in = served_read(&s, client, got, sizeof(got), &ended);
	assert_int_equal(in, out);
	assert_true(ended);
	assert_ended(&s, CLOSE_client_closed);
	close(client);
	served_stop(&s);
}

static enum verdict read_again(struct conn *c)
{
	conn_set_flow(c, FLOW_BOUNDED);
	return MORE;
}

static enum verdict pause_for_an_hour(struct conn *c)
{
	conn_set_flow(c, FLOW_PAUSED);
	conn_set_deadline(c, HOUR_MS);
	return return_input(c);
}

static const struct service pauser = { .name = "own",
				       .input = pause_for_an_hour,
				       .expired = read_again };

static void paused__reads_nothing_until_set_back(void **state)
{
	struct recovery r;
	struct served s;
	int client;

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		start(&s, &pauser, FLOW_BOUNDED);
		client = served_connect(&s);
		served_send(&s, client, "one", 3);
		served_expect(&s, client, "one", false);
		served_send(&s, client, "two", 3);
		served_expect(&s, client, "", false);
		assert_int_equal(record(&s, 0)->bytes_in, 3);
		if (i == 1)
			served_recover(&s, &r);
		served_expect(&s, client, "", false);
		served_pass(&s, 1);
		served_expect(&s, client, "two", false);
		close(client);
		served_pass(&s, 1);
		served_settle(&s);
		assert_nothing_left(&s, 0);
		served_stop(&s);
	}
}

static void paused__client_that_goes__is_noticed(void **state)
{
	struct served s;
	int client;

	(void)state;
	start(&s, &pauser, FLOW_BOUNDED);
	client = served_connect(&s);
	served_send(&s, client, "one", 3);
	served_expect(&s, client, "one", false);
	close(client);
	served_settle(&s);
	assert_ended(&s, CLOSE_client_reset);
	served_stop(&s);
}

static enum verdict attach_and_pause(struct conn *c)
{
	enum verdict verdict = paired_attach(c);

	conn_set_flow(c, FLOW_PAUSED);
	return verdict;
}

static enum verdict relay_and_read(struct conn *c)
{
	conn_set_flow(conn_client(c), FLOW_BOUNDED);
	return pair_relay(c);
}

/* The peer's first word sets the client free. */
static void paused__side_of_a_pair__is_set_back_by_the_other(void **state)
{
	static const struct service waiter = {
		.name = "own", .has_pairs = true, .open = attach_and_pause, .input = relay_and_read
	};
	struct paired p;
	struct served s;

	(void)state;
	start(&s, &waiter, FLOW_BOUNDED);
	p = paired_connect(&s);
	served_send(&s, p.client, "early", 5);
	served_expect(&s, p.upstream, "", false);
	assert_int_equal(record(&s, 0)->bytes_in, 0);
	served_send(&s, p.upstream, "go", 2);
	served_expect(&s, p.client, "go", false);
	served_expect(&s, p.upstream, "early", false);
	paired_close(&p);
	served_settle(&s);
	assert_ended(&s, CLOSE_client_closed);
	served_stop(&s);
}

static enum verdict attach_and_free_peer(struct conn *c)
{
	enum verdict verdict = paired_attach(c);

	conn_set_flow(c->peer, FLOW_FREE);
	return verdict;
}

/* The peer's end is known while bytes before it wait, and they go out with the share spent. */
static void end__behind_a_spent_share__is_passed_on(void **state)
{
	static const struct service freer = { .name = "own",
					      .has_pairs = true,
					      .open = attach_and_free_peer };
	static char bytes[1 << 20], got[1 << 20];
	struct paired p, other;
	struct served s;
	size_t in, out = 0;
	bool ended;

	(void)state;
	start(&s, &freer, FLOW_BOUNDED);
	p = paired_connect(&s);
	other = paired_connect(&s);
	while (used(&record(&s, 0)->out) == 0) {
		ssize_t n = send(p.upstream, bytes, SLOW, MSG_NOSIGNAL);

		assert_true(n > 0);
		out += (size_t)n;
		served_settle(&s);
	}
	shutdown(p.upstream, SHUT_WR);
	served_settle(&s);
	assert_true(record(&s, 1)->in_ended);
	assert_int_equal(record(&s, 0)->output, OUTPUT_OPEN);
	in = (size_t)recv(p.client, got, sizeof(got), 0);
	ring_push(&s.pool.queue, 2); /* another waits: a small share is all */
	assert_true(loop_turn(&s.loop, 0));
	assert_true(record(&s, 0)->is_unfinished);
	in += served_read(&s, p.client, got, sizeof(got), &ended);
	assert_int_equal(in, out);
	assert_true(ended);
	paired_close(&p);
	paired_close(&other);
	served_settle(&s);
	assert_nothing_left(&s, 0);
	served_stop(&s);
}

/* Each of these the record may say at a death, whatever epoll has. */
static void record__that_tells_other_events_than_epoll_has__is_set_right(void **state)
{
	static const uint16_t lies[] = { 0,        EPOLLIN,
					 EPOLLOUT, EPOLLIN | EPOLLOUT,
					 EPOLLERR, RECORD_WATCH_UNKNOWN };
	enum { SIZE = 1 << 20 };

	(void)state;
	for (size_t i = 0; i < sizeof(lies) / sizeof(*lies); i++) {
		struct recovery r;
		struct stream t;
		struct served s;
		int client;

		start(&s, &echo, FLOW_FREE);
		client = served_connect(&s);
		stream_open(&t, client, client, SIZE, SLOW);
		while (!stream_is_over(&t)) {
			stream_move(&t);
			served_settle(&s);
			record(&s, 0)->watched = lies[i];
			served_recover(&s, &r);
			recovery_passed(s.pool.arena);
			assert_counts(&r, 1, 0, 0);
		}
		stream_close(&t);
		close(client);
		served_settle(&s);
		assert_ended(&s, CLOSE_client_closed);
		served_stop(&s);
	}
}

/* Epoll reports what the record does not say: it was changed after the record was written. */
static void events__that_the_record_does_not_say__are_set_right(void **state)
{
	struct served s;
	int client;

	(void)state;
	start(&s, &pauser, FLOW_BOUNDED);
	client = served_connect(&s);
	served_send(&s, client, "one", 3);
	served_expect(&s, client, "one", false);
	assert_int_equal(record(&s, 0)->watched, EPOLLERR);
	assert_true(loop_tag(&s.loop, EPOLL_CTL_MOD, record(&s, 0)->fd, EPOLLIN | EPOLLOUT,
			     pool_tag(record(&s, 0))));
	served_send(&s, client, "two", 3);
	served_settle(&s); /* it is not reported for ever */
	assert_int_equal(record(&s, 0)->bytes_in, 3);
	assert_true(s.loop.strays > 0);
	close(client);
	served_settle(&s);
	assert_nothing_left(&s, 0);
	served_stop(&s);
}

static void epoll__that_is_lost__is_filled_anew(void **state)
{
	enum { SIZE = 1 << 20 };
	struct recovery r;
	struct stream t;
	struct served s;
	int client, resting;

	(void)state;
	start(&s, &echo, FLOW_FREE);
	resting = served_connect(&s);
	client = served_connect(&s);
	stream_open(&t, client, client, SIZE, SLOW);
	while (!stream_is_over(&t)) {
		stream_move(&t);
		served_settle(&s);
		s.loses_epoll = true;
		served_recover(&s, &r);
		recovery_passed(s.pool.arena);
		assert_counts(&r, 2, 0, 0);
	}
	stream_close(&t);
	served_send(&s, resting, "on", 2);
	served_expect(&s, resting, "on", false);
	close(client);
	close(resting);
	served_settle(&s);
	assert_nothing_left(&s, 0);
	served_stop(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reading__while_output_waits__goes_as_far_as_the_flow_says),
		cmocka_unit_test(end__while_output_waits__ends_it_after_all_of_it),
		cmocka_unit_test(paused__reads_nothing_until_set_back),
		cmocka_unit_test(paused__client_that_goes__is_noticed),
		cmocka_unit_test(paused__side_of_a_pair__is_set_back_by_the_other),
		cmocka_unit_test(end__behind_a_spent_share__is_passed_on),
		cmocka_unit_test(record__that_tells_other_events_than_epoll_has__is_set_right),
		cmocka_unit_test(events__that_the_record_does_not_say__are_set_right),
		cmocka_unit_test(epoll__that_is_lost__is_filled_anew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
