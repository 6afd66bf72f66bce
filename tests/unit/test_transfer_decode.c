/* SPDX-License-Identifier: MIT */
/* Tests of the framings of demo/transfer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "demo/transfer.h"

static const char *const messages[] = { "one", "", "a \\ b" };
enum { COUNT = sizeof(messages) / sizeof(messages[0]) };

static void mark__both_ways__is_as_written(void **state)
{
	static const char lines[] = "one\n\na \\ b\n",
			  counted[] = "\0\0\0\3one\0\0\0\0\0\0\0\5a \\ b";
	char stream[TRANSFER_STREAM];

	(void)state;
	assert_int_equal(transfer_encode(false, messages, COUNT, stream), sizeof(lines) - 1);
	assert_memory_equal(stream, lines, sizeof(lines) - 1);
	assert_int_equal(transfer_encode(true, messages, COUNT, stream), sizeof(counted) - 1);
	assert_memory_equal(stream, counted, sizeof(counted) - 1);
}

/* Cut at each pair of places, which may be the same or the ends. */
static void feed__in_any_three_pieces__restores(void **state)
{
	char stream[TRANSFER_STREAM];

	(void)state;
	for (int by_length = 0; by_length <= 1; by_length++) {
		size_t size = transfer_encode(by_length != 0, messages, COUNT, stream);

		for (size_t a = 0; a <= size; a++)
			for (size_t b = a; b <= size; b++) {
				struct transfer_decoder decoder = { .by_length = by_length != 0 };

				transfer_decode(&decoder, stream, a);
				transfer_decode(&decoder, stream + a, b - a);
				transfer_decode(&decoder, stream + b, size - b);
				assert_true(transfer_decoded(&decoder, messages, COUNT));
			}
	}
}

static void feed__without_the_last_byte__has_not_all(void **state)
{
	char stream[TRANSFER_STREAM];

	(void)state;
	for (int by_length = 0; by_length <= 1; by_length++) {
		struct transfer_decoder decoder = { .by_length = by_length != 0 };
		size_t size = transfer_encode(by_length != 0, messages, COUNT, stream);

		transfer_decode(&decoder, stream, size - 1);
		assert_int_equal(decoder.count, COUNT - 1);
		assert_false(transfer_decoded(&decoder, messages, COUNT));
		assert_false(transfer_decoded(&decoder, messages, COUNT - 1));
	}
}

static void feed__of_a_newline_in_a_message__only_lengths_restore(void **state)
{
	static const char *const one[] = { "a\nb" };
	static const char *const two[] = { "a", "b" };
	struct transfer_decoder lines = { .by_length = false }, counted = { .by_length = true };
	char stream[TRANSFER_STREAM];

	(void)state;
	transfer_decode(&lines, stream, transfer_encode(false, one, 1, stream));
	assert_true(transfer_decoded(&lines, two, 2));
	transfer_decode(&counted, stream, transfer_encode(true, one, 1, stream));
	assert_true(transfer_decoded(&counted, one, 1));
}

static void feed__of_rubbish__stays_in_bounds(void **state)
{
	char rubbish[4 * TRANSFER_STREAM];
	struct transfer_decoder lines = { .by_length = false }, counted = { .by_length = true };

	(void)state;
	memset(rubbish, '\n', sizeof(rubbish));
	for (int i = 0; i < 3; i++)
		transfer_decode(&lines, rubbish, sizeof(rubbish));
	assert_int_equal(lines.count, TRANSFER_MESSAGES);
	memset(rubbish, 0xff, sizeof(rubbish));
	transfer_decode(&counted, rubbish, sizeof(rubbish));
	assert_int_equal(counted.count, 0);
	assert_int_equal(counted.used, TRANSFER_STREAM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mark__both_ways__is_as_written),
		cmocka_unit_test(feed__in_any_three_pieces__restores),
		cmocka_unit_test(feed__without_the_last_byte__has_not_all),
		cmocka_unit_test(feed__of_a_newline_in_a_message__only_lengths_restore),
		cmocka_unit_test(feed__of_rubbish__stays_in_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
