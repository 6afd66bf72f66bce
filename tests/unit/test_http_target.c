/* SPDX-License-Identifier: MIT */
/* Tests of services/http/parse/http_target: what a path names, and what it cannot reach. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "services/http/parse/http_target.h"

/* Decodes in memory of just the sizes that are given, so that a sanitizer sees an access beyond. */
static unsigned decode(const char *raw, size_t n, char *path, size_t size,
		       struct http_target *target)
{
	char *exact = malloc(n > 0 ? n : 1), *room = malloc(size);
	unsigned status;

	memcpy(exact, raw, n);
	memset(room, '#', size);
	status = http_target_decode((struct http_text){ exact, n }, room, size, target);
	memcpy(path, room, size);
	free(room);
	free(exact);
	return status;
}

enum { FILE_ = 0, FOLDER = 1, HIDDEN = 2 };

static const struct {
	const char *raw, *path;
	unsigned flags;
} names[] = {
	{ "/", "", FOLDER },
	{ "/a", "a", FILE_ },
	{ "/a/", "a", FOLDER },
	{ "/a/b.c", "a/b.c", FILE_ },
	/* RFC 3986 2.1: percent-encoding, in either case */
	{ "/%61%2Eb", "a.b", FILE_ },
	{ "/a%20b%3f%23", "a b?#", FILE_ },
	{ "/%c3%A9", "\xc3\xa9", FILE_ },
	{ "/a+b", "a+b", FILE_ },
	{ "/a\\b%5cc", "a\\b\\c", FILE_ },
	/* 2.4: decoded once */
	{ "/%252e%252e/a", "%2e%2e/a", FILE_ },
	{ "/a%252fb", "a%2fb", FILE_ },
	{ "/50%25.png", "50%.png", FILE_ },
	{ "/%2500", "%00", FILE_ },
	/* bytes that are no UTF-8, and overlong forms of . and / */
	{ "/%ff%80", "\xff\x80", FILE_ },
	{ "/%c0%ae%c0%ae/a", "\xc0\xae\xc0\xae/a", FILE_ },
	{ "/..%c0%afa",
	  "..\xc0\xaf"
	  "a",
	  HIDDEN },
	/* 5.2.4: dot segments */
	{ "/.", "", FOLDER },
	{ "/./", "", FOLDER },
	{ "/./a", "a", FILE_ },
	{ "/a/.", "a", FOLDER },
	{ "/a/./b", "a/b", FILE_ },
	{ "/a/..", "", FOLDER },
	{ "/a/../", "", FOLDER },
	{ "/a/../b", "b", FILE_ },
	{ "/a/b/..", "a", FOLDER },
	{ "/a/b/../..", "", FOLDER },
	{ "/a/b/c/./../../g", "a/g", FILE_ },
	{ "/aa/bb/../cc/", "aa/cc", FOLDER },
	/* the same when they are encoded, wholly or in part */
	{ "/a/%2e%2e/b", "b", FILE_ },
	{ "/a/%2E./b", "b", FILE_ },
	{ "/a/.%2e", "", FOLDER },
	/* slashes are merged before a dot segment is removed */
	{ "//", "", FOLDER },
	{ "//a///b//", "a/b", FOLDER },
	{ "/a//../b", "b", FILE_ },
	{ "/a/b//..//c", "a/c", FILE_ },
	{ "//host/a", "host/a", FILE_ },
	/* names that look like dot segments, and hidden ones */
	{ "/...", "...", HIDDEN },
	{ "/a/..b", "a/..b", HIDDEN },
	{ "/a../b.", "a../b.", FILE_ },
	{ "/.a", ".a", HIDDEN },
	{ "/%2ea", ".a", HIDDEN },
	{ "/a/.b/", "a/.b", FOLDER | HIDDEN },
	{ "/.git/config", ".git/config", HIDDEN },
	{ "/.a/../b", "b", FILE_ },
	{ "/a.b/c.", "a.b/c.", FILE_ },
	{ "/ .a", " .a", FILE_ },
	{ "/~", "~", FILE_ },
};

static void paths__name_files(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char path[64], fits[64];
		struct http_target target;
		size_t n = strlen(names[i].raw);
		unsigned status = decode(names[i].raw, n, path, sizeof(path), &target);

		if (status != 0)
			fail_msg("%u: %s", status, names[i].raw);
		assert_string_equal(path, names[i].path);
		assert_int_equal(target.length, strlen(names[i].path));
		assert_int_equal((target.ends_with_slash ? FOLDER : 0) |
					 (target.has_hidden ? HIDDEN : 0),
				 names[i].flags);
		/* in the smallest memory that holds each step */
		for (size_t size = 1; size <= sizeof(fits); size++) {
			status = decode(names[i].raw, n, fits, size, &target);
			assert_true(status == 0 || status == 414);
			assert_true(status != 0 || size > strlen(names[i].path));
			if (status == 0)
				assert_string_equal(fits, names[i].path);
		}
	}
}

#define REFUSED(raw)                 \
	{                            \
		raw, sizeof(raw) - 1 \
	}

