/* SPDX-License-Identifier: MIT */
/* Tests of config/identity: names, and numbers with and without a name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "config/identity.h"

#define NAMELESS "3999999999"

static void user__is_found_by_name_and_by_number(void **state)
{
	uid_t user = 1;
	gid_t group = 1;

	(void)state;
	assert_true(identity_user("root", &user, &group));
	assert_int_equal(user, 0);
	assert_int_equal(group, 0);
	group = 1;
	assert_true(identity_user("0", &user, &group));
	assert_int_equal(group, 0);
	assert_true(identity_user("root", &user, NULL));
	assert_true(identity_group("root", &group));
	assert_int_equal(group, 0);
}

static void number__without_a_name__is_a_user_without_a_group(void **state)
{
	uid_t user;
	gid_t group;

	(void)state;
	assert_true(identity_user(NAMELESS, &user, &group));
	assert_int_equal(user, 3999999999);
	assert_int_equal(group, (gid_t)-1);
	assert_true(identity_group(NAMELESS, &group));
	assert_int_equal(group, 3999999999);
}

static void nonsense__is_nobody(void **state)
{
	static const char *const names[] = { "no-such-one", "", "-1", "4294967295", "99999999999" };
	uid_t user;
	gid_t group;

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		assert_false(identity_user(names[i], &user, &group));
		assert_false(identity_group(names[i], &group));
	}
}

static void workers__of_a_number_without_a_name__need_a_group(void **state)
{
	struct conf conf = { .user = (char *)NAMELESS, .group = (char *)"" };
	struct identity who;
	struct err err;

	(void)state;
	assert_false(identity_find(&conf, &who, &err));
	assert_non_null(strstr(err.text, "(set group)"));
	conf.group = (char *)NAMELESS;
	assert_true(identity_find(&conf, &who, &err));
	assert_true(who.changes);
	assert_int_equal(who.user, 3999999999);
	assert_int_equal(who.group, 3999999999);
}

static void workers__of_root__are_never_root_for_want_of_a_name(void **state)
{
	struct conf conf = { .user = (char *)"", .group = (char *)"" };
	struct identity who;
	struct err err;

	(void)state;
	assert_false(identity_find(&conf, &who, &err));
	assert_string_equal(err.text, "user: is empty (name the workers' user, or root itself)");
	assert_int_equal(err.code, CODE_CONFIG);
	conf.user = (char *)"root";
	assert_true(identity_find(&conf, &who, &err));
	assert_false(who.changes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(user__is_found_by_name_and_by_number),
		cmocka_unit_test(number__without_a_name__is_a_user_without_a_group),
		cmocka_unit_test(nonsense__is_nobody),
	};
	const struct CMUnitTest as_root[] = {
		cmocka_unit_test(workers__of_a_number_without_a_name__need_a_group),
		cmocka_unit_test(workers__of_root__are_never_root_for_want_of_a_name),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	if (getuid() == 0)
		failed += cmocka_run_group_tests(as_root, NULL, NULL);
	else
		printf("# left out, needs root: workers of another user\n");
	return failed;
}
