/* SPDX-License-Identifier: MIT */
/*
 * Tests of client/bench/message: framing, the differences between messages, and what counts as an
 * echo.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "client/bench/message.h"

static struct message message;
static struct err err;

static int tear_down(void **state)
{
	(void)state;
	message_free(&message);
	return 0;
}

static void make(enum framing framing, const char *text, size_t size, bool is_unique)
{
	assert_true(message_make(&message, framing, text, size, is_unique, &err));
}

/* All bytes of one message, joined; on the heap. */
static char *whole(uint64_t key)
{
	char *all = malloc(message.size);
	size_t n;

	for (size_t from = 0; from < message.size; from += n) {
		const char *bytes = message_bytes(&message, key, from, &n);

		assert_in_range(n, 1, message.size - from);
		memcpy(all + from, bytes, n);
	}
	return all;
}

static void text__is_framed(void **state)
{
	size_t n;

	(void)state;
	make(FRAMING_LENGTH, "abc", 3, false);
	assert_memory_equal(message_bytes(&message, 0, 0, &n), "\0\0\0\3abc", 7);
	assert_int_equal(n, 7);
	assert_memory_equal(message_bytes(&message, 9, 5, &n), "bc", 2);
	assert_int_equal(n, 2);
	assert_true(message_is_echo(&message, 0, 1, "bc", 2));
	assert_false(message_is_echo(&message, 0, 0, "bc", 2));
}

static void messages__that_differ__are_the_same_from_any_byte_on(void **state)
{
	size_t n;
	char *all;

	(void)state;
	make(FRAMING_LINE, NULL, 200000, true);
	all = whole(7);
	assert_int_equal(all[200000], '\n');
	assert_null(memchr(all, '\n', 200000));
	for (size_t from = 0; from < message.size; from += 777) {
		const char *bytes = message_bytes(&message, 7, from, &n);

		assert_memory_equal(bytes, all + from, n);
	}
	for (size_t from = 0; from < 200000; from += 1111)
		assert_true(message_is_echo(&message, 7, from, all + from,
					    200000 - from < 3333 ? 200000 - from : 3333));
	free(all);
}

static void messages__of_any_connection_and_number__differ(void **state)
{
	static char seen[64][16];
	int count = 0;

	(void)state;
	make(FRAMING_RAW, NULL, 16, true);
	for (uint64_t connection = 0; connection < 8; connection++) {
		for (uint64_t number = 0; number < 8; number++) {
			char *all = whole(message_key(connection, number));

			memcpy(seen[count], all, 16);
			for (int i = 0; i < count; i++)
				assert_memory_not_equal(seen[i], all, 16);
			count++;
			free(all);
		}
	}
}

static void echo__with_a_wrong_byte_or_too_many__is_none(void **state)
{
	char *all;

	(void)state;
	make(FRAMING_RAW, NULL, 100, true);
	all = whole(3);
	assert_true(message_is_echo(&message, 3, 0, all, 100));
	assert_false(message_is_echo(&message, 4, 0, all, 100));
	for (size_t i = 0; i < 100; i++) {
		all[i] ^= 1;
		assert_false(message_is_echo(&message, 3, 0, all, 100));
		all[i] ^= 1;
	}
	assert_false(message_is_echo(&message, 3, 1, all, 100));
	assert_false(message_is_echo(&message, 3, 101, all, 1));
	free(all);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(text__is_framed, tear_down),
		cmocka_unit_test_teardown(messages__that_differ__are_the_same_from_any_byte_on,
					  tear_down),
		cmocka_unit_test_teardown(messages__of_any_connection_and_number__differ,
					  tear_down),
		cmocka_unit_test_teardown(echo__with_a_wrong_byte_or_too_many__is_none, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
