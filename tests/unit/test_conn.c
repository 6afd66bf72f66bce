/* SPDX-License-Identifier: MIT */
/*
 * The life of a connection: half-close, back-pressure, deadlines, draining, and the state after its
 * end.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/sys.h"
#include "unit/aftermath.h"

/* The record's reason stays readable until the record is used again. */
static enum close_reason how_it_ended(struct served *s)
{
	return arena_record(s->pool.arena, 0)->ending;
}

static void idle__connection__holds_no_buffer(void **state)
{
	struct served s;
	int client;

	(void)state;
	served_start(&s, "echo", NULL);
	client = served_connect(&s);
	served_send(&s, client, "hello", 5);
	served_expect(&s, client, "hello", false);
	assert_int_equal(served_only(&s)->in.number, 0);
	assert_int_equal(served_only(&s)->out.number, 0);
	assert_int_equal(served_metric(&s, METRIC_bytes_in_total), 5);
	assert_int_equal(served_metric(&s, METRIC_bytes_out_total), 5);
	close(client);
	served_settle(&s);
	assert_nothing_left(&s, 0);
	served_stop(&s);
}

static void half_close__after_bytes__answers_all_then_ends(void **state)
{
	struct served s;
	int client;

	(void)state;
	served_start(&s, "echo", NULL);
	client = served_connect(&s);
	served_send(&s, client, "hello", 5);
	shutdown(client, SHUT_WR);
	served_expect(&s, client, "hello", true);
	assert_int_equal(how_it_ended(&s), CLOSE_client_closed);
	assert_nothing_left(&s, 0);
	close(client);
	served_stop(&s);
}

