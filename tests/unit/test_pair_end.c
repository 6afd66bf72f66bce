/* SPDX-License-Identifier: MIT */
/* The ends of pairs: resets, verdicts, deadlines, draining, and room for others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <linux/sockios.h>
#include <string.h>

#include <cmocka.h>

#include "base/sys.h"
#include "unit/aftermath.h"
#include "unit/own_service.h"
#include "unit/paired.h"

enum { SLOW = 20000, HOUR_MS = 3600 * 1000 };

static void say(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* Fills one end's way until nothing more is taken; returns the bytes. */
static size_t fill(struct served *s, int fd)
{
	static char bytes[ARENA_BUF_SIZE];
	size_t sum = 0;
	ssize_t n;

	while ((n = send(fd, bytes, sizeof(bytes), MSG_NOSIGNAL)) > 0) {
		sum += (size_t)n;
		served_settle(s);
	}
	return sum;
}

/* True when the kernel of the other end has all that was sent. */
static bool is_delivered(int fd)
{
	int queued;

	assert_int_equal(ioctl(fd, SIOCOUTQ, &queued), 0);
	return queued == 0;
}

/* Bytes that came before the reset reach a slow reader, who then sees the reset and no end. */
static void reset_of_either_side__behind_bytes__is_passed_on_after_them(void **state)
{
	enum { SIZE = 400000 };

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct stream t;
		struct paired p;
		struct served s;
		int from, to;

		paired_start(&s, NULL);
		p = paired_connect_tcp(&s);
		from = i == 0 ? p.upstream : p.client;
		to = i == 0 ? p.client : p.upstream;
		stream_open(&t, from, to, SIZE, SLOW);
		while (t.out < SIZE || !is_delivered(from)) {
			stream_move(&t);
			served_settle(&s);
		}
		paired_reset(from);
		while (!stream_is_over(&t)) {
			served_settle(&s);
			stream_move(&t);
		}
		stream_close(&t);
		paired_expect_end(&s, to, ECONNRESET);
		assert_ended(&s, i == 0 ? CLOSE_upstream_reset : CLOSE_client_reset);
		close(to);
		served_stop(&s);
	}
}

static void reset_of_either_side__at_rest__is_passed_on(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct paired p;
		struct served s;

		paired_start(&s, NULL);
		p = paired_connect_tcp(&s);
		paired_reset(i == 0 ? p.upstream : p.client);
		paired_expect_end(&s, i == 0 ? p.client : p.upstream, ECONNRESET);
		assert_ended(&s, i == 0 ? CLOSE_upstream_reset : CLOSE_client_reset);
		close(i == 0 ? p.client : p.upstream);
		served_stop(&s);
	}
}

/* The peer answers before it has read everything, and goes: its answer is not lost. */
static void answer__of_a_peer_that_takes_no_more__reaches_the_client(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct paired p;
		struct served s;

		paired_start(&s, NULL);
		p = i == 0 ? paired_connect(&s) : paired_connect_tcp(&s);
		fill(&s, p.client);
		say(p.upstream, "answer");
		close(p.upstream);
		paired_expect(&s, p.client, "answer");
		paired_expect_end(&s, p.client, ECONNRESET);
		assert_ended(&s, CLOSE_upstream_reset);
		close(p.client);
		served_stop(&s);
	}
}

static bool drop_lost(struct conn *peer, enum verdict *verdict)
{
	conn_drop_peer(conn_client(peer));
	*verdict = FINISH;
	return true;
}

/* The buffer into which the worker tried to receive goes with it. */
static void lost_peer__that_the_service_drops__leaves_nothing(void **state)
{
	static const struct service dropper = {
		.name = "own", .has_pairs = true, .open = paired_attach, .lost = drop_lost
	};
	struct paired p;
	struct served s;

	(void)state;
	own_service(&dropper);
	served_start(&s, "own", "linger_timeout", "0", NULL);
	p = paired_connect_tcp(&s);
	paired_reset(p.upstream);
	paired_expect_end(&s, p.client, 0);
	assert_ended(&s, CLOSE_service_finished);
	close(p.client);
	served_stop(&s);
}

static const char *last_words; /* of the service to each side; set by a test */

static enum verdict say_to_both(struct conn *c)
{
	buf_put(&c->out, last_words, strlen(last_words));
	buf_put(&c->peer->out, last_words, strlen(last_words));
	return FINISH;
}

static enum verdict abort_both(struct conn *c)
{
	say_to_both(c);
	return ABORT;
}

static void finish__from_either_side__flushes_both_and_lingers_with_the_client(void **state)
{
	static const struct service finisher = {
		.name = "finisher", .has_pairs = true, .open = paired_attach, .input = say_to_both
	};

	(void)state;
	last_words = "bye";
	own_service(&finisher);
	for (unsigned i = 0; i < 2; i++) {
		struct paired p;
		struct served s;

		served_start(&s, "finisher", "linger_timeout", "1h", NULL);
		p = paired_connect(&s);
		say(i == 0 ? p.client : p.upstream, "x");
		served_expect(&s, p.client, "bye", true);
		served_expect(&s, p.upstream, "bye", true);
		assert_int_equal(s.pool.limit.total, 1);
		assert_int_equal(record(&s, 0)->state, CONN_LINGERING);
		assert_int_equal(record(&s, 0)->peer, 0);
		assert_int_equal(s.pool.records.high - s.pool.records.count, 1);
		paired_close(&p);
		served_settle(&s);
		assert_ended(&s, CLOSE_service_finished);
		served_stop(&s);
	}
}

