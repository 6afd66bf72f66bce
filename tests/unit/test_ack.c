/* SPDX-License-Identifier: MIT */
/* ack: messages are found in the stream however it is cut, and each gets one answer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/sys.h"
#include "unit/served.h"

/* Sends the text in pieces of `piece` bytes and returns the answers. */
static void ask_in_pieces(struct served *s, int client, const char *bytes, size_t size,
			  size_t piece)
{
	for (size_t at = 0; at < size; at += piece)
		served_send(s, client, bytes + at, size - at < piece ? size - at : piece);
}

static void raw__one_receive__is_one_message(void **state)
{
	struct served s;
	int client;

	(void)state;
	served_start(&s, "ack", NULL);
	client = served_connect(&s);
	served_send(&s, client, "I am client", 11);
	served_expect(&s, client, "我已经收到", false);
	assert_int_equal(served_metric(&s, METRIC_messages_total), 1);
	close(client);
	served_settle(&s);
	assert_null(served_only(&s));
	served_stop(&s);
}

static void line__glued_and_split__are_told_apart(void **state)
{
	static const char text[] = "one\ntwo\r\n\n\r\nfive\n";

	(void)state;
	for (size_t piece = 1; piece < sizeof(text); piece++) {
		struct served s;
		int client;

		served_start(&s, "ack", "framing", "line", "reply", "ok", NULL);
		client = served_connect(&s);
		ask_in_pieces(&s, client, text, sizeof(text) - 1, piece);
		served_expect(&s, client, "ok\nok\nok\nok\nok\n", false);
		close(client);
		served_stop(&s);
	}
}

static void length__glued_and_split__are_told_apart(void **state)
{
	static const char bytes[] = "\0\0\0\3abc\0\0\0\0\0\0\0\5defgh";
	static const char answer[] = "\0\0\0\2ok\0\0\0\2ok\0\0\0\2ok";

	(void)state;
	for (size_t piece = 1; piece < sizeof(bytes); piece++) {
		struct served s;
		char got[64];
		bool ended;
		int client;

		served_start(&s, "ack", "framing", "length", "reply", "ok", NULL);
		client = served_connect(&s);
		ask_in_pieces(&s, client, bytes, sizeof(bytes) - 1, piece);
		assert_int_equal(served_read(&s, client, got, sizeof(got), &ended),
				 sizeof(answer) - 1);
		assert_memory_equal(got, answer, sizeof(answer) - 1);
		close(client);
		served_stop(&s);
	}
}

static void line__carriage_return_alone__is_part_of_the_message(void **state)
{
	struct served s;
	int client;

	(void)state;
	served_start(&s, "ack", "framing", "line", "reply", "ok", "max_message", "3", NULL);
	client = served_connect(&s);
	ask_in_pieces(&s, client, "abc\r\na\rb\r\n", 10, 1);
	served_expect(&s, client, "ok\nok\n", false);
	ask_in_pieces(&s, client, "a\rb\rx", 5, 1);
	served_expect(&s, client, "", true);
	assert_int_equal(served_only(&s)->ending, CLOSE_message_too_long);
	close(client);
	served_stop(&s);
}

static void check_too_long(const char *framing, const char *bytes, size_t size, const char *answer)
{
	struct served s;
	int client;

	served_start(&s, "ack", "framing", framing, "reply", "ok", "max_message", "4", NULL);
	client = served_connect(&s);
	served_send(&s, client, bytes, size);
	served_expect(&s, client, answer, true);
	assert_int_equal(served_only(&s)->ending, CLOSE_message_too_long);
	close(client);
	served_stop(&s);
}

static void too_long__ends_after_the_answers_due(void **state)
{
	(void)state;
	check_too_long("raw", "12345", 5, "");
	check_too_long("line", "1234\n12345\n", 11, "ok\n");
	check_too_long("line", "12345", 5, "");
	check_too_long("length", "\0\0\0\5", 4, "");
	check_too_long("length", "\377\377\377\377", 4, "");
}

static void check_cut_off(const char *framing, const char *bytes, size_t size,
			  enum close_reason reason)
{
	struct served s;
	struct record *c;
	int client;

	served_start(&s, "ack", "framing", framing, "reply", "", NULL);
	client = served_connect(&s);
	c = served_only(&s);
	served_send(&s, client, bytes, size);
	shutdown(client, SHUT_WR);
	served_settle(&s);
	assert_null(served_only(&s));
	assert_int_equal(c->ending, reason);
	close(client);
	served_stop(&s);
}

static void end_of_client__in_a_message__is_message_incomplete(void **state)
{
	(void)state;
	check_cut_off("line", "ab", 2, CLOSE_message_incomplete);
	check_cut_off("line", "ab\n", 3, CLOSE_client_closed);
	check_cut_off("length", "\0\0", 2, CLOSE_message_incomplete);
	check_cut_off("length", "\0\0\0\2a", 5, CLOSE_message_incomplete);
	check_cut_off("length", "\0\0\0\2ab", 6, CLOSE_client_closed);
	check_cut_off("raw", "ab", 2, CLOSE_client_closed);
	check_cut_off("raw", "", 0, CLOSE_client_closed);
}

/* 10,000 one-byte lines in one go: the answers do not fit into one buffer, and none may be lost. */
static void line__more_answers_than_room__all_arrive(void **state)
{
	enum { LINES = 30000 };
	static char lines[2 * LINES], got[3 * LINES + 1];
	struct served s;
	size_t used = 0;
	bool ended;
	int client;

	(void)state;
	for (size_t i = 0; i < sizeof(lines); i++)
		lines[i] = i % 2 ? '\n' : 'x';
	served_start(&s, "ack", "framing", "line", "reply", "ok", NULL);
	client = served_connect(&s);
	for (size_t at = 0; at < sizeof(lines); at += 6000) {
		served_send(&s, client, lines + at, 6000);
		used += served_read(&s, client, got + used, sizeof(got) - used, &ended);
	}
	used += served_read(&s, client, got + used, sizeof(got) - used, &ended);
	assert_int_equal(used, 3 * LINES);
	assert_int_equal(served_metric(&s, METRIC_messages_total), LINES);
	close(client);
	served_stop(&s);
}

/* Every number of answers around a full buffer: the last one that does not fit is sent later. */
static void length__an_answer_that_does_not_fit__comes_later(void **state)
{
	enum { FIT = ARENA_BUF_SIZE / (4 + 15) };
	static char zeros[4 * (FIT + 2)], got[(FIT + 2) * 19 + 1];

	(void)state;
	for (size_t messages = FIT - 1; messages <= FIT + 2; messages++) {
		struct served s;
		bool ended;
		int client;

		served_start(&s, "ack", "framing", "length", NULL);
		client = served_connect(&s);
		served_send(&s, client, zeros, 4 * messages);
		assert_int_equal(served_read(&s, client, got, sizeof(got), &ended), 19 * messages);
		close(client);
		served_stop(&s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(raw__one_receive__is_one_message),
		cmocka_unit_test(line__glued_and_split__are_told_apart),
		cmocka_unit_test(length__glued_and_split__are_told_apart),
		cmocka_unit_test(line__carriage_return_alone__is_part_of_the_message),
		cmocka_unit_test(too_long__ends_after_the_answers_due),
		cmocka_unit_test(end_of_client__in_a_message__is_message_incomplete),
		cmocka_unit_test(length__an_answer_that_does_not_fit__comes_later),
		cmocka_unit_test(line__more_answers_than_room__all_arrive),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
