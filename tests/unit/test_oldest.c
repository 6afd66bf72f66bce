/* SPDX-License-Identifier: MIT */
/* The oldest of a walk, in any order of their times. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/oldest.h"

static void assert_list(const struct oldest *o, unsigned count, const uint32_t *indexes)
{
	assert_int_equal(o->count, count);
	for (unsigned i = 0; i < count; i++)
		assert_int_equal(o->list[i].index, indexes[i]);
}

static void fewer_than_wanted__are_all_found_in_order(void **state)
{
	struct oldest o = { .wanted = OLDEST_MOST };

	(void)state;
	assert_list(&o, 0, NULL);
	oldest_consider(&o, 0, 20);
	oldest_consider(&o, 1, 30);
	oldest_consider(&o, 2, 10);
	assert_list(&o, 3, (const uint32_t[]){ 2, 0, 1 });
}

static void more_than_wanted__the_youngest_are_left_out(void **state)
{
	struct oldest o = { .wanted = 2 };

	(void)state;
	for (uint32_t i = 0; i < 5; i++)
		oldest_consider(&o, i, 50 - i);
	oldest_consider(&o, 5, 100);
	assert_list(&o, 2, (const uint32_t[]){ 4, 3 });
}

static void of_the_same_time__the_first_of_the_walk_comes_first(void **state)
{
	struct oldest o = { .wanted = 2 };

	(void)state;
	for (uint32_t i = 0; i < 3; i++)
		oldest_consider(&o, i, 7);
	assert_list(&o, 2, (const uint32_t[]){ 0, 1 });
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fewer_than_wanted__are_all_found_in_order),
		cmocka_unit_test(more_than_wanted__the_youngest_are_left_out),
		cmocka_unit_test(of_the_same_time__the_first_of_the_walk_comes_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
