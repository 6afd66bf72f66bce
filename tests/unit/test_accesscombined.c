/* SPDX-License-Identifier: MIT */
/* The combined format, byte by byte and by the expression that readers of logs use. */
#include <regex.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "accesslog/accessline.h"

#define TEXT(string) ((struct access_text){ string, sizeof(string) - 1 })

static const struct net v4 = { .family = AF_INET, .bits = 32, .bytes = { 192, 0, 2, 17 } };

static struct access_entry request(void)
{
	return (struct access_entry){
		.time = INT64_C(1790000000123456),
		.what = "request",
		.remote = { &v4, 65535 },
		.bytes_out = 700,
		.status = 200,
		.request = TEXT("GET /a?b=c HTTP/1.1"),
		.body_bytes = 512,
	};
}

static char room[ACCESSLINE_MOST + 1];

static const char *line_of(const struct access_entry *e)
{
	struct access_clock clock = { 0 };
	struct strbuf to = strbuf_on(room, ACCESSLINE_MOST);

	assert_true(accessentry_has(e, ACCESS_COMBINED));
	assert_true(accessline_write(&to, e, ACCESS_COMBINED, &clock));
	room[to.used] = '\0';
	return room;
}

/* The fields as nginx writes them: no text can end its quotes, no line has a second line. */
static void assert_strict(const char *line)
{
	static const char form[] = "^[0-9a-f.:]+ - [^][ \"\\]*(\\\\x[0-9A-F]{2}[^][ \"\\]*)* "
				   "\\[[0-9]{2}/[A-Z][a-z]{2}/[0-9]{4}(:[0-9]{2}){3} \\+0000\\] "
				   "\"[^\"\\]*(\\\\x[0-9A-F]{2}[^\"\\]*)*\" [1-5][0-9]{2} [0-9]+ "
				   "\"[^\"\\]*(\\\\x[0-9A-F]{2}[^\"\\]*)*\" "
				   "\"[^\"\\]*(\\\\x[0-9A-F]{2}[^\"\\]*)*\"\n$";
	regex_t compiled;
	int found;

	assert_int_equal(regcomp(&compiled, form, REG_EXTENDED | REG_NOSUB), 0);
	found = regexec(&compiled, line, 0, NULL, 0);
	regfree(&compiled);
	if (found != 0)
		fail_msg("not the format: %s", line);
	for (const char *c = line; *c != '\0' && *c != '\n'; c++)
		if (*c < ' ' || *c > '~')
			fail_msg("a raw byte: %s", line);
	assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
}

static void line__has_the_nine_fields(void **state)
{
	struct access_entry e = request();

	(void)state;
	assert_string_equal(line_of(&e), "192.0.2.17 - - [21/Sep/2026:14:13:20 +0000] "
					 "\"GET /a?b=c HTTP/1.1\" 200 512 \"-\" \"-\"\n");
	e.user = TEXT("ops");
	e.referer = TEXT("https://example.org/");
	e.user_agent = TEXT("curl/8.5.0");
	assert_string_equal(line_of(&e),
			    "192.0.2.17 - ops [21/Sep/2026:14:13:20 +0000] \"GET /a?b=c HTTP/1.1\" "
			    "200 512 \"https://example.org/\" \"curl/8.5.0\"\n");
	assert_strict(room);
}

static void connection__has_no_line(void **state)
{
	struct access_entry e = request();

	(void)state;
	e.request = (struct access_text){ NULL, 0 };
	assert_false(accessentry_has(&e, ACCESS_COMBINED));
	assert_true(accessentry_has(&e, ACCESS_LOGFMT));
	assert_true(accessentry_has(&e, ACCESS_JSON));
}

static void foreign_bytes__are_escaped_as_nginx_does(void **state)
{
	struct access_entry e = request();

	(void)state;
	e.request = TEXT("\x16\x03\x01 \" \\ \x7e\x7f\xe4\n");
	e.referer = TEXT("a\tb\"\xc3\xa4");
	e.user = TEXT("a b[c]\"");
	assert_non_null(strstr(line_of(&e), " - a\\x20b\\x5Bc\\x5D\\x22 ["));
	assert_non_null(strstr(room, "\"\\x16\\x03\\x01 \\x22 \\x5C ~\\x7F\\xE4\\x0A\" 200 "));
	assert_non_null(strstr(room, " \"a\\x09b\\x22\\xC3\\xA4\" \"-\"\n"));
	assert_strict(room);
}

