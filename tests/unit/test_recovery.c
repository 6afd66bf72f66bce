/* SPDX-License-Identifier: MIT */
/*
 * Recovery: the connections that a worker takes over from a dead one, and the report of the others.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/sys.h"
#include "unit/aftermath.h"

static void message__cut_by_a_crash__goes_on_at_its_byte(void **state)
{
	static const char message[] = "\0\0\0\5hello";
	struct recovery r;
	struct served s;
	int client;

	(void)state;
	for (size_t cut = 0; cut < sizeof(message); cut++) {
		char answer[16];
		bool ended;

		served_start(&s, "ack", "framing", "length", "reply", "ok", NULL);
		client = served_connect(&s);
		served_send(&s, client, message, cut);
		served_recover(&s, &r);
		assert_counts(&r, 1, 0, 0);
		served_send(&s, client, message + cut, sizeof(message) - 1 - cut);
		shutdown(client, SHUT_WR);
		assert_int_equal(served_read(&s, client, answer, sizeof(answer), &ended), 6);
		assert_memory_equal(answer, "\0\0\0\2ok", 6);
		assert_true(ended);
		assert_nothing_left(&s, 0);
		close(client);
		served_stop(&s);
	}
}

/* Crashes while bytes wait in every place where bytes can wait. */
static void stream__with_a_crash_at_every_step__loses_no_byte(void **state)
{
	enum { SIZE = 1 << 20, STEP = 50000 };
	uint32_t *sent = malloc(SIZE), *got = malloc(SIZE);
	size_t out = 0, in = 0;
	struct recovery r;
	struct served s;
	int client;

	(void)state;
	for (uint32_t i = 0; i < SIZE / sizeof(*sent); i++)
		sent[i] = i * 2654435761U;
	served_start(&s, "echo", NULL);
	client = served_connect(&s);
	while (in < SIZE) {
		ssize_t n =
			out < SIZE ? send(client, (char *)sent + out, SIZE - out, MSG_NOSIGNAL) : 0;

		out += n > 0 ? (size_t)n : 0;
		served_settle(&s);
		served_recover(&s, &r);
		recovery_passed(s.pool.arena);
		assert_counts(&r, 1, 0, 0);
		if (n > 0)
			continue;
		n = recv(client, (char *)got + in, STEP, 0);
		in += n > 0 ? (size_t)n : 0;
	}
	assert_memory_equal(sent, got, SIZE);
	close(client);
	served_settle(&s);
	assert_nothing_left(&s, 0);
	served_stop(&s);
	free(sent);
	free(got);
}

static void deadline__begun_before_the_crash__is_kept(void **state)
{
	struct recovery r;
	struct served s;
	int client;

	(void)state;
	served_start(&s, "ack", "framing", "line", "message_timeout", "10h", NULL);
	client = served_connect(&s);
	served_send(&s, client, "x", 1);
	served_pass(&s, 6);
	served_recover(&s, &r);
	assert_counts(&r, 1, 0, 0);
	served_pass(&s, 3);
	served_expect(&s, client, "", false);
	served_pass(&s, 2);
	served_expect(&s, client, "", true);
	assert_int_equal(record(&s, 0)->ending, CLOSE_message_timeout);
	close(client);
	served_settle(&s);
	assert_nothing_left(&s, 0);
	served_stop(&s);
}

static void lingering__connection__lingers_on(void **state)
{
	struct recovery r;
	struct served s;
	char text[64];
	bool ended;
	int client;

	(void)state;
	served_start(&s, "daytime", "linger_timeout", "1h", NULL);
	client = served_connect(&s);
	assert_true(served_read(&s, client, text, sizeof(text), &ended) > 0);
	served_recover(&s, &r);
	assert_counts(&r, 1, 0, 0);
	assert_int_equal(record(&s, 0)->state, CONN_LINGERING);
	served_pass(&s, 2);
	assert_nothing_left(&s, 0);
	close(client);
	served_stop(&s);
}

