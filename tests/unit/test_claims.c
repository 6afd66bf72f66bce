/* SPDX-License-Identifier: MIT */
/* Tests of base/claims.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/claims.h"

enum { MANY = 1000 };

static void claim__alone__is_sole(void **state)
{
	struct claims claims;

	(void)state;
	assert_true(claims_new(&claims, 3));
	claims_count(&claims, 7);
	claims_count(&claims, 8);
	claims_count(&claims, 8);
	assert_true(claims_is_sole(&claims, 7));
	assert_false(claims_is_sole(&claims, 8));
	assert_false(claims_is_sole(&claims, 9));
	claims_free(&claims);
	assert_null(claims.table);
}

static void claim__to_what_is_reserved__is_not_sole(void **state)
{
	struct claims claims;

	(void)state;
	assert_true(claims_new(&claims, 2));
	claims_reserve(&claims, 5);
	assert_false(claims_is_sole(&claims, 5));
	claims_count(&claims, 5);
	assert_false(claims_is_sole(&claims, 5));
	claims_free(&claims);
}

static void claims__to_any_numbers__are_told_apart(void **state)
{
	static const int wild[] = { INT32_MIN, -1, 0, 1073741815, INT32_MAX - 1, INT32_MAX };
	enum { WILD = sizeof(wild) / sizeof(wild[0]) };
	struct claims claims;

	(void)state;
	assert_true(claims_new(&claims, WILD));
	assert_true(claims.mask < 32); /* whatever the numbers are */
	for (int i = 0; i < WILD; i++)
		claims_count(&claims, wild[i]);
	claims_count(&claims, wild[3]);
	for (int i = 0; i < WILD; i++)
		assert_int_equal(claims_is_sole(&claims, wild[i]), i != 3);
	claims_free(&claims);
}

/* Numbers that differ by the table's size would all get the same place. */
static void claims__that_collide__are_told_apart(void **state)
{
	struct claims claims;
	int step;

	(void)state;
	assert_true(claims_new(&claims, MANY));
	step = (int)claims.mask + 1;
	for (int i = 0; i < MANY; i++)
		claims_count(&claims, i * step);
	for (int i = 0; i < MANY; i++)
		assert_true(claims_is_sole(&claims, i * step));
	assert_false(claims_is_sole(&claims, MANY * step));
	claims_free(&claims);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(claim__alone__is_sole),
		cmocka_unit_test(claim__to_what_is_reserved__is_not_sole),
		cmocka_unit_test(claims__to_any_numbers__are_told_apart),
		cmocka_unit_test(claims__that_collide__are_told_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