static void empty_text__is_a_dash(void **state)
{
	struct access_entry e = request();

	(void)state;
	e.request = e.referer = e.user_agent = e.user = TEXT("");
	assert_non_null(strstr(line_of(&e), " - - ["));
	assert_non_null(strstr(room, " \"-\" 200 512 \"-\" \"-\"\n"));
}

static void address__of_each_family__has_no_port(void **state)
{
	static const struct {
		struct net net;
		const char *text;
	} rows[] = {
		{ { .family = AF_INET, .bytes = { 0, 9, 10, 255 } }, "0.9.10.255 - " },
		{ { .family = AF_INET6, .bytes = { [15] = 1 } }, "::1 - " },
		{ { .family = AF_INET6,
		    .bytes = { [10] = 0xff, [11] = 0xff, [12] = 100, [13] = 99, [15] = 1 } },
		  "100.99.0.1 - " },
		{ { .family = AF_UNIX }, "127.0.0.1 - " },
	};
	struct access_entry e = request();

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		e.remote = (struct access_remote){ &rows[i].net, 80 };
		if (strstr(line_of(&e), rows[i].text) != room)
			fail_msg("not \"%s\": %s", rows[i].text, room);
		assert_strict(room);
	}
}

static void longest__texts__are_cut_and_the_version_stays(void **state)
{
	static char plain[8000], wild[8000];
	struct access_entry e = request();

	(void)state;
	memset(plain, 'a', sizeof(plain));
	memset(wild, '\xff', sizeof(wild));
	memcpy(plain, "GET /", 5);
	memcpy(plain + sizeof(plain) - 9, " HTTP/1.0", 9);
	e.request = (struct access_text){ plain, sizeof(plain) };
	assert_non_null(strstr(line_of(&e), "aaa HTTP/1.0\" 200 512 "));
	assert_int_equal(strchr(strchr(room, '"') + 1, '"') - strchr(room, '"') - 1, 2048);
	assert_strict(room);
	e.request = e.referer = e.user_agent = e.user = (struct access_text){ wild, sizeof(wild) };
	assert_true(strlen(line_of(&e)) <= 4095); /* what goaccess 1.7 reads of a line */
	assert_strict(room);
}

static void clock__that_goes_on_or_back__is_written_right(void **state)
{
	static const struct {
		int64_t us;
		const char *text;
	} rows[] = {
		{ 0, "[01/Jan/1970:00:00:00 +0000]" },
		{ INT64_C(951782399999999), "[28/Feb/2000:23:59:59 +0000]" },
		{ INT64_C(951782400000000), "[29/Feb/2000:00:00:00 +0000]" },
		{ INT64_C(951782399999000), "[28/Feb/2000:23:59:59 +0000]" },
		{ INT64_C(1798761599000000), "[31/Dec/2026:23:59:59 +0000]" },
	};
	struct access_clock clock = { 0 };
	struct access_entry e = request();

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct strbuf to = strbuf_on(room, ACCESSLINE_MOST);

		e.time = rows[i].us;
		assert_true(accessline_write(&to, &e, ACCESS_COMBINED, &clock));
		room[to.used] = '\0';
		assert_non_null(strstr(room, rows[i].text));
	}
}

static void line__that_does_not_fit__leaves_nothing(void **state)
{
	struct access_entry e = request();
	size_t whole = strlen(line_of(&e));

	(void)state;
	for (size_t size = 0; size <= whole; size++) {
		struct access_clock clock = { 0 };
		struct strbuf to = strbuf_on(room, size);

		assert_int_equal(accessline_write(&to, &e, ACCESS_COMBINED, &clock), size == whole);
		assert_int_equal(to.used, size == whole ? whole : 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(line__has_the_nine_fields),
		cmocka_unit_test(connection__has_no_line),
		cmocka_unit_test(foreign_bytes__are_escaped_as_nginx_does),
		cmocka_unit_test(empty_text__is_a_dash),
		cmocka_unit_test(address__of_each_family__has_no_port),
		cmocka_unit_test(longest__texts__are_cut_and_the_version_stays),
		cmocka_unit_test(clock__that_goes_on_or_back__is_written_right),
		cmocka_unit_test(line__that_does_not_fit__leaves_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