/* The last words to the one side wait for a reader; the other side has gone meanwhile. */
static void finish__while_one_side_waits__is_not_cut_by_the_other(void **state)
{
	static const struct service finisher = {
		.name = "finisher", .has_pairs = true, .open = paired_attach, .input = say_to_both
	};
	static char text[ARENA_BUF_SIZE / 2], got[ARENA_BUF_SIZE];

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	last_words = text;
	own_service(&finisher);
	for (unsigned i = 0; i < 2; i++) {
		struct paired p;
		struct served s;
		bool ended;
		int small = 1;

		served_start(&s, "finisher", "linger_timeout", "1h", NULL);
		p = paired_connect(&s);
		setsockopt(record(&s, 0)->fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
		say(p.client, "x");
		say(p.upstream, "x");
		close(p.upstream);
		served_settle(&s);
		assert_int_equal(served_read(&s, p.client, got, sizeof(got), &ended),
				 sizeof(text) - 1);
		assert_true(ended);
		close(p.client);
		served_settle(&s);
		assert_ended(&s, CLOSE_service_finished);
		served_stop(&s);
	}
}

static void abort__from_either_side__ends_both_at_once(void **state)
{
	static const struct service aborter = {
		.name = "aborter", .has_pairs = true, .open = paired_attach, .input = abort_both
	};

	(void)state;
	last_words = "bye";
	own_service(&aborter);
	for (unsigned i = 0; i < 2; i++) {
		struct paired p;
		struct served s;
		char text[8];
		bool ended;

		served_start(&s, "aborter", NULL);
		p = paired_connect(&s);
		say(i == 0 ? p.client : p.upstream, "x");
		assert_int_equal(served_read(&s, p.client, text, sizeof(text), &ended), 0);
		assert_true(ended);
		assert_int_equal(served_read(&s, p.upstream, text, sizeof(text), &ended), 0);
		assert_true(ended);
		assert_ended(&s, CLOSE_service_finished);
		paired_close(&p);
		served_stop(&s);
	}
}

static void drain__of_a_pair_at_rest__ends_it__and_relays_what_has_come(void **state)
{
	static const char *const answers[][2] = {
		{ "", "" }, { "up", "" }, { "", "down" }, { "up", "down" }
	};

	(void)state;
	for (size_t i = 0; i < sizeof(answers) / sizeof(*answers); i++) {
		struct paired p;
		struct served s;

		paired_start(&s, "linger_timeout", "0", NULL);
		p = paired_connect(&s);
		say(p.client, "x");
		served_expect(&s, p.upstream, "x", false);
		say(p.client, answers[i][0]);
		say(p.upstream, answers[i][1]);
		dispatch_drain(&s.pool);
		served_expect(&s, p.upstream, answers[i][0], true);
		served_expect(&s, p.client, answers[i][1], true);
		assert_ended(&s, CLOSE_drained);
		paired_close(&p);
		served_stop(&s);
	}
}

static void room__is_made_by_a_pair_at_rest__and_not_by_one_with_an_answer(void **state)
{
	struct paired p[SERVED_PLACES];
	struct served s;

	(void)state;
	paired_start(&s, NULL);
	for (unsigned i = 0; i < SERVED_PLACES; i++)
		p[i] = paired_connect(&s);
	served_settle(&s);
	for (unsigned i = 0; i < SERVED_PLACES; i++)
		record(&s, 2 * i)->active_ms -= (int64_t)(SERVED_PLACES - i) * HOUR_MS;
	say(p[0].upstream, "answer");
	assert_true(make_room_for(&s.room, &s.pool, 0));
	served_expect(&s, p[0].client, "answer", false);
	served_expect(&s, p[1].client, "", true);
	served_expect(&s, p[1].upstream, "", true);
	assert_int_equal(s.slot.tally.connections_ended_total[CLOSE_made_room], 1);
	assert_int_equal(s.pool.limit.total, SERVED_PLACES - 1);
	for (unsigned i = 0; i < SERVED_PLACES; i++)
		paired_close(&p[i]);
	served_settle(&s);
	assert_nothing_left(&s, 0);
	served_stop(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reset_of_either_side__behind_bytes__is_passed_on_after_them),
		cmocka_unit_test(reset_of_either_side__at_rest__is_passed_on),
		cmocka_unit_test(answer__of_a_peer_that_takes_no_more__reaches_the_client),
		cmocka_unit_test(lost_peer__that_the_service_drops__leaves_nothing),
		cmocka_unit_test(
			finish__from_either_side__flushes_both_and_lingers_with_the_client),
		cmocka_unit_test(finish__while_one_side_waits__is_not_cut_by_the_other),
		cmocka_unit_test(abort__from_either_side__ends_both_at_once),
		cmocka_unit_test(drain__of_a_pair_at_rest__ends_it__and_relays_what_has_come),
		cmocka_unit_test(room__is_made_by_a_pair_at_rest__and_not_by_one_with_an_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
