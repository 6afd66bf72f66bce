/* SPDX-License-Identifier: MIT */
/* Tests of client/target.c, with addresses alone: no resolver is used. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "client/target.h"

static struct target target;
static struct err err;

static int read_words(bool http, int family, const char *const *words)
{
	char *copies[4];
	int count = 0;

	memset(&err, 0, sizeof(err));
	for (; words[count] != NULL; count++)
		copies[count] = (char *)words[count];
	return target_read(&target, copies, count, family, http, &err);
}
#define READ(...)      read_words(false, AF_UNSPEC, (const char *const[]){ __VA_ARGS__, NULL })
#define READ_HTTP(...) read_words(true, AF_UNSPEC, (const char *const[]){ __VA_ARGS__, NULL })

static void assert_target(int used, int wanted, const char *name)
{
	char shown[ADDR_TEXT];

	if (used == 0)
		fail_msg("%s: %s", name, err.text);
	assert_int_equal(used, wanted);
	assert_string_equal(target.name, name);
	assert_int_equal(target.count, 1);
	assert_string_equal(addr_write(&target.addresses[0], shown), name);
}

static void words__name_a_target_in_many_ways(void **state)
{
	(void)state;
	assert_target(READ("127.0.0.1", "80", "message"), 2, "127.0.0.1:80");
	assert_target(READ("127.0.0.1:80", "message"), 1, "127.0.0.1:80");
	assert_target(READ("::1", "80"), 2, "[::1]:80");
	assert_target(READ("[::1]", "80"), 2, "[::1]:80");
	assert_target(READ("[::1]:80"), 1, "[::1]:80");
	assert_target(READ("unix:/tmp/x:y", "message"), 1, "unix:/tmp/x:y");
	assert_false(target.is_http);
}

static void words__that_name_none__are_refused(void **state)
{
	static const struct {
		const char *words[3];
		const char *message;
	} rows[] = {
		{ { NULL }, "HOST PORT or unix:PATH is missing (-h shows how)" },
		{ { "127.0.0.1" }, "the port is missing (HOST PORT, or unix:PATH)" },
		{ { "127.0.0.1", "http" }, "port \"http\": is not a number from 1 to 65535" },
		{ { "127.0.0.1", "0" }, "port \"0\": is not a number from 1 to 65535" },
		{ { "127.0.0.1:65536" }, NULL },
		{ { ":80" }, "a host is missing before port 80" },
		{ { "*:80" }, "a host is missing before port 80" },
		{ { "", "80" }, "a host is missing before port 80" },
		{ { "unix:x" }, NULL },
		{ { "1.2.3", "80" }, NULL },
		{ { "[::1", "80" }, NULL },
		{ { "[::1]:" }, NULL },
		{ { "a b", "80" }, NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (read_words(false, AF_UNSPEC, rows[i].words) != 0)
			fail_msg("%s: was taken", rows[i].words[0]);
		assert_int_equal(err.code, CODE_USAGE);
		if (rows[i].message != NULL)
			assert_string_equal(err.text, rows[i].message);
	}
}

static void http__with_user_and_password__is_refused_as_such(void **state)
{
	static const char *const urls[] = { "http://user:pw@host/", "http://user@host:80/x",
					    "http://[::1]@host" };

	(void)state;
	for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
		assert_int_equal(
			read_words(true, AF_UNSPEC, (const char *const[]){ urls[i], NULL }), 0);
		assert_string_equal(err.text,
				    "a user and a password in an address are not supported");
		assert_int_equal(err.code, CODE_USAGE);
	}
	/* after the host it is a character like any other */
	assert_int_equal(read_words(true, AF_UNSPEC,
				    (const char *const[]){ "http://127.0.0.1:1/@", NULL }),
			 1);
}

