/* SPDX-License-Identifier: MIT */
/* Tests of services/files/open/media_type: names, the built-in types, files of any kind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "services/files/open/media_type.h"
#include "unit/folder.h"

#define UTF8 "; charset=utf-8"

static const struct media_type built_in[] = {
#define MEDIA_TYPE(extension, type) { extension, type },
#include "tables/media_types.def"
};

enum { BUILT_IN = sizeof(built_in) / sizeof(built_in[0]) };

static const char *const default_type = "default";
static const char *folder;

static int set_up(void **state)
{
	int result = folder_make(state);

	folder = *state;
	return result;
}

static const char *at(const char *name)
{
	static char text[256];

	snprintf(text, sizeof(text), "%s/%s", folder, name);
	return text;
}

static struct media_types load_text(const char *text)
{
	struct media_types types;
	struct err err;

	folder_write(folder, "types", text);
	assert_true(media_types_load(at("types"), &types, &err));
	return types;
}

static const char *find(const struct media_types *types, const char *name)
{
	return media_types_find(types, name, strlen(name), default_type);
}

static void expect(const char *text, const char *name, const char *type)
{
	struct media_types types = load_text(text);

	assert_string_equal(find(&types, name), type);
	media_types_free(&types);
}

static void name__of_any_shape__has_its_last_extension(void **state)
{
	static const struct media_type rows[] = {
		{ "a.html", "text/html" UTF8 },
		{ "A.HTML", "text/html" UTF8 },
		{ "a.HtMl", "text/html" UTF8 },
		{ "d.png/a.html", "text/html" UTF8 },
		{ "/d/.x/a.b.html", "text/html" UTF8 },
		{ "..html", "text/html" UTF8 },
		{ ".a.html", "text/html" UTF8 },
		{ " .html", "text/html" UTF8 },
		{ "a.tar.gz", "application/gzip" },
		{ "a.js", "text/javascript" UTF8 },
		{ "a.json", "application/json" },
		{ "a.svg", "image/svg+xml" },
		{ "a.xml", "application/xml" },
		{ "a.txt", "text/plain" UTF8 },
		{ "a.woff2", "font/woff2" },
		{ "a.7z", "application/x-7z-compressed" },
		{ "", NULL },
		{ ".", NULL },
		{ "..", NULL },
		{ "html", NULL },
		{ "d/html", NULL },
		{ ".html", NULL },
		{ "/.html", NULL },
		{ "d/.html", NULL },
		{ "a.", NULL },
		{ "a.html.", NULL },
		{ "a.html/", NULL },
		{ "a.html/b", NULL },
		{ "a.htmlx", NULL },
		{ "a.htm l", NULL },
		{ "a.\xff", NULL },
		{ "a.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", NULL },
	};
	struct media_types types = load_text("");

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_string_equal(find(&types, rows[i].extension),
				    rows[i].type ? rows[i].type : default_type);
	/* only the name's own bytes count */
	assert_string_equal(media_types_find(&types, "a.htmlx", 6, NULL), "text/html" UTF8);
	assert_ptr_equal(media_types_find(&types, "a.html\0x", 8, default_type), default_type);
	assert_null(media_types_find(&types, "a.html", 1, NULL));
	media_types_free(&types);
}

static void built_in__all_of_them__are_found(void **state)
{
	struct media_types types = load_text("");
	char name[64], type[160];

	(void)state;
	assert_int_equal(types.count, BUILT_IN); /* so no extension is there twice */
	for (size_t i = 0; i < BUILT_IN; i++) {
		bool is_text = strncmp(built_in[i].type, "text/", 5) == 0;

		snprintf(name, sizeof(name), "name.%s", built_in[i].extension);
		snprintf(type, sizeof(type), "%s%s", built_in[i].type, is_text ? UTF8 : "");
		assert_string_equal(find(&types, name), type);
		for (char *c = name; *c != '\0'; c++)
			if (*c >= 'a' && *c <= 'z')
				*c = (char)(*c - 'a' + 'A');
		assert_string_equal(find(&types, name), type);
		if (i > 0)
			assert_true(strcmp(types.rows[i - 1].extension, types.rows[i].extension) <
				    0);
	}
	media_types_free(&types);
}

static void file__adds_types__and_leaves_the_built_in_ones(void **state)
{
	static const char *const text = "# comment html\n"
					"application/x-new\t\tnew  newer # older\n"
					"\n"
					"application/x-none\n"
					"text/x-new NEWTEXT\r\n"
					"text/XML newxml\n"
					"  application/Upper upper\n"
					"application/x-other html js woff2\n"
					"application/x-one twice\n"
					"application/x-two twice\n"
					"application/x-last last";

	(void)state;
	expect(text, "a.new", "application/x-new");
	expect(text, "a.newer", "application/x-new");
	expect(text, "a.older", default_type);
	expect(text, "a.comment", default_type);
	expect(text, "a.newtext", "text/x-new" UTF8);
	expect(text, "a.newxml", "text/XML");
	expect(text, "a.upper", "application/Upper");
	expect(text, "a.twice", "application/x-two");
	expect(text, "a.last", "application/x-last");
	expect(text, "a.html", "text/html" UTF8);
	expect(text, "a.js", "text/javascript" UTF8);
	expect(text, "a.woff2", "font/woff2");
}

