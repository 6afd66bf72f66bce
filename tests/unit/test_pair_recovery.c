/* SPDX-License-Identifier: MIT */
/*
 * Pairs over the death of their worker: both sides go on, or both go, and count as one connection.
 */
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

enum { SLOW = 50000 };

static void assert_relays(struct served *s, const struct paired *p)
{
	served_send(s, p->client, "up", 2);
	paired_expect(s, p->upstream, "up");
	served_send(s, p->upstream, "down", 4);
	paired_expect(s, p->client, "down");
}

static void idle_pair__after_a_crash__relays_on(void **state)
{
	struct recovery r;
	struct paired p;
	struct served s;

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		paired_start(&s, NULL);
		p = paired_connect(&s);
		s.loses_epoll = i == 1;
		served_recover(&s, &r);
		assert_counts(&r, 1, 0, 0);
		assert_int_equal(s.pool.limit.total, 1);
		assert_int_equal(s.slot.live, 1);
		assert_relays(&s, &p);
		paired_close(&p);
		served_settle(&s);
		assert_nothing_left(&s, 0);
		served_stop(&s);
	}
}

/* Crashes while bytes wait in every place where bytes of either direction can wait. */
static void streams__both_ways_with_a_crash_at_every_step__lose_no_byte(void **state)
{
	enum { SIZE = 1 << 20 };

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		struct stream up, down;
		struct recovery r;
		struct paired p;
		struct served s;

		paired_start(&s, NULL);
		p = i % 2 == 0 ? paired_connect(&s) : paired_connect_tcp(&s);
		stream_open(&up, p.client, p.upstream, SIZE, SLOW);
		stream_open(&down, p.upstream, p.client, SIZE, SLOW);
		while (!stream_is_over(&up) || !stream_is_over(&down)) {
			if (!stream_is_over(&up))
				stream_move(&up);
			if (!stream_is_over(&down))
				stream_move(&down);
			served_settle(&s);
			s.loses_epoll = i / 2 == 1;
			served_recover(&s, &r);
			recovery_passed(s.pool.arena);
			assert_counts(&r, 1, 0, 0);
		}
		stream_close(&up);
		stream_close(&down);
		assert_relays(&s, &p);
		paired_close(&p);
		served_settle(&s);
		assert_nothing_left(&s, 0);
		served_stop(&s);
	}
}

static void pair__in_hand__is_lost_with_both_sides_and_counted_once(void **state)
{
	struct recovery r;
	struct paired p[3];
	struct served s;

	(void)state;
	paired_start(&s, NULL);
	for (unsigned i = 0; i < 3; i++)
		p[i] = paired_connect(&s);
	pool_take_in_hand(&s.pool, 2);
	served_recover(&s, &r);
	assert_counts(&r, 2, 1, 0);
	assert_int_equal(s.pool.limit.total, 2);
	assert_int_equal(s.pool.records.count, 2);
	served_expect(&s, p[1].client, "", true);
	served_expect(&s, p[1].upstream, "", true);
	assert_relays(&s, &p[0]);
	assert_relays(&s, &p[2]);
	for (unsigned i = 0; i < 3; i++)
		paired_close(&p[i]);
	served_settle(&s);
	assert_nothing_left(&s, 1);
	served_stop(&s);
}

/* An end would pass for that of the whole stream; one that went out before the crash stays. */
static void stream__in_hand__is_reset_but_where_its_end_went_out(void **state)
{
	static const struct service cut = {
		.name = "cut", .has_pairs = true, .is_stream = true, .open = paired_attach
	};
	struct recovery r;
	struct paired p;
	struct served s;

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		bool has_ended = i == 1;

		own_service(&cut);
		served_start(&s, "cut", NULL);
		p = paired_connect_tcp(&s);
		served_send(&s, p.client, "up", 2);
		paired_expect(&s, p.upstream, "up");
		if (has_ended) {
			assert_int_equal(shutdown(p.client, SHUT_WR), 0);
			paired_expect_end(&s, p.upstream, 0);
		}
		pool_take_in_hand(&s.pool, 0);
		served_recover(&s, &r);
		assert_counts(&r, 0, 1, 0);
		paired_expect_end(&s, p.client, ECONNRESET);
		if (!has_ended)
			paired_expect_end(&s, p.upstream, ECONNRESET);
		paired_close(&p);
		assert_nothing_left(&s, 1);
		served_stop(&s);
	}
}