static void words__too_long__are_refused(void **state)
{
	static char host[5000];

	(void)state;
	memset(host, 'a', sizeof(host) - 1);
	assert_int_equal(READ(host, "80"), 0);
	assert_int_equal(err.code, CODE_USAGE);
	memcpy(host, "unix:/", 6);
	assert_int_equal(READ(host), 0);
	assert_int_equal(err.code, CODE_USAGE);
	memcpy(host, "http://", 7);
	assert_int_equal(READ_HTTP(host), 0);
	assert_int_equal(err.code, CODE_USAGE);
}

static void family__that_the_host_has_not__is_no_host(void **state)
{
	static const char *const words[] = { "127.0.0.1", "80", NULL };

	(void)state;
	assert_int_equal(read_words(false, AF_INET, words), 2);
	assert_int_equal(read_words(false, AF_INET6, words), 0);
	assert_int_equal(err.code, CODE_NOHOST);
	assert_string_equal(err.text, "127.0.0.1:80 has no IPv6 address");
}

static void http__address__has_a_host_and_a_path(void **state)
{
	(void)state;
	assert_target(READ_HTTP("http://127.0.0.1:8080/a/b?c=d#e"), 1, "127.0.0.1:8080");
	assert_true(target.is_http);
	assert_string_equal(target.path, "/a/b?c=d");
	assert_target(READ_HTTP("http://127.0.0.1"), 1, "127.0.0.1:80");
	assert_string_equal(target.path, "/");
	assert_target(READ_HTTP("http://[::1]:8080"), 1, "[::1]:8080");
	assert_target(READ_HTTP("http://[::1]/x"), 1, "[::1]:80");
	assert_string_equal(target.path, "/x");
	assert_target(READ_HTTP("http://127.0.0.1?q"), 1, "127.0.0.1:80");
	assert_string_equal(target.path, "/?q");
	assert_int_equal(READ_HTTP("http://127.0.0.1/a\r\nHost: x"), 0);
	assert_int_equal(err.code, CODE_USAGE);
	assert_int_equal(READ_HTTP("http:///x"), 0);
	assert_int_equal(err.code, CODE_USAGE);
	assert_int_equal(READ("http://127.0.0.1/"), 0);
	assert_int_equal(err.code, CODE_USAGE);
}

static void assert_source(const char *text, int family, const char *wanted)
{
	struct addr source;
	char shown[ADDR_TEXT];

	if (!target_read_source(text, family, &source, &err))
		fail_msg("%s: %s", text, err.text);
	assert_string_equal(addr_write(&source, shown), wanted);
}

static void source__may_have_a_port(void **state)
{
	(void)state;
	assert_source("127.0.0.1", AF_UNSPEC, "127.0.0.1:0");
	assert_source("127.0.0.1:4000", AF_INET, "127.0.0.1:4000");
	assert_source("::1", AF_INET6, "[::1]:0");
	assert_source("[::1]", AF_UNSPEC, "[::1]:0");
	assert_source("[::1]:4000", AF_UNSPEC, "[::1]:4000");
}

static void source__that_is_wrong__is_refused(void **state)
{
	struct addr source;

	(void)state;
	assert_false(target_read_source("1.2.3", AF_UNSPEC, &source, &err));
	assert_int_equal(err.code, CODE_USAGE);
	assert_memory_equal(err.text, "--bind: ", 8);
	assert_false(target_read_source("127.0.0.1:x", AF_UNSPEC, &source, &err));
	assert_int_equal(err.code, CODE_USAGE);
	assert_false(target_read_source("::1", AF_INET, &source, &err));
	assert_int_equal(err.code, CODE_USAGE);
	assert_string_equal(err.text, "--bind ::1: is no IPv4 address");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words__name_a_target_in_many_ways),
		cmocka_unit_test(words__that_name_none__are_refused),
		cmocka_unit_test(http__with_user_and_password__is_refused_as_such),
		cmocka_unit_test(words__too_long__are_refused),
		cmocka_unit_test(family__that_the_host_has_not__is_no_host),
		cmocka_unit_test(http__address__has_a_host_and_a_path),
		cmocka_unit_test(source__may_have_a_port),
		cmocka_unit_test(source__that_is_wrong__is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
