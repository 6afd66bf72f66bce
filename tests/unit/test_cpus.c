/* SPDX-License-Identifier: MIT */
/* Tests of config/cpus: quota, affinity and distribution. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sched.h>

#include "config/cpus.h"

static void quota__is_rounded_up(void **state)
{
	(void)state;
	assert_int_equal(cpus_quota("100000 100000"), 1);
	assert_int_equal(cpus_quota("150000 100000"), 2);
	assert_int_equal(cpus_quota("200000 100000\n"), 2);
	assert_int_equal(cpus_quota("1000 100000"), 1);
	assert_int_equal(cpus_quota("400000 50000"), 8);
	assert_int_equal(cpus_quota("9223372036854775807 1"), UINT32_MAX);
}

static void quota__of_no_limit_or_nonsense__is_none(void **state)
{
	static const char *const texts[] = {
		"max 100000", "-1 100000", "",
		"100000",     "100000 0",  "0 100000",
		"a b",        "1 2 3",     "99999999999999999999999999 1"
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_int_equal(cpus_quota(texts[i]), 0);
}

static void usable__follows_the_affinity(void **state)
{
	cpu_set_t old, one;
	int cpu = cpus_nth(0);

	(void)state;
	assert_true(cpu >= 0);
	assert_true(cpus_usable() >= 1);
	assert_int_equal(sched_getaffinity(0, sizeof(old), &old), 0);
	assert_true(cpus_usable() <= (unsigned)CPU_COUNT(&old));
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
	assert_int_equal(cpus_usable(), 1);
	assert_int_equal(cpus_nth(7), cpu);
	assert_int_equal(sched_setaffinity(0, sizeof(old), &old), 0);
}

static void nth__deals_out_in_turn(void **state)
{
	cpu_set_t cpus;
	unsigned count;

	(void)state;
	assert_int_equal(sched_getaffinity(0, sizeof(cpus), &cpus), 0);
	count = (unsigned)CPU_COUNT(&cpus);
	for (unsigned n = 0; n < count; n++) {
		assert_true(CPU_ISSET(cpus_nth(n), &cpus));
		assert_int_equal(cpus_nth(n), cpus_nth(n + count));
	}
	if (count > 1)
		assert_int_not_equal(cpus_nth(0), cpus_nth(1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(quota__is_rounded_up),
		cmocka_unit_test(quota__of_no_limit_or_nonsense__is_none),
		cmocka_unit_test(usable__follows_the_affinity),
		cmocka_unit_test(nth__deals_out_in_turn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
