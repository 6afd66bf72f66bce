/* SPDX-License-Identifier: MIT */
/*
 * Tests of config/fdlimit: the number of descriptors, its limit, and the message when they run out.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "config/fdlimit.h"

static void open__counts_what_is_open(void **state)
{
	unsigned before = fdlimit_open();
	int fd = dup(STDOUT_FILENO);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(fdlimit_open(), before + 1);
	close(fd);
	assert_int_equal(fdlimit_open(), before);
}

static void allowed__is_what_the_hard_limit_gives_and_changes_nothing(void **state)
{
	struct rlimit before, after;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	assert_true(fdlimit_allowed(before.rlim_max));
	/* no system allows this many, not even to root */
	assert_false(fdlimit_allowed(RLIM_INFINITY - 1));
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &after), 0);
	assert_int_equal(after.rlim_cur, before.rlim_cur);
	assert_int_equal(after.rlim_max, before.rlim_max);
}

static void raise__beyond_what_is_allowed__goes_as_far_as_it_can(void **state)
{
	struct rlimit before, after;
	rlim_t possible = 0;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	before.rlim_cur = before.rlim_max / 2;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_true(fdlimit_raise(before.rlim_cur + 1, &possible));
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &after), 0);
	assert_int_equal(after.rlim_cur, before.rlim_cur + 1);
	assert_int_equal(after.rlim_max, before.rlim_max);
	assert_false(fdlimit_raise(RLIM_INFINITY - 1, &possible));
	assert_int_equal(possible, before.rlim_max);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &after), 0);
	assert_int_equal(after.rlim_cur, before.rlim_max);
	assert_int_equal(after.rlim_max, before.rlim_max);
}

static void refuse__says_how_many_and_what_raises_the_limit(void **state)
{
	char message[256];
	struct rlimit limit;
	struct err err;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	assert_false(fdlimit_refuse(99, "for x", &err));
	snprintf(message, sizeof(message),
		 "for x: 99 descriptors are needed, and the hard limit is %llu (raise it by ulimit "
		 "-Hn or LimitNOFILE=)",
		 (unsigned long long)limit.rlim_max);
	assert_string_equal(err.text, message);
	assert_int_equal(err.code, CODE_OSERR);
}

static void explain__adds_to_what_ran_out_of_descriptors_only(void **state)
{
	struct err err;

	(void)state;
	err_set(&err, CODE_UNAVAILABLE, "cannot bind x");
	assert_false(fdlimit_explain(EADDRINUSE, &err));
	assert_string_equal(err.text, "cannot bind x");
	assert_int_equal(err.code, CODE_UNAVAILABLE);
	fdlimit_explain(EMFILE, &err);
	assert_non_null(strstr(err.text, "raise it by ulimit -Hn or LimitNOFILE=)"));
	assert_int_equal(err.code, CODE_OSERR);
	assert_int_equal(errno, EMFILE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(open__counts_what_is_open),
		cmocka_unit_test(allowed__is_what_the_hard_limit_gives_and_changes_nothing),
		cmocka_unit_test(raise__beyond_what_is_allowed__goes_as_far_as_it_can),
		cmocka_unit_test(refuse__says_how_many_and_what_raises_the_limit),
		cmocka_unit_test(explain__adds_to_what_ran_out_of_descriptors_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
