/* SPDX-License-Identifier: MIT */
/* The list of free indexes: those given back first, then those never used, and none twice. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/free_list.h"

enum { MOST = 4 };

static void take__of_all__gives_each_once(void **state)
{
	struct free_list list;

	(void)state;
	assert_true(free_list_start(&list, MOST));
	for (uint32_t i = 0; i < MOST; i++) {
		assert_false(free_list_is_empty(&list));
		assert_int_equal(free_list_take(&list), i);
	}
	assert_true(free_list_is_empty(&list));
	free_list_stop(&list);
}

static void given_back__comes_before_those_never_used__the_last_one_first(void **state)
{
	static const uint32_t order[MOST] = { 2, 0, 1, 3 };
	struct free_list list;

	(void)state;
	assert_true(free_list_start(&list, MOST));
	for (unsigned i = 0; i < 3; i++)
		(void)free_list_take(&list);
	free_list_give(&list, 1);
	free_list_give(&list, 0);
	free_list_give(&list, 2);
	for (unsigned i = 0; i < MOST; i++)
		assert_int_equal(free_list_take(&list), order[i]);
	assert_true(free_list_is_empty(&list));
	free_list_stop(&list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(take__of_all__gives_each_once),
		cmocka_unit_test(given_back__comes_before_those_never_used__the_last_one_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