static void draining__is_inherited(void **state)
{
	struct recovery r;
	struct served s;

	(void)state;
	served_start(&s, "echo", NULL);
	head_of(&s)->leaving = ARENA_DRAINS;
	served_recover(&s, &r);
	assert_true(r.was_leaving);
	served_stop(&s);
}

static void connection__in_hand__is_lost_alone(void **state)
{
	struct recovery r;
	struct served s;
	int clients[3];

	(void)state;
	served_start(&s, "echo", NULL);
	for (unsigned i = 0; i < 3; i++)
		clients[i] = served_connect(&s);
	pool_take_in_hand(&s.pool, 1);
	served_recover(&s, &r);
	assert_counts(&r, 2, 1, 0);
	assert_int_equal(s.pool.limit.total, 2);
	assert_int_equal(s.pool.records.high, 3);
	assert_int_equal(s.pool.records.count, 1);
	assert_int_equal(served_metric(&s, METRIC_connections_recovered_total), 2);
	served_expect(&s, clients[1], "", true);
	for (unsigned i = 0; i < 3; i += 2) {
		served_send(&s, clients[i], "on", 2);
		served_expect(&s, clients[i], "on", false);
	}
	for (unsigned i = 0; i < 3; i++)
		close(clients[i]);
	served_settle(&s);
	assert_nothing_left(&s, 1);
	served_stop(&s);
}

/* The worker died after it took the record and before it wrote it. */
static void new_record__half_written__costs_no_other(void **state)
{
	struct recovery r;
	struct served s;
	int client;

	(void)state;
	served_start(&s, "echo", NULL);
	client = served_connect(&s);
	pool_take_in_hand(&s.pool, 1);
	assert_int_equal(head_of(&s)->record_high, 1);
	served_recover(&s, &r);
	assert_counts(&r, 1, 0, 0);
	close(client);
	served_settle(&s);
	assert_nothing_left(&s, 0);
	served_stop(&s);
}

/* The worker died between accept and the record: the master has counted the connection. */
static void connection__without_a_record__is_counted_as_lost(void **state)
{
	struct recovery r;
	struct served s;
	int client;

	(void)state;
	served_start(&s, "echo", NULL);
	client = served_connect(&s);
	s.opened++;
	served_recover(&s, &r);
	assert_int_equal(r.kept, 1);
	assert_int_equal(r.lost, 1);
	assert_int_equal(s.pool.limit.total, 1);
	assert_int_equal(s.slot.live, 1);
	assert_int_equal(s.slot.tally.connections_ended_total[CLOSE_worker_crash], 1);
	close(client);
	served_settle(&s);
	assert_nothing_left(&s, 1);
	served_stop(&s);
}

/* The descriptor is open, so its number is valid, whatever the limit is now. */
static void connection__with_a_number_beyond_the_limit__is_kept(void **state)
{
	enum { HIGH = 200, LOW = 100 };
	struct rlimit limit, lower;
	struct recovery r;
	struct served s;
	int client, high;

	(void)state;
	served_start(&s, "echo", NULL);
	client = served_connect(&s);
	high = sys_fcntl_int(record(&s, 0)->fd, F_DUPFD_CLOEXEC, HIGH);
	assert_true(high >= HIGH);
	assert_int_equal(sys_close(s.fds[0].fd), 0);
	record(&s, 0)->fd = s.fds[0].fd = high;
	assert_int_equal(sys_getrlimit(RLIMIT_NOFILE, &limit), 0);
	lower = limit;
	lower.rlim_cur = LOW;
	assert_int_equal(sys_setrlimit(RLIMIT_NOFILE, &lower), 0);
	served_recover(&s, &r);
	assert_counts(&r, 1, 0, 0);
	assert_int_equal(sys_setrlimit(RLIMIT_NOFILE, &limit), 0);
	served_send(&s, client, "on", 2);
	served_expect(&s, client, "on", false);
	close(client);
	served_settle(&s);
	assert_nothing_left(&s, 0);
	served_stop(&s);
}