static void line__malformed__is_skipped(void **state)
{
	static const char *const lines[] = {
		"bad",
		"text bad",
		"/plain bad",
		"text/ bad",
		"a/b/c bad",
		"text/html;charset=x bad",
		"text/\x01 bad",
		"text/h\xc3\xa4 bad",
		"text/(x) bad",
		"text/plain #bad",
		"text/plain b.bad .bad bad/ b/bad",
		"types { bad }",
		"text/html bad;",
		"\"text/html\" bad",
		"text/plain aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbb",
	};
	char text[256];

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		struct media_types types;

		snprintf(text, sizeof(text), "%s\nx/y good\n", lines[i]);
		types = load_text(text);
		assert_int_equal(types.count, BUILT_IN + 1);
		assert_string_equal(find(&types, "a.good"), "x/y");
		assert_string_equal(find(&types, "a.bad"), default_type);
		media_types_free(&types);
	}
}

static void line__of_the_longest_words__is_read(void **state)
{
	char type[MEDIA_TYPE_MOST + 2], extension[MEDIA_EXTENSION_MOST + 1], text[512], name[64];

	(void)state;
	memset(type, 'x', sizeof(type));
	type[3] = '/';
	memset(extension, 'e', sizeof(extension));
	extension[MEDIA_EXTENSION_MOST] = '\0';
	snprintf(name, sizeof(name), "a.%s", extension);
	type[MEDIA_TYPE_MOST + 1] = '\0';
	snprintf(text, sizeof(text), "%s %s\n", type, extension);
	expect(text, name, default_type);
	type[MEDIA_TYPE_MOST] = '\0';
	snprintf(text, sizeof(text), "%s %s\n", type, extension);
	expect(text, name, type);
}

/* Every row takes as much of the pages as it can for its bytes in the file. */
static void fill_file(const char *name, const char *line, size_t size)
{
	FILE *file = fopen(at(name), "we");
	size_t length = strlen(line);

	assert_non_null(file);
	for (size_t n = 0; n < size; n++)
		assert_true(fputc(line[n % length], file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static void file__of_the_most_bytes__is_read(void **state)
{
	static const char *const lines[] = { "text/a b\n", "a/b c\n", "text/a b c d e\n",
					     "a b ",       "\n",      "text/a b " };
	struct media_types types;
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		fill_file("types", lines[i], MEDIA_TYPES_MOST);
		assert_true(media_types_load(at("types"), &types, &err));
		assert_string_equal(find(&types, "a.html"), "text/html" UTF8);
		media_types_free(&types);
	}
	fill_file("types", "\n", MEDIA_TYPES_MOST + 1);
	assert_false(media_types_load(at("types"), &types, &err));
	assert_int_equal(err.code, CODE_CONFIG);
	assert_non_null(strstr(err.text, "types: larger than 1048576 bytes"));
}

static void expect_refusal(const char *name)
{
	struct media_types types;
	struct err err;

	assert_false(media_types_load(at(name), &types, &err));
	assert_int_equal(err.code, CODE_CONFIG);
	assert_non_null(strstr(err.text, at(name)));
	assert_null(types.pages);
	media_types_free(&types);
	assert_string_equal(find(&types, "a.html"), default_type);
}

static void file__that_is_none__is_refused(void **state)
{
	(void)state;
	expect_refusal("none");
	expect_refusal("none/none");
	expect_refusal("");
	assert_int_equal(mkfifo(at("fifo"), 0644), 0);
	expect_refusal("fifo");
}

static void system_table__where_there_is_one__is_read(void **state)
{
	struct media_types types;
	struct err err;

	(void)state;
	assert_true(media_types_load(NULL, &types, &err));
	assert_true(types.count >= BUILT_IN);
	for (size_t i = 1; i < types.count; i++)
		assert_true(strcmp(types.rows[i - 1].extension, types.rows[i].extension) < 0);
	for (size_t i = 0; i < types.count; i++)
		assert_null(strpbrk(types.rows[i].type, "\r\n"));
	assert_string_equal(find(&types, "a.html"), "text/html" UTF8);
	media_types_free(&types);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(name__of_any_shape__has_its_last_extension),
		cmocka_unit_test(built_in__all_of_them__are_found),
		cmocka_unit_test(file__adds_types__and_leaves_the_built_in_ones),
		cmocka_unit_test(line__malformed__is_skipped),
		cmocka_unit_test(line__of_the_longest_words__is_read),
		cmocka_unit_test(file__of_the_most_bytes__is_read),
		cmocka_unit_test(file__that_is_none__is_refused),
		cmocka_unit_test(system_table__where_there_is_one__is_read),
	};

	return cmocka_run_group_tests(tests, set_up, folder_remove);
}
