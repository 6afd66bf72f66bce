/* SPDX-License-Identifier: MIT */
/* Tests of base/addr and base/addr_net: reading, writing, comparing, blocks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <string.h>

#include "base/addr.h"

static void check__takes_every_documented_form(void **state)
{
	static const char *const texts[] = {
		"8080",        ":8080",           "*:8080",        "0",
		"65535",       "127.0.0.1:8080",  "[::1]:8080",    "[::]:0",
		"name:8080",   "a.example.org:1", "unix:/run/x.s", "[fe80::1%eth0]:80",
		"my_host-1:9",
	};
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (!addr_check(texts[i], &err))
			fail_msg("%s: %s", texts[i], err.text);
	}
}

static void check__refuses_with_a_reason(void **state)
{
	static const struct {
		const char *text, *reason;
	} rows[] = {
		{ "", "no port" },
		{ "localhost", "no port" },
		{ "65536", "0 to 65535" },
		{ "99999999999999999999", "0 to 65535" },
		{ "127.0.0.1:", "0 to 65535" },
		{ "127.0.0.1:http", "0 to 65535" },
		{ "127.0.0.1:-1", "0 to 65535" },
		{ "127.0.0.1: 80", "0 to 65535" },
		{ "127.0.0.256:80", "four numbers" },
		{ "127.1:80", "four numbers" },
		{ "::1:80", "brackets" },
		{ "[::1]", "no port" },
		{ "[::1:80", "not closed" },
		{ "[::1]80", "no port" },
		{ "[127.0.0.1]:80", "not an IPv6" },
		{ "[::1%]:80", "not an IPv6" },
		{ "[]:80", "not an IPv6" },
		{ "a b:80", "no host's name" },
		{ "a..b:80", "no host's name" },
		{ "-a:80", "no host's name" },
		{ "unix:", "begins with /" },
		{ "unix:x.sock", "begins with /" },
	};
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (addr_check(rows[i].text, &err))
			fail_msg("\"%s\" was taken", rows[i].text);
		assert_int_equal(err.code, CODE_CONFIG);
		if (!strstr(err.text, rows[i].reason))
			fail_msg("\"%s\": %s", rows[i].text, err.text);
	}
}

static void check__of_overlong_text__is_refused(void **state)
{
	char text[600] = "unix:/";
	struct err err;

	(void)state;
	memset(text + 6, 'a', 106);
	assert_true(addr_check(text, &err));
	memset(text + 6, 'a', 107);
	assert_false(addr_check(text, &err));
	memset(text, 'a', sizeof(text) - 1);
	memcpy(text + sizeof(text) - 4, ":80", 4);
	assert_false(addr_check(text, &err));
}

static void resolve__then_write__gives_the_address_back(void **state)
{
	static const char *const texts[] = { "127.0.0.1:80", "[::1]:8080", "unix:/run/x.sock",
					     "0.0.0.0:0", "[2001:db8::1]:65535" };
	char text[ADDR_TEXT];
	struct addr addr;
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		assert_int_equal(addr_resolve(texts[i], &addr, 1, &err), 1);
		assert_string_equal(addr_write(&addr, text), texts[i]);
	}
}

static void resolve__of_all_forms_of_any__is_one_wildcard(void **state)
{
	struct addr bare, colon, star;
	struct err err;

	(void)state;
	assert_int_equal(addr_resolve("8080", &bare, 1, &err), 1);
	assert_int_equal(addr_resolve(":8080", &colon, 1, &err), 1);
	assert_int_equal(addr_resolve("*:8080", &star, 1, &err), 1);
	assert_true(addr_equal(&bare, &colon));
	assert_true(addr_equal(&bare, &star));
	assert_int_equal(bare.in.sin_port, htons(8080));
}

static void resolve__of_a_wrong_text__is_a_configuration_error(void **state)
{
	struct addr addr;
	struct err err;

	(void)state;
	assert_int_equal(addr_resolve("nonsense", &addr, 1, &err), 0);
	assert_int_equal(err.code, CODE_CONFIG);
}

static void resolve__never_gives_more_than_asked_for(void **state)
{
	struct addr two[2];
	struct err err;

	(void)state;
	memset(two, 0x55, sizeof(two));
	if (addr_resolve("localhost:80", two, 1, &err) == 0)
		skip(); /* a minimal system resolves no name */
	assert_int_equal(((unsigned char *)&two[1])[0], 0x55);
}

static void write__of_mapped_ipv4__is_ipv4(void **state)
{
	struct addr addr = { .len = sizeof(addr.in6), .in6.sin6_family = AF_INET6 };
	char text[ADDR_TEXT];

	(void)state;
	addr.in6.sin6_port = htons(80);
	inet_pton(AF_INET6, "::ffff:192.0.2.1", &addr.in6.sin6_addr);
	assert_string_equal(addr_write(&addr, text), "192.0.2.1:80");
}

static void write__of_an_unnamed_unix_socket__is_short(void **state)
{
	struct addr addr = { .len = sizeof(sa_family_t), .un.sun_family = AF_UNIX };
	char text[ADDR_TEXT];

	(void)state;
	memset(addr.un.sun_path, 'x', sizeof(addr.un.sun_path));
	assert_string_equal(addr_write(&addr, text), "unix:");
}

static struct addr address(const char *text)
{
	struct addr addr;
	struct err err;