/* Sends more than all buffers on the way hold, to a client that reads only afterwards. */
static void slow_reader__loses_no_byte__and_memory_stays_bounded(void **state)
{
	enum { SIZE = 4 << 20 };
	uint32_t *sent = malloc(SIZE), *got = malloc(SIZE + 1);
	size_t out = 0, in = 0;
	struct served s;
	int client;

	(void)state;
	for (uint32_t i = 0; i < SIZE / sizeof(*sent); i++)
		sent[i] = i * 2654435761U;
	served_start(&s, "echo", NULL);
	client = served_connect(&s);
	while (in < SIZE) {
		ssize_t n = send(client, (char *)sent + out, SIZE - out, MSG_NOSIGNAL);

		out += n > 0 ? (size_t)n : 0;
		served_settle(&s);
		if (n > 0)
			continue;
		assert_true(s.pool.bufs.high <= 2);
		n = recv(client, (char *)got + in, 50000, 0);
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

static void silence__longer_than_idle_timeout__ends_it(void **state)
{
	struct served s;
	int client;

	(void)state;
	served_start(&s, "echo", "idle_timeout", "10h", "linger_timeout", "1h", NULL);
	client = served_connect(&s);
	served_pass(&s, 9);
	served_send(&s, client, "x", 1);
	served_expect(&s, client, "x", false);
	served_pass(&s, 9);
	served_expect(&s, client, "", false);
	served_pass(&s, 1);
	served_expect(&s, client, "", true);
	assert_int_equal(how_it_ended(&s), CLOSE_idle_timeout);
	assert_int_equal(served_only(&s)->state, CONN_LINGERING);
	served_pass(&s, 1); /* the client does not close its side */
	assert_nothing_left(&s, 0);
	close(client);
	served_stop(&s);
}

/* Each byte keeps the connection active, but does not prolong the message's time. */
static void message__that_does_not_end__is_cut_off(void **state)
{
	struct served s;
	int client;

	(void)state;
	served_start(&s, "ack", "framing", "line", "message_timeout", "10h", NULL);
	client = served_connect(&s);
	for (int i = 0; i < 10; i++) {
		served_send(&s, client, "x", 1);
		served_expect(&s, client, "", false);
		served_pass(&s, 1);
	}
	served_expect(&s, client, "", true);
	assert_int_equal(how_it_ended(&s), CLOSE_message_timeout);
	close(client);
	served_settle(&s);
	assert_nothing_left(&s, 0);
	served_stop(&s);
}

static void stream_of_messages__never_at_rest__is_not_cut_off(void **state)
{
	struct served s;
	int client;

	(void)state;
	served_start(&s, "ack", "framing", "line", "reply", "", "message_timeout", "10h", NULL);
	client = served_connect(&s);
	served_send(&s, client, "x", 1);
	for (int i = 0; i < 10; i++) { /* each time one message ends and the next begins */
		served_pass(&s, 9);
		served_send(&s, client, "x\nx", 3);
		served_expect(&s, client, "\n", false);
	}
	close(client);
	served_stop(&s);
}

static void client__that_takes_nothing__is_cut_off(void **state)
{
	struct served s;
	int client;

	(void)state;
	served_start(&s, "chargen", "message_timeout", "10h", NULL);
	client = served_connect(&s);
	served_settle(&s);
	served_pass(&s, 1); /* its first look: what was taken until then was progress */
	served_pass(&s, 9);
	assert_non_null(served_only(&s));
	served_pass(&s, 1);
	assert_int_equal(how_it_ended(&s), CLOSE_send_timeout);
	assert_nothing_left(&s, 0);
	close(client);
	served_stop(&s);
}

static void linger_timeout_0__closes_at_once(void **state)
{
	struct served s;
	char text[64];
	bool ended;
	int client;

	(void)state;
	served_start(&s, "daytime", "linger_timeout", "0", NULL);
	client = served_connect(&s);
	assert_nothing_left(&s, 0);
	assert_true(served_read(&s, client, text, sizeof(text), &ended) > 0);
	assert_true(ended);
	close(client);
	served_stop(&s);
}

static void peer_gone__while_an_answer_waits__is_client_reset(void **state)
{
	struct served s;
	int client;

	(void)state;
	served_start(&s, "chargen", NULL);
	client = served_connect(&s);
	served_settle(&s);
	close(client);
	served_settle(&s);
	assert_int_equal(how_it_ended(&s), CLOSE_client_reset);
	assert_nothing_left(&s, 0);
	served_stop(&s);
}

static void drain__between_messages__ends_at_once(void **state)
{
	struct served s;
	int client;

	(void)state;
	served_start(&s, "echo", NULL);
	client = served_connect(&s);
	served_send(&s, client, "x", 1);
	served_expect(&s, client, "x", false);
	dispatch_drain(&s.pool);
	served_expect(&s, client, "", true);
	assert_int_equal(how_it_ended(&s), CLOSE_drained);
	close(client);
	served_settle(&s);
	assert_nothing_left(&s, 0);
	served_stop(&s);
}

static void drain__with_bytes_on_the_way__answers_them_first(void **state)
{
	struct served s;
	int client;

	(void)state;
	served_start(&s, "echo", NULL);
	client = served_connect(&s);
	assert_int_equal(send(client, "late", 4, 0), 4);
	dispatch_drain(&s.pool);
	served_expect(&s, client, "late", true);
	close(client);
	served_stop(&s);
}

static void drain__in_a_message__lets_it_end(void **state)
{
	struct served s;
	int client;

	(void)state;
	served_start(&s, "ack", "framing", "line", "reply", "ok", NULL);
	client = served_connect(&s);
	served_send(&s, client, "half", 4);
	dispatch_drain(&s.pool);
	served_expect(&s, client, "", false);
	served_send(&s, client, "\n", 1);
	served_expect(&s, client, "ok\n", true);
	assert_int_equal(how_it_ended(&s), CLOSE_drained);
	close(client);
	served_stop(&s);
}

/* The first message of a connection that was accepted a moment ago may still be on its way. */
static void drain__before_the_first_byte__waits_a_moment(void **state)
{
	struct served s;
	int early, silent;

	(void)state;
	served_start(&s, "echo", NULL);
	early = served_connect(&s);
	silent = served_connect(&s);
	served_pass(&s, -1); /* just accepted, however slow this machine is */
	dispatch_drain(&s.pool);
	served_expect(&s, silent, "", false);
	served_send(&s, early, "x", 1);
	served_expect(&s, early, "x", true);
	served_pass(&s, 2);
	served_expect(&s, silent, "", true);
	close(early);
	close(silent);
	served_settle(&s);
	assert_nothing_left(&s, 0);
	served_stop(&s);
}

/* A worker before, in an attacker's hands, can have told epoll to report any tag for ever. */
static void word_of_epoll__for_no_record__is_counted(void **state)
{
	static const uint32_t indexes[] = { 1, RECORD_INDEX_MOST, INT32_MAX, UINT32_MAX };
	struct served s;
	int client;

	(void)state;
	served_start(&s, "echo", NULL);
	client = served_connect(&s);
	s.loop.strays = 0;
	for (unsigned i = 0; i < sizeof(indexes) / sizeof(*indexes); i++)
		dispatch_ready(&s.pool, indexes[i], EPOLLIN);
	assert_int_equal(s.loop.strays, sizeof(indexes) / sizeof(*indexes));
	close(client);
	served_stop(&s);
}

static void word_of_epoll__for_an_ended_connection__is_ignored(void **state)
{
	struct served s;
	uint64_t old;
	int client;

	(void)state;
	served_start(&s, "echo", NULL);
	client = served_connect(&s);
	old = pool_tag(served_only(&s));
	close(client);
	served_settle(&s);
	dispatch_ready(&s.pool, old, EPOLLIN);
	client = served_connect(&s); /* in the same record */
	assert_int_equal(send(client, "x", 1, 0), 1);
	dispatch_ready(&s.pool, old, EPOLLIN);
	served_expect(&s, client, "x", false);
	close(client);
	served_stop(&s);
}

static uint64_t timed(const struct served *s, unsigned bucket)
{
	return atomic_load(&s->slot.tally.message_seconds.buckets[bucket]);
}

static void messages__of_one_turn__are_timed_each_from_its_own_begin(void **state)
{
	struct served s;
	int client;

	(void)state;
	served_start(&s, "ack", "framing", "line", "message_timeout", "off", NULL);
	client = served_connect(&s);
	served_send(&s, client, "begun", 5);
	served_pass(&s, SERVED_AGES);
	served_send(&s, client, "\nand\ntwo\n", 9);
	assert_int_equal(served_metric(&s, METRIC_messages_total), 3);
	assert_int_equal(timed(&s, HISTOGRAM_BUCKETS - 1), 1);
	assert_int_equal(served_metric(&s, METRIC_message_seconds), 3);
	close(client);
	served_stop(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(idle__connection__holds_no_buffer),
		cmocka_unit_test(half_close__after_bytes__answers_all_then_ends),
		cmocka_unit_test(slow_reader__loses_no_byte__and_memory_stays_bounded),
		cmocka_unit_test(silence__longer_than_idle_timeout__ends_it),
		cmocka_unit_test(message__that_does_not_end__is_cut_off),
		cmocka_unit_test(stream_of_messages__never_at_rest__is_not_cut_off),
		cmocka_unit_test(client__that_takes_nothing__is_cut_off),
		cmocka_unit_test(linger_timeout_0__closes_at_once),
		cmocka_unit_test(peer_gone__while_an_answer_waits__is_client_reset),
		cmocka_unit_test(drain__between_messages__ends_at_once),
		cmocka_unit_test(drain__with_bytes_on_the_way__answers_them_first),
		cmocka_unit_test(drain__in_a_message__lets_it_end),
		cmocka_unit_test(drain__before_the_first_byte__waits_a_moment),
		cmocka_unit_test(word_of_epoll__for_no_record__is_counted),
		cmocka_unit_test(word_of_epoll__for_an_ended_connection__is_ignored),
		cmocka_unit_test(messages__of_one_turn__are_timed_each_from_its_own_begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
