/* SPDX-License-Identifier: MIT */
/* The deadlines of pairs: of sides that take nothing, of silence, and of their service. */
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

static void side__that_takes_nothing__is_cut_off(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct paired p;
		struct served s;

		paired_start(&s, "message_timeout", "10h", "idle_timeout", "1h", NULL);
		p = paired_connect(&s);
		fill(&s, i == 0 ? p.client : p.upstream);
		served_pass(&s, 9);
		assert_int_equal(s.pool.limit.total, 1);
		served_pass(&s, 2);
		assert_ended(&s, i == 0 ? CLOSE_upstream_stalled : CLOSE_send_timeout);
		paired_close(&p);
		served_stop(&s);
	}
}

/* Bytes are lost: neither side takes its end for the end of the whole stream. */
static void sides__one_of_which_takes_nothing__are_reset(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct paired p;
		struct served s;
		struct paired_way way;

		paired_start(&s, "message_timeout", "10h", "idle_timeout", "1h", NULL);
		p = paired_connect_tcp(&s);
		way = paired_way(&s, &p, i);
		while (fill(&s, way.from) > 0)
			;
		served_pass(&s, 11);
		assert_ended(&s, i == 0 ? CLOSE_upstream_stalled : CLOSE_send_timeout);
		paired_expect_end(&s, way.from, ECONNRESET);
		errno = 0;
		while (recv(way.to, (char[ARENA_BUF_SIZE]){ 0 }, ARENA_BUF_SIZE, 0) > 0)
			;
		assert_int_equal(errno, ECONNRESET);
		paired_close(&p);
		served_stop(&s);
	}
}

/* The way is never empty, but bytes move: no deadline passes. */
static void side__that_takes_slowly__is_not_cut_off(void **state)
{
	static char bytes[ARENA_BUF_SIZE];

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct paired p;
		struct served s;
		struct paired_way way;

		paired_start(&s, "message_timeout", "10h", "idle_timeout", "1h", NULL);
		p = paired_connect(&s);
		way = paired_way(&s, &p, i);
		for (unsigned k = 0; k < 5; k++) {
			fill(&s, way.from);
			served_pass(&s, 9);
			assert_int_equal(s.pool.limit.total, 1);
			for (uint64_t sent = way.taker->bytes_out; way.taker->bytes_out == sent;) {
				assert_true(recv(way.to, bytes, sizeof(bytes), 0) > 0);
				served_settle(&s);
			}
		}
		paired_close(&p);
		served_settle(&s);
		served_stop(&s);
	}
}

static void silence__of_both_or_of_one_that_must_answer__ends_the_pair(void **state)
{
	struct paired p;
	struct served s;

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		paired_start(&s, "message_timeout", "2h", "idle_timeout", "10h", "linger_timeout",
			     "0", NULL);
		p = paired_connect(&s);
		served_pass(&s, 5);
		if (i == 1)
			shutdown(p.client, SHUT_WR);
		served_settle(&s);
		say(p.upstream, "x");
		served_expect(&s, p.client, "x", false);
		served_pass(&s, i == 1 ? 1 : 9);
		assert_int_equal(s.pool.limit.total, 1);
		served_pass(&s, 2);
		assert_ended(&s, i == 1 ? CLOSE_message_timeout : CLOSE_idle_timeout);
		paired_close(&p);
		served_stop(&s);
	}
}

enum { HOUR_MS = 3600 * 1000 };

static unsigned late_side; /* whose deadline is set by open; set by the test */

static enum verdict attach_and_set_deadline(struct conn *c)
{
	enum verdict verdict = paired_attach(c);

	conn_set_deadline(late_side == SIDE_CLIENT ? c : c->peer, 2 * HOUR_MS);
	return verdict;
}

static enum verdict say_late(struct conn *c)
{
	buf_put(&c->out, "late", 4);
	if (c->record->bytes_out == 0)
		conn_set_deadline(c, HOUR_MS);
	return MORE;
}

static void deadline__of_either_side__is_told_to_the_service(void **state)
{
	static const struct service late = { .name = "late",
					     .has_pairs = true,
					     .open = attach_and_set_deadline,
					     .expired = say_late };

	(void)state;
	own_service(&late);
	for (late_side = 0; late_side < SIDE_COUNT; late_side++) {
		struct paired p;
		struct recovery r;
		struct served s;
		int told;

		served_start(&s, "late", "idle_timeout", "off", NULL);
		p = paired_connect(&s);
		told = late_side == SIDE_CLIENT ? p.client : p.upstream;
		served_pass(&s, 1);
		served_expect(&s, told, "", false);
		served_recover(&s, &r);
		served_pass(&s, 1);
		served_expect(&s, told, "late", false);
		served_pass(&s, 1);
		served_expect(&s, told, "late", false);
		served_pass(&s, 9);
		served_expect(&s, told, "", false);
		say(p.client, "on");
		served_expect(&s, p.upstream, "on", false);
		paired_close(&p);
		served_settle(&s);
		assert_ended(&s, CLOSE_client_closed);
		served_stop(&s);
	}
}

/* Without the hook the connection ends. */
static void deadline__without_a_hook__ends_the_pair(void **state)
{
	static const struct service late = { .name = "late",
					     .has_pairs = true,
					     .open = attach_and_set_deadline };

	(void)state;
	own_service(&late);
	for (late_side = 0; late_side < SIDE_COUNT; late_side++) {
		struct paired p;
		struct served s;

		served_start(&s, "late", "idle_timeout", "off", "linger_timeout", "0", NULL);
		p = paired_connect(&s);
		served_pass(&s, 2);
		assert_ended(&s, CLOSE_idle_timeout);
		served_expect(&s, p.client, "", true);
		served_expect(&s, p.upstream, "", true);
		paired_close(&p);
		served_stop(&s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(side__that_takes_nothing__is_cut_off),
		cmocka_unit_test(sides__one_of_which_takes_nothing__are_reset),
		cmocka_unit_test(side__that_takes_slowly__is_not_cut_off),
		cmocka_unit_test(silence__of_both_or_of_one_that_must_answer__ends_the_pair),
		cmocka_unit_test(deadline__of_either_side__is_told_to_the_service),
		cmocka_unit_test(deadline__without_a_hook__ends_the_pair),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
