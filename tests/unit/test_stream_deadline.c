/* SPDX-License-Identifier: MIT */
/* The deadlines of streams: silence, half-closes, and sides that take nothing. */
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

enum { HOUR_MS = 3600 * 1000, LITTLE = 70000 };

static const struct service stream = {
	.name = "stream", .has_pairs = true, .is_stream = true, .open = paired_attach
};

/* Hours; 0: never. The listener's own idle_timeout is shorter, and must not count. */
static void start_without_pair(struct served *s, int64_t idle, int64_t half_close)
{
	own_service(&stream);
	served_start(s, "stream", "message_timeout", "10h", "idle_timeout", "1h", "linger_timeout",
		     "0", NULL);
	s->pool.streams[0] = (struct stream_timeouts){ idle * HOUR_MS, half_close * HOUR_MS };
}

static void start(struct served *s, struct paired *p, int64_t idle, int64_t half_close)
{
	start_without_pair(s, idle, half_close);
	*p = paired_connect_tcp(s);
}

static void assert_open(const struct served *s)
{
	assert_int_equal(s->pool.limit.total, 1);
}

static void assert_stream_ended(struct served *s, const struct paired *p, enum close_reason reason)
{
	assert_ended(s, reason);
	paired_close(p);
	served_stop(s);
}

static void say(struct served *s, int from, int to)
{
	served_send(s, from, "word", 4);
	paired_expect(s, to, "word");
}

static void silence__of_both_sides__ends_a_stream_after_idle_timeout(void **state)
{
	struct paired p;
	struct served s;

	(void)state;
	start(&s, &p, 20, 5);
	served_pass(&s, 19);
	assert_open(&s);
	say(&s, p.client, p.upstream);
	served_pass(&s, 19);
	assert_open(&s);
	say(&s, p.upstream, p.client); /* either direction counts */
	served_pass(&s, 19);
	assert_open(&s);
	served_pass(&s, 2);
	assert_stream_ended(&s, &p, CLOSE_idle_timeout);
}

static void silence__without_idle_timeout__ends_nothing(void **state)
{
	struct paired p;
	struct served s;

	(void)state;
	start(&s, &p, 0, 5);
	served_pass(&s, 10000);
	assert_open(&s);
	say(&s, p.client, p.upstream);
	served_send(&s, p.upstream, "", 0);
	paired_close(&p);
	served_settle(&s);
	assert_nothing_left(&s, 0);
	served_stop(&s);
}

static void half_closed__stream__has_a_time_of_its_own(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct paired p;
		struct served s;
		int ends, other;

		start(&s, &p, 100, 5);
		ends = i == 0 ? p.client : p.upstream;
		other = i == 0 ? p.upstream : p.client;
		served_pass(&s, 4);
		shutdown(ends, SHUT_WR);
		paired_expect_end(&s, other, 0);
		served_pass(&s, 0.5);
		assert_open(&s);
		say(&s, other, ends); /* it is not silent */
		served_pass(&s, 4);
		assert_open(&s);
		say(&s, other, ends);
		served_pass(&s, 4);
		assert_open(&s);
		served_pass(&s, 2);
		assert_stream_ended(&s, &p, CLOSE_half_close_timeout);
	}
}

static void half_closed__stream_without_a_time__stays(void **state)
{
	struct paired p;
	struct served s;

	(void)state;
	start(&s, &p, 5, 0);
	shutdown(p.client, SHUT_WR);
	paired_expect_end(&s, p.upstream, 0);
	served_pass(&s, 1000);
	assert_open(&s);
	say(&s, p.upstream, p.client);
	paired_close(&p);
	served_settle(&s);
	assert_nothing_left(&s, 0);
	served_stop(&s);
}

/* The dead worker's timers are gone; the records say since when. */
static void deadlines__over_a_crash__go_on(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct recovery r;
		struct paired p;
		struct served s;

		start(&s, &p, 20, 5);
		if (i == 1) {
			shutdown(p.client, SHUT_WR);
			paired_expect_end(&s, p.upstream, 0);
		}
		served_pass(&s, i == 0 ? 19 : 4);
		served_recover(&s, &r);
		assert_counts(&r, 1, 0, 0);
		s.pool.streams[0] = (struct stream_timeouts){ 20 * HOUR_MS, 5 * HOUR_MS };
		dispatch_watch_all(&s.pool);
		assert_open(&s);
		served_pass(&s, 2);
		assert_stream_ended(&s, &p, i == 0 ? CLOSE_idle_timeout : CLOSE_half_close_timeout);
	}
}

/* Until bytes wait for the side that does not take them. */
static void fill(struct served *s, int from, const struct record *taker)
{
	static char bytes[1 << 16];

	while (!record_has_output(taker)) {
		(void)!send(from, bytes, sizeof(bytes), MSG_NOSIGNAL);
		served_settle(s);
	}
}

static void stalled__side__is_cut_off_by_message_timeout(void **state)
{
	static char bytes[1 << 16];

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct paired p;
		struct served s;
		struct paired_way way;

		start(&s, &p, 1, 1);
		way = paired_way(&s, &p, i);
		fill(&s, way.from, way.taker);
		served_pass(&s, 9); /* longer than the time of silence */
		assert_open(&s);
		while (recv(way.to, bytes, sizeof(bytes), 0) > 0)
			served_settle(&s);
		fill(&s, way.from, way.taker);
		served_pass(&s, 1); /* what has arrived since is seen: that was progress */
		served_pass(&s, 9);
		assert_open(&s);
		served_pass(&s, 2);
		assert_stream_ended(&s, &p, i == 0 ? CLOSE_upstream_stalled : CLOSE_send_timeout);
	}
}

/* The kernel has room, but so little that it does not report it: what was taken counts. */
static void side__that_takes_little__is_not_cut_off(void **state)
{
	static char bytes[LITTLE];

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct paired p;
		struct served s;
		struct paired_way way;

		start_without_pair(&s, 1, 1);
		p = paired_connect(&s);
		way = paired_way(&s, &p, i);
		fill(&s, way.from, way.taker);
		assert_int_equal(recv(way.to, bytes, LITTLE, 0), LITTLE);
		assert_false(poll(&(struct pollfd){ .fd = way.taker->fd, .events = POLLOUT }, 1,
				  0) == 1);
		served_pass(&s, 9);
		served_pass(&s, 9);
		assert_open(&s);
		served_pass(&s, 2);
		assert_nothing_left(&s, 0);
		paired_close(&p);
		served_stop(&s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(silence__of_both_sides__ends_a_stream_after_idle_timeout),
		cmocka_unit_test(silence__without_idle_timeout__ends_nothing),
		cmocka_unit_test(half_closed__stream__has_a_time_of_its_own),
		cmocka_unit_test(half_closed__stream_without_a_time__stays),
		cmocka_unit_test(deadlines__over_a_crash__go_on),
		cmocka_unit_test(stalled__side__is_cut_off_by_message_timeout),
		cmocka_unit_test(side__that_takes_little__is_not_cut_off),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
