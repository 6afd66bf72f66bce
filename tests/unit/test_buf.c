/* SPDX-License-Identifier: MIT */
/* Tests of base/buf. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"

static void put__stops_where_the_room_ends(void **state)
{
	char bytes[8];
	struct buf b = { .base = bytes, .size = sizeof(bytes) };

	(void)state;
	assert_int_equal(buf_put(&b, "12345", 5), 5);
	assert_int_equal(buf_room(&b), 3);
	assert_int_equal(buf_put(&b, "6789", 4), 3);
	assert_int_equal(buf_used(&b), 8);
	assert_int_equal(buf_put(&b, "x", 1), 0);
	assert_memory_equal(buf_head(&b), "12345678", 8);
}

static void put__without_base__takes_nothing(void **state)
{
	struct buf b = { 0 };

	(void)state;
	assert_int_equal(buf_put(&b, "x", 1), 0);
	assert_int_equal(buf_used(&b), 0);
}

static void drop__of_a_part__keeps_the_rest(void **state)
{
	char bytes[8];
	struct buf b = { .base = bytes, .size = sizeof(bytes) };

	(void)state;
	buf_put(&b, "abcd", 4);
	buf_drop(&b, 3);
	assert_int_equal(buf_used(&b), 1);
	assert_int_equal(*buf_head(&b), 'd');
}

static void drop__of_all__begins_anew(void **state)
{
	char bytes[4];
	struct buf b = { .base = bytes, .size = sizeof(bytes) };

	(void)state;
	buf_put(&b, "abcd", 4);
	buf_drop(&b, 4);
	assert_int_equal(buf_used(&b), 0);
	assert_int_equal(buf_room(&b), 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(put__stops_where_the_room_ends),
		cmocka_unit_test(put__without_base__takes_nothing),
		cmocka_unit_test(drop__of_a_part__keeps_the_rest),
		cmocka_unit_test(drop__of_all__begins_anew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