static bool is_cut;

static bool looks_whole(const struct conn *c)
{
	(void)c;
	return is_cut;
}

/* So would the end of an answer that has neither a length nor chunks, until it went out. */
static void answer__in_hand__is_reset_where_it_looks_whole(void **state)
{
	static const struct service answers = { .name = "answers", .looks_whole = looks_whole };
	static const struct {
		bool is_cut, lingers;
		int error;
	} rows[] = { { true, false, ECONNRESET }, { false, false, 0 }, { true, true, 0 } };

	(void)state;
	own_service(&answers);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct recovery r;
		struct served s;
		int ends[2];

		is_cut = rows[i].is_cut;
		served_start(&s, "answers", NULL);
		paired_tcp(ends);
		served_accept(&s, ends[0]);
		if (rows[i].lingers) {
			record(&s, 0)->state = CONN_LINGERING;
			record(&s, 0)->ending = CLOSE_service_finished;
		}
		pool_take_in_hand(&s.pool, 0);
		served_recover(&s, &r);
		assert_counts(&r, 0, 1, 0);
		paired_expect_end(&s, ends[1], rows[i].error);
		close(ends[1]);
		assert_nothing_left(&s, 1);
		served_stop(&s);
	}
}

/* The worker died in pair_attach: the peer's record is written, and the client does not name it. */
static void peer__half_attached__goes_with_its_client_in_hand(void **state)
{
	struct recovery r;
	struct paired p;
	struct served s;

	(void)state;
	paired_start(&s, NULL);
	p = paired_connect(&s);
	record(&s, 0)->peer = 0;
	pool_take_in_hand(&s.pool, 0);
	served_recover(&s, &r);
	assert_counts(&r, 0, 1, 0);
	served_expect(&s, p.upstream, "", true);
	assert_nothing_left(&s, 1);
	paired_close(&p);
	served_stop(&s);
}

static enum verdict attach_and_relay(struct conn *c)
{
	if (!c->peer && conn_in_ended(c))
		return FINISH;
	if (!c->peer)
		paired_attach(c);
	return pair_relay(c);
}

/*
 * No system call has been made for the descriptor until the new epoll takes it in. The peer's
 * record comes before the client's or after it.
 */
static void descriptor__that_the_new_epoll_refuses__ends_the_pair_once(void **state)
{
	static const struct service later = { .name = "later",
					      .has_pairs = true,
					      .input = attach_and_relay };

	(void)state;
	own_service(&later);
	for (unsigned i = 0; i < 4; i++) {
		uint32_t client = i / 2, peer = 1 - client;
		struct recovery r;
		struct paired p;
		struct served s;
		int first;

		served_start(&s, "later", NULL);
		first = client == 1 ? served_connect(&s) : -1;
		p = paired_connect(&s);
		if (first >= 0)
			close(first);
		served_settle(&s);
		served_send(&s, p.client, "x", 1);
		served_expect(&s, p.upstream, "x", false);
		assert_int_equal(record(&s, client)->peer, peer + 1);
		record(&s, i % 2 == 0 ? client : peer)->fd = INT32_MAX;
		s.loses_epoll = true;
		served_recover(&s, &r);
		assert_counts(&r, 1, 0, 0);
		assert_int_equal(s.pool.limit.total, 0);
		assert_int_equal(s.slot.tally.connections_ended_total[CLOSE_system_error], 1);
		dispatch_end_turn(&s.pool);
		served_expect(&s, i % 2 == 0 ? p.upstream : p.client, "", true);
		assert_nothing_left(&s, 0);
		paired_close(&p);
		served_stop(&s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(idle_pair__after_a_crash__relays_on),
		cmocka_unit_test(streams__both_ways_with_a_crash_at_every_step__lose_no_byte),
		cmocka_unit_test(pair__in_hand__is_lost_with_both_sides_and_counted_once),
		cmocka_unit_test(stream__in_hand__is_reset_but_where_its_end_went_out),
		cmocka_unit_test(answer__in_hand__is_reset_where_it_looks_whole),
		cmocka_unit_test(peer__half_attached__goes_with_its_client_in_hand),
		cmocka_unit_test(descriptor__that_the_new_epoll_refuses__ends_the_pair_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
