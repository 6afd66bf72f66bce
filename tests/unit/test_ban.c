/* SPDX-License-Identifier: MIT */
/* Bans: how many crashes cause one, how long it lasts, and the addresses that are exempt. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "net/ban.h"

enum { MINUTE = 60 * 1000, PENALTY = 90 * 1000 };

static struct bans table;
static struct conf conf;

static int set_up(void **state)
{
	struct err err;

	(void)state;
	memset(&table, 0, sizeof(table));
	memset(&conf, 0, sizeof(conf));
	return option_defaults(SECTION_main, &conf, &err) ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	option_free(SECTION_main, &conf);
	return 0;
}

static struct addr address(const char *text)
{
	struct addr addr = { .len = sizeof(addr.in6) };

	if (inet_pton(AF_INET, text, &addr.in.sin_addr) == 1)
		addr.sa.sa_family = AF_INET;
	else if (inet_pton(AF_INET6, text, &addr.in6.sin6_addr) == 1)
		addr.sa.sa_family = AF_INET6;
	else
		fail_msg("%s", text);
	return addr;
}

static int64_t crash(const char *text, int64_t now_ms)
{
	struct addr addr = address(text);
	struct net net = { .family = addr.sa.sa_family, .bits = 32 };

	if (net.family == AF_INET) {
		memcpy(net.bytes, &addr.in.sin_addr, 4);
	} else {
		net.bits = 128;
		memcpy(net.bytes, &addr.in6.sin6_addr, 16);
	}
	return ban_note(&table, &conf, &net, now_ms);
}

static bool refuses(const char *text, int64_t now_ms)
{
	struct addr addr = address(text);

	return ban_refuses(&table, &addr, now_ms);
}

static void third_crash__is_refused_for_a_time__another_address_is_not(void **state)
{
	(void)state;
	assert_int_equal(crash("192.0.2.1", 1000), 0);
	assert_int_equal(crash("192.0.2.1", 2000), 0);
	assert_false(refuses("192.0.2.1", 2000));
	assert_int_equal(crash("192.0.2.1", 3000), PENALTY);
	assert_true(refuses("192.0.2.1", 3001));
	assert_false(refuses("192.0.2.2", 3001));
	assert_true(refuses("192.0.2.1", 3000 + PENALTY - 1));
	assert_false(refuses("192.0.2.1", 3000 + PENALTY));
}

static void next_crash__doubles_it__up_to_ten_minutes(void **state)
{
	static const int64_t lengths[] = { 180, 360, 600, 600 };
	int64_t now_ms = 1000;

	(void)state;
	for (int i = 0; i < 3; i++)
		crash("192.0.2.1", now_ms);
	for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
		now_ms += 11 * MINUTE;
		assert_int_equal(crash("192.0.2.1", now_ms), lengths[i] * 1000);
	}
}

static void crashes__long_ago__do_not_count(void **state)
{
	(void)state;
	crash("192.0.2.1", 1000);
	crash("192.0.2.1", 2000);
	assert_int_equal(crash("192.0.2.1", 2000 + 10 * MINUTE), 0);
	assert_int_equal(crash("192.0.2.1", 3000 + 10 * MINUTE), 0);
	assert_int_equal(crash("192.0.2.1", 4000 + 10 * MINUTE), PENALTY);
}

static void exempt_addresses_and_unix_clients__are_never_counted(void **state)
{
	const struct option *exempt = option_find(SECTION_main, "exempt");
	const char *net = "192.0.2.0/24";
	const struct net local = { .family = AF_UNIX };
	struct err err;

	(void)state;
	assert_true(option_read(exempt, &conf, &net, 1, &err));
	for (int i = 0; i < 5; i++) {
		assert_int_equal(crash("192.0.2.1", 1000), 0);
		assert_int_equal(ban_note(&table, &conf, &local, 1000), 0);
	}
	assert_false(refuses("192.0.2.1", 1000));
}

static void crash_limit_off__counts_nobody(void **state)
{
	(void)state;
	conf.crash_limit = 0;
	for (int i = 0; i < 5; i++)
		assert_int_equal(crash("192.0.2.1", 1000), 0);
}

static void ipv6__counts_by_its_network__and_mapped_ipv4_as_ipv4(void **state)
{
	(void)state;
	crash("2001:db8::1", 1000);
	crash("2001:db8::2", 1000);
	assert_int_equal(crash("2001:db8::3", 1000), PENALTY);
	assert_true(refuses("2001:db8::4", 1001));
	assert_false(refuses("2001:db8:0:1::1", 1001));
	crash("::ffff:192.0.2.1", 1000);
	crash("192.0.2.1", 1000);
	assert_int_equal(crash("::ffff:192.0.2.1", 1000), PENALTY);
	assert_true(refuses("192.0.2.1", 1001));
	assert_true(refuses("::ffff:192.0.2.1", 1001));
}

/* More addresses than places: a refused address stays refused. */
static void full_table__keeps_those_that_are_refused(void **state)
{
	char text[32];

	(void)state;
	for (int i = 0; i < 3; i++)
		crash("192.0.2.1", 1000);
	for (int i = 0; i < 200; i++) {
		snprintf(text, sizeof(text), "198.51.100.%d", i);
		crash(text, 2000 + i);
	}
	assert_true(refuses("192.0.2.1", 3000));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			third_crash__is_refused_for_a_time__another_address_is_not, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(next_crash__doubles_it__up_to_ten_minutes, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(crashes__long_ago__do_not_count, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			exempt_addresses_and_unix_clients__are_never_counted, set_up, tear_down),
		cmocka_unit_test_setup_teardown(crash_limit_off__counts_nobody, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			ipv6__counts_by_its_network__and_mapped_ipv4_as_ipv4, set_up, tear_down),
		cmocka_unit_test_setup_teardown(full_table__keeps_those_that_are_refused, set_up,
						tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
