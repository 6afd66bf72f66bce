/* SPDX-License-Identifier: MIT */
/*
 * Pairs: bytes and ends of streams pass through in both directions, and the two are one connection.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/sys.h"
#include "unit/aftermath.h"
#include "unit/logbook.h"
#include "unit/paired.h"

enum { BUFS_OF_A_PAIR = 4, FAST = 1 << 20, SLOW = 50000 };

/* Runs the streams until both are over, or this one has nothing to send and nothing to take. */
static void run_streams(struct served *s, struct stream *one, struct stream *other)
{
	while (!stream_is_over(one) || !stream_is_over(other)) {
		if (!stream_is_over(one))
			stream_move(one);
		if (!stream_is_over(other))
			stream_move(other);
		served_settle(s);
		assert_true(s->pool.bufs.high <= BUFS_OF_A_PAIR);
	}
}

static void relay__both_ways_with_slow_readers__loses_no_byte__and_memory_is_bounded(void **state)
{
	static const struct {
		size_t up, down;
	} steps[] = { { FAST, FAST }, { SLOW, FAST }, { FAST, SLOW }, { SLOW, SLOW } };

	(void)state;
	for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
		enum { SIZE = 4 << 20 };
		struct stream up, down;
		struct paired p;
		struct served s;

		paired_start(&s, NULL);
		p = i % 2 == 0 ? paired_connect(&s) : paired_connect_tcp(&s);
		stream_open(&up, p.client, p.upstream, SIZE, steps[i].up);
		stream_open(&down, p.upstream, p.client, SIZE, steps[i].down);
		run_streams(&s, &up, &down);
		stream_close(&up);
		stream_close(&down);
		assert_int_equal(served_metric(&s, METRIC_bytes_in_total), SIZE);
		assert_int_equal(served_metric(&s, METRIC_bytes_out_total), SIZE);
		assert_int_equal(s.pool.bufs.high, s.pool.bufs.count); /* at rest it holds none */
		paired_close(&p);
		served_settle(&s);
		assert_ended(&s, CLOSE_client_closed);
		served_stop(&s);
	}
}

static void end_of_the_client__reaches_the_peer__and_the_answer_comes_back(void **state)
{
	struct paired p;
	struct served s;

	(void)state;
	paired_start(&s, NULL);
	p = paired_connect(&s);
	served_send(&s, p.client, "question", 8);
	shutdown(p.client, SHUT_WR);
	served_expect(&s, p.upstream, "question", true);
	assert_int_equal(s.pool.limit.total, 1);
	served_send(&s, p.upstream, "answer", 6);
	served_expect(&s, p.client, "answer", false);
	shutdown(p.upstream, SHUT_WR);
	served_expect(&s, p.client, "", true);
	assert_ended(&s, CLOSE_client_closed);
	paired_close(&p);
	served_stop(&s);
}

static void end_of_the_peer__reaches_the_client__and_its_bytes_go_on(void **state)
{
	struct paired p;
	struct served s;

	(void)state;
	paired_start(&s, NULL);
	p = paired_connect(&s);
	served_send(&s, p.upstream, "greeting", 8);
	shutdown(p.upstream, SHUT_WR);
	served_expect(&s, p.client, "greeting", true);
	assert_int_equal(s.pool.limit.total, 1);
	served_send(&s, p.client, "report", 6);
	served_expect(&s, p.upstream, "report", false);
	shutdown(p.client, SHUT_WR);
	served_expect(&s, p.upstream, "", true);
	assert_ended(&s, CLOSE_client_closed);
	paired_close(&p);
	served_stop(&s);
}

static void both_ends__at_once__end_the_pair_after_their_bytes(void **state)
{
	struct paired p;
	struct served s;

	(void)state;
	paired_start(&s, NULL);
	p = paired_connect_tcp(&s);
	assert_int_equal(send(p.client, "up", 2, 0), 2);
	assert_int_equal(send(p.upstream, "down", 4, 0), 4);
	shutdown(p.client, SHUT_WR);
	shutdown(p.upstream, SHUT_WR);
	paired_expect(&s, p.client, "down");
	paired_expect_end(&s, p.client, 0);
	paired_expect(&s, p.upstream, "up");
	paired_expect_end(&s, p.upstream, 0);
	assert_ended(&s, CLOSE_client_closed);
	paired_close(&p);
	served_stop(&s);
}

/*
 * The side that answers after the end, and whether its worker dies or is told to exit in between.
 */