/* The first worker may have served for years; those that count took over and never turned. */
static void empty_handed__twice_in_a_row__empties_the_arena(void **state)
{
	struct recovery r;
	struct served s;
	int client;

	(void)state;
	served_start(&s, "echo", NULL);
	client = served_connect(&s);
	for (int i = 0; i < 2; i++) {
		served_recover(&s, &r);
		assert_counts(&r, 1, 0, 0);
	}
	served_recover(&s, &r);
	assert_non_null(r.emptied);
	served_expect(&s, client, "", true);
	close(client);
	served_stop(&s);
}

static void empty_handed__with_a_turn_between__keeps_all(void **state)
{
	struct recovery r;
	struct served s;
	int client;

	(void)state;
	served_start(&s, "echo", NULL);
	client = served_connect(&s);
	for (int i = 0; i < 5; i++) {
		served_recover(&s, &r);
		assert_counts(&r, 1, 0, 0);
		recovery_passed(s.pool.arena);
	}
	close(client);
	served_stop(&s);
}

static void scene__tells_what_was_in_hand(void **state)
{
	struct recovery_in_hand scene;
	struct served s;
	int client;

	(void)state;
	served_start(&s, "echo", NULL);
	client = served_connect(&s);
	served_send(&s, client, "12345", 5);
	served_expect(&s, client, "12345", false);
	recovery_in_hand(s.pool.arena, &s.slot, &s.conf, clock_ms(), &scene);
	assert_null(scene.conf);
	assert_false(scene.has_remote);
	pool_take_in_hand(&s.pool, 0);
	s.slot.has_hand = 1;
	recovery_in_hand(s.pool.arena, &s.slot, &s.conf, record(&s, 0)->opened_us / 1000 + 70,
			 &scene);
	assert_true(scene.has_remote);
	assert_int_equal(scene.remote.family, AF_UNIX);
	assert_ptr_equal(scene.conf, &s.listen_conf);
	assert_int_equal(scene.state, CONN_OPEN);
	assert_int_equal(scene.age_ms, 70);
	assert_int_equal(scene.bytes_in, 5);
	assert_int_equal(scene.bytes_out, 5);
	pool_put_down(&s.pool);
	close(client);
	served_stop(&s);
}

static void scene__of_a_damaged_arena__tells_nothing(void **state)
{
	struct recovery_in_hand scene;
	struct served s;
	int client;

	(void)state;
	served_start(&s, "echo", NULL);
	client = served_connect(&s);
	atomic_store(&head_of(&s)->in_hand, UINT32_MAX);
	head_of(&s)->last_call = UINT32_MAX;
	recovery_in_hand(s.pool.arena, &s.slot, &s.conf, clock_ms(), &scene);
	assert_null(scene.conf);
	assert_string_equal(scene.last_call, "none");
	pool_take_in_hand(&s.pool, 0);
	record(&s, 0)->listen = 1;
	recovery_in_hand(s.pool.arena, &s.slot, &s.conf, clock_ms(), &scene);
	assert_null(scene.conf);
	record(&s, 0)->listen = 0;
	pool_put_down(&s.pool);
	close(client);
	served_stop(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(message__cut_by_a_crash__goes_on_at_its_byte),
		cmocka_unit_test(stream__with_a_crash_at_every_step__loses_no_byte),
		cmocka_unit_test(deadline__begun_before_the_crash__is_kept),
		cmocka_unit_test(lingering__connection__lingers_on),
		cmocka_unit_test(draining__is_inherited),
		cmocka_unit_test(connection__in_hand__is_lost_alone),
		cmocka_unit_test(new_record__half_written__costs_no_other),
		cmocka_unit_test(connection__without_a_record__is_counted_as_lost),
		cmocka_unit_test(connection__with_a_number_beyond_the_limit__is_kept),
		cmocka_unit_test(empty_handed__twice_in_a_row__empties_the_arena),
		cmocka_unit_test(empty_handed__with_a_turn_between__keeps_all),
		cmocka_unit_test(scene__tells_what_was_in_hand),
		cmocka_unit_test(scene__of_a_damaged_arena__tells_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