static void wrong_paths__are_400(void **state)
{
	static const struct {
		const char *raw;
		size_t length;
	} rows[] = {
		REFUSED(""),
		REFUSED("*"),
		REFUSED("a"),
		REFUSED("../a"),
		REFUSED("%2fa"),
		/* RFC 3986 2.1: % and two hexadecimal digits */
		REFUSED("/%"),
		REFUSED("/a%"),
		REFUSED("/%4"),
		REFUSED("/%%"),
		REFUSED("/%zz"),
		REFUSED("/%4g"),
		REFUSED("/%g4"),
		REFUSED("/% 4"),
		REFUSED("/%u0041"),
		REFUSED("/50%.png"),
		REFUSED("/%-1"),
		REFUSED("/%0x"),
		/* control characters, encoded or not */
		REFUSED("/%00"),
		REFUSED("/a%00.html"),
		REFUSED("/a\0"),
		REFUSED("/a%0a"),
		REFUSED("/a%0D%0Ab"),
		REFUSED("/%09"),
		REFUSED("/%1f"),
		REFUSED("/%7F"),
		REFUSED("/a\n"),
		REFUSED("/\x7f"),
		/* an encoded slash */
		REFUSED("/a%2fb"),
		REFUSED("/a/..%2Fb"),
		REFUSED("/%2f%2Fa"),
		/* above the root */
		REFUSED("/.."),
		REFUSED("/../"),
		REFUSED("/../a"),
		REFUSED("/./../a"),
		REFUSED("//../a"),
		REFUSED("/a/../.."),
		REFUSED("/a/../../a"),
		REFUSED("/%2e%2e"),
		REFUSED("/%2e%2e/a"),
		REFUSED("/..%2fa"),
		REFUSED("/%2e%2e%2fa"),
		REFUSED("/a%2f..%2f..%2fb"),
		REFUSED("/a/%2E%2E/%2e./b"),
		REFUSED("/..//..///a"),
		REFUSED("/a/b/../../../c"),
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct http_target target;
		char path[64];
		unsigned status = decode(rows[i].raw, rows[i].length, path, sizeof(path), &target);

		if (status != 400)
			fail_msg("%u: %s", status, rows[i].raw);
	}
}

static void path__that_does_not_fit__is_414(void **state)
{
	static const struct {
		const char *raw;
		size_t size; /* the smallest that suffices */
	} rows[] = {
		{ "/", 1 },         { "/a", 2 },        { "/abc", 4 },         { "/abc/", 4 },
		{ "/a/b", 4 },      { "/%61%62", 3 },   { "/a/../b/../c", 4 }, { "/./", 1 },
		{ "/abc/../d", 6 }, { "////a////", 2 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct http_target target;
		size_t n = strlen(rows[i].raw);
		char path[16];

		if (rows[i].size > 1)
			assert_int_equal(decode(rows[i].raw, n, path, rows[i].size - 1, &target),
					 414);
		assert_int_equal(decode(rows[i].raw, n, path, rows[i].size, &target), 0);
	}
}

/* Each byte, as it is and encoded: it stays itself, or is refused. */
static void each_byte__stays_itself(void **state)
{
	(void)state;
	for (unsigned c = 0; c < 256; c++) {
		bool is_control = c < ' ' || c == 0x7f;
		struct http_target target;
		char raw[8], path[8];

		snprintf(raw, sizeof(raw), "/a%%%02X", c);
		assert_int_equal(decode(raw, 5, path, sizeof(path), &target),
				 is_control || c == '/' ? 400 : 0);
		if (!is_control && c != '/')
			assert_int_equal((unsigned char)path[1], c);
		raw[2] = (char)c;
		assert_int_equal(decode(raw, 3, path, sizeof(path), &target),
				 is_control || c == '%' ? 400 : 0);
		if (!is_control && c != '/' && c != '%')
			assert_int_equal((unsigned char)path[1], c);
	}
}

/* Every byte that a path may have, as a target that is of visible ASCII and has it back. */
static void path__that_is_escaped__is_decoded_to_itself(void **state)
{
	char path[256 * 2 + 2], raw[sizeof(path) * 3], back[sizeof(path)];
	struct strbuf text = strbuf_on(raw, sizeof(raw)), small = strbuf_on(back, 5);
	struct http_target target;
	size_t n = 0;

	(void)state;
	path[n++] = '/';
	for (int c = ' '; c < 256; c++)
		if (c != 0x7f && c != '/') {
			path[n++] = (char)c;
			path[n++] = 'x';
		}
	http_target_escape(&text, path, n);
	assert_false(text.is_cut);
	for (size_t i = 0; i < text.used; i++)
		assert_true(raw[i] > ' ' && raw[i] < 0x7f && !strchr("#?\"<>\\^`{|}", raw[i]));
	assert_int_equal(http_target_decode((struct http_text){ raw, text.used }, back,
					    sizeof(back), &target),
			 0);
	assert_int_equal(target.length, n - 1);
	assert_memory_equal(back, path + 1, n - 1);
	http_target_escape(&small, "ab  ", 4);
	assert_true(small.is_cut);
}

static void below__is_on_whole_names(void **state)
{
	static const struct {
		const char *path, *prefix;
		bool is_below;
	} rows[] = {
		{ "img/a", "img", true }, { "img", "img", true },    { "imgage", "img", false },
		{ "im", "img", false },   { "a/img", "img", false }, { "a/b/c", "a/b", true },
		{ "a/bc", "a/b", false }, { "", "", true },          { "a", "", true },
		{ "", "a", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct http_text prefix = { rows[i].prefix, strlen(rows[i].prefix) };

		if (http_target_is_below(rows[i].path, strlen(rows[i].path), prefix) !=
		    rows[i].is_below)
			fail_msg("%s below %s", rows[i].path, rows[i].prefix);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(paths__name_files),
		cmocka_unit_test(wrong_paths__are_400),
		cmocka_unit_test(path__that_does_not_fit__is_414),
		cmocka_unit_test(each_byte__stays_itself),
		cmocka_unit_test(path__that_is_escaped__is_decoded_to_itself),
		cmocka_unit_test(below__is_on_whole_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