	assert_int_equal(addr_resolve(text, &addr, 1, &err), 1);
	return addr;
}

static void equal__compares_family_address_port_and_path(void **state)
{
	static const char *const texts[] = { "127.0.0.1:80", "127.0.0.1:81", "127.0.0.2:80",
					     "[::1]:80",     "[::2]:80",     "unix:/a",
					     "unix:/ab" };
	size_t count = sizeof(texts) / sizeof(texts[0]);

	(void)state;
	for (size_t i = 0; i < count; i++) {
		for (size_t k = 0; k < count; k++) {
			struct addr a = address(texts[i]), b = address(texts[k]);

			assert_int_equal(addr_equal(&a, &b), i == k);
		}
	}
}

static void equal__ignores_how_a_path_ends(void **state)
{
	struct addr a = address("unix:/run/x"), b = a;

	(void)state;
	b.len--;
	assert_true(addr_equal(&a, &b));
}

static void net_read__takes_blocks_and_refuses_the_rest(void **state)
{
	static const char *const good[] = { "10.0.0.0/8", "192.0.2.1", "0.0.0.0/0", "2001:db8::/32",
					    "::/0",       "::1",       "unix" };
	static const char *const bad[] = { "",       "10.0.0.0/33", "10.0.0.0/",   "10.0.0/8",
					   "::/129", "all",         "10.0.0.0/-1", "10.0.0.0/8 ",
					   "unix/0", "name",        "[::1]" };
	struct net net;
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_true(net_read(good[i], &net, &err));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (net_read(bad[i], &net, &err))
			fail_msg("\"%s\" was taken", bad[i]);
		assert_int_equal(err.code, CODE_CONFIG);
	}
}

static bool holds(const char *block, const char *text)
{
	struct addr addr = address(text);
	struct net net;
	struct err err;

	assert_true(net_read(block, &net, &err));
	return net_holds(&net, &addr);
}

static void net_holds__compares_the_leading_bits(void **state)
{
	(void)state;
	assert_true(holds("10.0.0.0/8", "10.255.1.2:80"));
	assert_false(holds("10.0.0.0/8", "11.0.0.1:80"));
	assert_true(holds("10.1.2.3/8", "10.9.9.9:80"));
	assert_true(holds("192.0.2.128/25", "192.0.2.129:1"));
	assert_false(holds("192.0.2.128/25", "192.0.2.127:1"));
	assert_true(holds("192.0.2.1", "192.0.2.1:1"));
	assert_false(holds("192.0.2.1", "192.0.2.0:1"));
	assert_true(holds("0.0.0.0/0", "8.8.8.8:1"));
	assert_true(holds("2001:db8::/33", "[2001:db8:7fff::1]:1"));
	assert_false(holds("2001:db8::/33", "[2001:db8:8000::1]:1"));
	assert_true(holds("::1", "[::1]:1"));
}

static void net_holds__keeps_families_apart_but_for_mapped_ones(void **state)
{
	(void)state;
	assert_false(holds("::/0", "127.0.0.1:1"));
	assert_false(holds("0.0.0.0/0", "[::1]:1"));
	assert_true(holds("10.0.0.0/8", "[::ffff:10.1.1.1]:1"));
	assert_false(holds("::/0", "[::ffff:10.1.1.1]:1"));
	assert_true(holds("::ffff:10.0.0.0/104", "10.2.3.4:1"));
	assert_true(holds("unix", "unix:/x"));
	assert_false(holds("unix", "127.0.0.1:1"));
	assert_false(holds("0.0.0.0/0", "unix:/x"));
}

static void net_is_host__of_whole_addresses_alone(void **state)
{
	static const struct {
		const char *text;
		bool is_host;
	} rows[] = {
		{ "192.0.2.1", true },     { "192.0.2.1/32", true },
		{ "192.0.2.0/31", false }, { "0.0.0.0/0", false },
		{ "::1", true },           { "2001:db8::/127", false },
		{ "::/32", false },        { "::ffff:192.0.2.1", true },
		{ "unix", false },
	};
	struct net net = { .family = AF_UNSPEC };
	struct err err;

	(void)state;
	assert_false(net_is_host(&net));
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		assert_true(net_read(rows[i].text, &net, &err));
		if (net_is_host(&net) != rows[i].is_host)
			fail_msg("%s", rows[i].text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(check__takes_every_documented_form),
		cmocka_unit_test(check__refuses_with_a_reason),
		cmocka_unit_test(check__of_overlong_text__is_refused),
		cmocka_unit_test(resolve__then_write__gives_the_address_back),
		cmocka_unit_test(resolve__of_all_forms_of_any__is_one_wildcard),
		cmocka_unit_test(resolve__of_a_wrong_text__is_a_configuration_error),
		cmocka_unit_test(resolve__never_gives_more_than_asked_for),
		cmocka_unit_test(write__of_mapped_ipv4__is_ipv4),
		cmocka_unit_test(write__of_an_unnamed_unix_socket__is_short),
		cmocka_unit_test(equal__compares_family_address_port_and_path),
		cmocka_unit_test(equal__ignores_how_a_path_ends),
		cmocka_unit_test(net_read__takes_blocks_and_refuses_the_rest),
		cmocka_unit_test(net_holds__compares_the_leading_bits),
		cmocka_unit_test(net_holds__keeps_families_apart_but_for_mapped_ones),
		cmocka_unit_test(net_is_host__of_whole_addresses_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
