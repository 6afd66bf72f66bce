/* SPDX-License-Identifier: MIT */
/* allow and deny. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "net/acl.h"

static bool allows(const char *allow, const char *deny, const char *remote)
{
	struct addr addr = { .len = sizeof(addr.in), .in.sin_family = AF_INET };
	const struct option *rows[] = { option_find(SECTION_listen, "allow"),
					option_find(SECTION_listen, "deny") };
	const char *texts[] = { allow, deny };
	struct listen_conf conf = { 0 };
	struct err err;
	bool answer;

	assert_true(option_defaults(SECTION_listen, &conf, &err));
	for (int i = 0; i < 2; i++)
		if (texts[i])
			assert_true(option_read(rows[i], &conf, &texts[i], 1, &err));
	assert_int_equal(inet_pton(AF_INET, remote, &addr.in.sin_addr), 1);
	answer = acl_allows(&conf, &addr);
	option_free(SECTION_listen, &conf);
	return answer;
}

static void empty_lists__allow_all(void **state)
{
	(void)state;
	assert_true(allows(NULL, NULL, "192.0.2.1"));
}

static void allow__leaves_out_the_rest(void **state)
{
	(void)state;
	assert_true(allows("10.0.0.0/8", NULL, "10.1.2.3"));
	assert_false(allows("10.0.0.0/8", NULL, "11.1.2.3"));
}

static void deny__wins_over_allow(void **state)
{
	(void)state;
	assert_false(allows("10.0.0.0/8", "10.1.0.0/16", "10.1.2.3"));
	assert_true(allows("10.0.0.0/8", "10.1.0.0/16", "10.2.2.3"));
	assert_false(allows(NULL, "10.1.2.3", "10.1.2.3"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(empty_lists__allow_all),
		cmocka_unit_test(allow__leaves_out_the_rest),
		cmocka_unit_test(deny__wins_over_allow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
