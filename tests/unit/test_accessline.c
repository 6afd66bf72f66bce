/* SPDX-License-Identifier: MIT */
/*
 * A line of the access log, byte by byte: both formats, foreign characters, and values that do not
 * fit.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "accesslog/accessline.h"

static const struct net v4 = { .family = AF_INET, .bits = 32, .bytes = { 192, 0, 2, 17 } };

static struct access_entry entry(void)
{
	return (struct access_entry){
		.time = INT64_C(1790000000123456),
		.what = "connection",
		.worker = 3,
		.generation = 2,
		.connection = 12345,
		.listen = "*:8081",
		.service = "ack",
		.remote = { &v4, 65535 },
		.bytes_in = 1,
		.bytes_out = UINT64_MAX,
		.messages = 10,
		.seconds = 1500000,
		.ending = "drained",
		.state = "K-",
	};
}

static char room[ACCESSLINE_MOST + 1];

static const char *line_of(const struct access_entry *e, enum access_format format)
{
	struct access_clock clock = { 0 };
	struct strbuf to = strbuf_on(room, ACCESSLINE_MOST);

	assert_true(accessline_write(&to, e, format, &clock));
	room[to.used] = '\0';
	return room;
}

static void text__line_has_every_field_in_order(void **state)
{
	struct access_entry e = entry();

	(void)state;
	assert_string_equal(
		line_of(&e, ACCESS_LOGFMT),
		"time=2026-09-21T14:13:20.123Z what=connection worker=3 "
		"generation=2 connection=12345 listen=*:8081 service=ack remote=192.0.2.17:65535 "
		"bytes_in=1 bytes_out=18446744073709551615 messages=10 seconds=1.5 "
		"ending=drained state=K-\n");
}

static void json__line_has_every_field_in_order(void **state)
{
	struct access_entry e = entry();

	(void)state;
	e.method = (struct access_text){ "GET", 3 };
	e.path = (struct access_text){ "/", 1 };
	e.status = 404;
	assert_string_equal(
		line_of(&e, ACCESS_JSON),
		"{\"time\":\"2026-09-21T14:13:20.123Z\",\"what\":\"connection\","
		"\"worker\":3,\"generation\":2,\"connection\":12345,\"listen\":\"*:8081\","
		"\"service\":\"ack\",\"remote\":\"192.0.2.17:65535\",\"bytes_in\":1,"
		"\"bytes_out\":18446744073709551615,\"messages\":10,\"seconds\":1.5,"
		"\"ending\":\"drained\",\"state\":\"K-\",\"method\":\"GET\","
		"\"path\":\"/\",\"status\":404}\n");
}

static void path__with_foreign_characters__cannot_forge_a_line(void **state)
{
	static const char path[] = "/a\" b=c\n\\\033[2J\xff\xe4\xb8\xad";
	struct access_entry e = entry();

	(void)state;
	e.path = (struct access_text){ path, sizeof(path) - 1 };
	assert_non_null(strstr(line_of(&e, ACCESS_LOGFMT),
			       " path=\"/a\\\" b=c\\n\\\\\\u001b[2J\\xff\xe4\xb8\xad\"\n"));
	assert_non_null(strstr(line_of(&e, ACCESS_JSON),
			       "\"path\":\"/a\\\" b=c\\n\\\\\\u001b[2J\\ufffd\xe4\xb8\xad\"}\n"));
}

static void empty_text__is_quoted(void **state)
{
	struct access_entry e = entry();

	(void)state;
	e.listen = "";
	assert_non_null(strstr(line_of(&e, ACCESS_LOGFMT), " listen=\"\" service=ack "));
}

static void remote__of_each_family__is_written_as_in_the_log(void **state)
{
	static const struct {
		struct net net;
		const char *text;
	} rows[] = {
		{ { .family = AF_INET, .bytes = { 0, 9, 10, 255 } }, " remote=0.9.10.255:80 " },
		{ { .family = AF_INET6, .bytes = { [15] = 1 } }, " remote=[::1]:80 " },
		{ { .family = AF_INET6,
		    .bytes = { [10] = 0xff, [11] = 0xff, [12] = 100, [13] = 99, [15] = 1 } },
		  " remote=100.99.0.1:80 " },
		{ { .family = AF_UNIX }, " remote=unix: " },
	};
	struct access_entry e = entry();

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		e.remote = (struct access_remote){ &rows[i].net, 80 };
		if (!strstr(line_of(&e, ACCESS_LOGFMT), rows[i].text))
			fail_msg("no \"%s\" in %s", rows[i].text, room);
	}
	e.remote.net = NULL;
	assert_non_null(strstr(line_of(&e, ACCESS_LOGFMT), " remote=unknown "));
}

static void clock__that_goes_on_or_back__is_written_right(void **state)
{
	static const struct {
		int64_t us;
		const char *text;
	} rows[] = {
		{ 0, "time=1970-01-01T00:00:00.000Z" },
		{ 1000, "time=1970-01-01T00:00:00.001Z" },
		{ INT64_C(951782399999999), "time=2000-02-28T23:59:59.999Z" },
		{ INT64_C(951782400000000), "time=2000-02-29T00:00:00.000Z" },
		{ INT64_C(951782400010000), "time=2000-02-29T00:00:00.010Z" },
		{ INT64_C(951782399999000), "time=2000-02-28T23:59:59.999Z" },
	};
	struct access_clock clock = { 0 };
	struct access_entry e = entry();

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct strbuf to = strbuf_on(room, ACCESSLINE_MOST);

		e.time = rows[i].us;
		assert_true(accessline_write(&to, &e, ACCESS_LOGFMT, &clock));
		assert_memory_equal(room, rows[i].text, strlen(rows[i].text));
	}
}

static void longest__line__fits_and_is_whole(void **state)
{
	static char path[5000];
	struct access_entry e = entry();

	(void)state;
	memset(path, '\1', sizeof(path));
	e.method = e.path = (struct access_text){ path, sizeof(path) };
	e.method.length = 32;
	assert_true(strlen(line_of(&e, ACCESS_JSON)) < ACCESSLINE_MOST);
	assert_non_null(strstr(room, "\"}\n"));
	assert_true(strlen(line_of(&e, ACCESS_LOGFMT)) < ACCESSLINE_MOST);
}

static void line__that_does_not_fit__leaves_nothing(void **state)
{
	struct access_entry e = entry();
	size_t whole = strlen(line_of(&e, ACCESS_JSON));

	(void)state;
	for (size_t size = 0; size <= whole; size++) {
		struct access_clock clock = { 0 };
		struct strbuf to = strbuf_on(room, size);

		assert_int_equal(accessline_write(&to, &e, ACCESS_JSON, &clock), size == whole);
		assert_int_equal(to.used, size == whole ? whole : 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text__line_has_every_field_in_order),
		cmocka_unit_test(json__line_has_every_field_in_order),
		cmocka_unit_test(path__with_foreign_characters__cannot_forge_a_line),
		cmocka_unit_test(empty_text__is_quoted),
		cmocka_unit_test(remote__of_each_family__is_written_as_in_the_log),
		cmocka_unit_test(clock__that_goes_on_or_back__is_written_right),
		cmocka_unit_test(longest__line__fits_and_is_whole),
		cmocka_unit_test(line__that_does_not_fit__leaves_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