static void answer__that_comes_long_after_the_end__is_relayed(void **state)
{
	enum { SIZE = 4 << 20, CASES = 6 };

	(void)state;
	for (unsigned i = 0; i < CASES; i++) {
		struct stream question, answer;
		struct recovery r;
		struct paired p;
		struct served s;
		int asks, answers;

		paired_start(&s, "idle_timeout", "off", NULL);
		p = paired_connect(&s);
		asks = i % 2 == 0 ? p.client : p.upstream;
		answers = i % 2 == 0 ? p.upstream : p.client;
		stream_open(&question, asks, answers, SIZE, SLOW);
		stream_open(&answer, answers, asks, SIZE, SLOW);
		while (question.out < SIZE) {
			stream_move(&question);
			served_settle(&s);
		}
		shutdown(asks, SHUT_WR);
		while (!stream_is_over(&question)) {
			stream_move(&question);
			served_settle(&s);
		}
		served_expect(&s, answers, "", true);
		if (i / 2 == 1)
			served_recover(&s, &r);
		if (i / 2 == 2)
			dispatch_drain(&s.pool);
		served_settle(&s);
		run_streams(&s, &question, &answer);
		shutdown(answers, SHUT_WR);
		served_expect(&s, asks, "", true);
		stream_close(&question);
		stream_close(&answer);
		assert_ended(&s, CLOSE_client_closed);
		paired_close(&p);
		served_stop(&s);
	}
}

/* What comes from one side while the other ends its stream towards a reader that takes nothing. */
static void end__behind_bytes_that_wait__comes_after_them(void **state)
{
	enum { SIZE = 1 << 20 };
	struct stream down;
	struct paired p;
	struct served s;

	(void)state;
	paired_start(&s, NULL);
	p = paired_connect(&s);
	stream_open(&down, p.upstream, p.client, SIZE, SLOW);
	while (down.out < SIZE) {
		stream_move(&down);
		served_settle(&s);
	}
	close(p.upstream);
	served_settle(&s); /* the hang-up is not reported for ever */
	while (!stream_is_over(&down)) {
		stream_move(&down);
		served_settle(&s);
	}
	stream_close(&down);
	served_expect(&s, p.client, "", true);
	close(p.client);
	served_settle(&s);
	assert_ended(&s, CLOSE_client_closed);
	served_stop(&s);
}

static void pairs__as_many_as_connections__have_a_place_each(void **state)
{
	struct paired p[SERVED_PLACES];
	struct served s;

	(void)state;
	paired_start(&s, NULL);
	for (unsigned i = 0; i < SERVED_PLACES; i++) {
		assert_true(conn_limit_has(&s.pool.limit, 0));
		p[i] = paired_connect(&s);
	}
	assert_false(conn_limit_has(&s.pool.limit, 0));
	assert_int_equal(s.pool.limit.total, SERVED_PLACES);
	assert_int_equal(s.slot.live, SERVED_PLACES);
	assert_int_equal(served_metric(&s, METRIC_connections_live), SERVED_PLACES);
	for (unsigned i = 0; i < SERVED_PLACES; i++) {
		served_send(&s, p[i].client, "up", 2);
		served_expect(&s, p[i].upstream, "up", false);
	}
	for (unsigned i = 0; i < SERVED_PLACES; i++)
		paired_close(&p[i]);
	served_settle(&s);
	assert_nothing_left(&s, 0);
	assert_int_equal(served_metric(&s, METRIC_connections_ended_total), SERVED_PLACES);
	served_stop(&s);
}

static void pair__has_one_line__with_the_bytes_of_its_client(void **state)
{
	struct paired p;
	struct served s;

	(void)state;
	logbook_set_up(state);
	logbook_open(logbook_path, LOG_TEXT);
	paired_start(&s, NULL);
	p = paired_connect(&s);
	served_send(&s, p.client, "up", 2);
	served_expect(&s, p.upstream, "up", false);
	served_send(&s, p.upstream, "answer", 6);
	served_expect(&s, p.client, "answer", false);
	paired_close(&p);
	served_settle(&s);
	logbook_expect(&s, " service=relay ", " bytes_in=2 bytes_out=6 messages=0 ",
		       " ending=client_closed state=--\n", NULL);
	assert_lines(&s, 1, 0, 0);
	served_stop(&s);
	logbook_tear_down(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			relay__both_ways_with_slow_readers__loses_no_byte__and_memory_is_bounded),
		cmocka_unit_test(end_of_the_client__reaches_the_peer__and_the_answer_comes_back),
		cmocka_unit_test(end_of_the_peer__reaches_the_client__and_its_bytes_go_on),
		cmocka_unit_test(both_ends__at_once__end_the_pair_after_their_bytes),
		cmocka_unit_test(answer__that_comes_long_after_the_end__is_relayed),
		cmocka_unit_test(end__behind_bytes_that_wait__comes_after_them),
		cmocka_unit_test(pairs__as_many_as_connections__have_a_place_each),
		cmocka_unit_test(pair__has_one_line__with_the_bytes_of_its_client),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
