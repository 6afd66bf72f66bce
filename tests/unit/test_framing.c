/* SPDX-License-Identifier: MIT */
/* Tests of client/framing.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "client/framing.h"

static struct frame start(enum framing framing, uint64_t expected)
{
	return (struct frame){ .framing = framing, .expected = expected };
}

static void assert_piece(struct piece piece, size_t used, size_t at, size_t content, bool whole)
{
	assert_false(piece.is_wrong);
	assert_int_equal(piece.used, used);
	assert_int_equal(piece.content_at, at);
	assert_int_equal(piece.content, content);
	assert_int_equal(piece.is_whole, whole);
}

static void read__knows_three_words(void **state)
{
	enum framing framing = FRAMING_LENGTH;
	struct err err = { .code = CODE_OK };

	(void)state;
	assert_true(framing_read("raw", &framing, &err));
	assert_int_equal(framing, FRAMING_RAW);
	assert_true(framing_read("line", &framing, &err));
	assert_int_equal(framing, FRAMING_LINE);
	assert_true(framing_read("length", &framing, &err));
	assert_int_equal(framing, FRAMING_LENGTH);
	assert_false(framing_read("Line", &framing, &err));
	assert_int_equal(framing, FRAMING_LENGTH);
	assert_int_equal(err.code, CODE_USAGE);
	assert_string_equal(err.text, "--framing \"Line\": is not raw, line or length");
}

static void wrap__adds_what_the_framing_adds(void **state)
{
	char out[3 + FRAMING_EXTRA];

	(void)state;
	assert_int_equal(framing_wrap(FRAMING_RAW, "a\nb", 3, out), 3);
	assert_memory_equal(out, "a\nb", 3);
	assert_int_equal(framing_wrap(FRAMING_LINE, "abc", 3, out), 4);
	assert_memory_equal(out, "abc\n", 4);
	assert_int_equal(framing_wrap(FRAMING_LENGTH, "abc", 3, out), 7);
	assert_memory_equal(out, "\0\0\0\3abc", 7);
	assert_int_equal(framing_wrap(FRAMING_LENGTH, "", 0, out), 4);
	assert_memory_equal(out, "\0\0\0\0", 4);
}

static void take__of_raw__counts_to_what_is_expected(void **state)
{
	struct frame frame = start(FRAMING_RAW, 5);

	(void)state;
	assert_piece(framing_take(&frame, "abc", 3), 3, 0, 3, false);
	assert_piece(framing_take(&frame, "defg", 4), 2, 0, 2, true);
	frame = start(FRAMING_RAW, UINT64_MAX);
	assert_piece(framing_take(&frame, "abc", 3), 3, 0, 3, false);
}

static void take__of_a_line__ends_at_the_first_lf(void **state)
{
	struct frame frame = start(FRAMING_LINE, 0);

	(void)state;
	assert_piece(framing_take(&frame, "ab", 2), 2, 0, 2, false);
	assert_piece(framing_take(&frame, "c\r\nd\n", 5), 3, 0, 2, true);
	assert_int_equal(frame.got, 5);
	frame = start(FRAMING_LINE, 0);
	assert_piece(framing_take(&frame, "\n", 1), 1, 0, 0, true);
}

static void take__of_a_length__may_be_split_anywhere(void **state)
{
	static const char bytes[] = "\0\0\0\3abc\0";

	(void)state;
	for (size_t cut = 1; cut < 7; cut++) {
		struct frame frame = start(FRAMING_LENGTH, 0);
		struct piece first = framing_take(&frame, bytes, cut);
		struct piece rest = framing_take(&frame, bytes + cut, sizeof(bytes) - 1 - cut);

		assert_int_equal(first.used, cut);
		assert_int_equal(first.content, cut > 4 ? cut - 4 : 0);
		assert_false(first.is_whole);
		assert_int_equal(rest.used, 7 - cut);
		assert_int_equal(first.content + rest.content, 3);
		assert_true(rest.is_whole);
		assert_memory_equal(bytes + cut + rest.content_at + rest.content - 1, "c", 1);
	}
}

static void take__of_a_length_of_0__is_whole_with_its_header(void **state)
{
	struct frame frame = start(FRAMING_LENGTH, 0);

	(void)state;
	assert_piece(framing_take(&frame, "\0\0\0", 3), 3, 3, 0, false);
	assert_piece(framing_take(&frame, "\0x", 2), 1, 1, 0, true);
}

static void take__of_a_length_beyond_the_most__is_wrong(void **state)
{
	struct frame frame = start(FRAMING_LENGTH, 0);

	(void)state;
	assert_piece(framing_take(&frame, "\x10\0\0\0", 4), 4, 4, 0, false);
	frame = start(FRAMING_LENGTH, 0);
	assert_true(framing_take(&frame, "\x10\0\0\1", 4).is_wrong);
	frame = start(FRAMING_LENGTH, 0);
	assert_true(framing_take(&frame, "\xff\xff\xff\xffxyz", 7).is_wrong);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(read__knows_three_words),
		cmocka_unit_test(wrap__adds_what_the_framing_adds),
		cmocka_unit_test(take__of_raw__counts_to_what_is_expected),
		cmocka_unit_test(take__of_a_line__ends_at_the_first_lf),
		cmocka_unit_test(take__of_a_length__may_be_split_anywhere),
		cmocka_unit_test(take__of_a_length_of_0__is_whole_with_its_header),
		cmocka_unit_test(take__of_a_length_beyond_the_most__is_wrong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
