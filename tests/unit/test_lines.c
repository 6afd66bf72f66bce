/* SPDX-License-Identifier: MIT */
/* Tests of ctl/lines and ctl/table: lines that fit, and no control bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/lines.h"
#include "ctl/table.h"

static struct lines lines;
static char *text;
static size_t size;

static void begin(unsigned width, bool is_utf8)
{
	free(text);
	text = NULL;
	lines = (struct lines){ .width = width, .is_utf8 = is_utf8 };
	lines.out = open_memstream(&text, &size);
	assert_non_null(lines.out);
}

static void assert_written(const char *wanted)
{
	assert_int_equal(fclose(lines.out), 0);
	assert_string_equal(text, wanted);
}

static void put__of_control_characters__escapes_them(void **state)
{
	(void)state;
	begin(80, true);
	lines_put(&lines, STYLE_BAD, "a\033[2J\n\x7f\x9b \xc2\x9b\xff\xe2\x80\xae\"\\");
	lines_end_line(&lines);
	assert_written("a\\x1b[2J\\n\\x7f\\x9b \\xc2\\x9b\\xff\\xe2\\x80\\xae\"\\\n");
}

static void put__of_what_does_not_fit__cuts_it_with_a_mark(void **state)
{
	(void)state;
	begin(6, true);
	lines_put(&lines, STYLE_PLAIN, "abc");
	lines_put(&lines, STYLE_PLAIN, "defg");
	lines_put(&lines, STYLE_PLAIN, "more");
	lines_end_line(&lines);
	assert_written("abcde…\n");
	begin(6, false);
	lines_put(&lines, STYLE_PLAIN, "abcdefg");
	lines_end_line(&lines);
	assert_written("abcde~\n");
}

static void put__of_wide_characters__counts_their_columns(void **state)
{
	(void)state;
	begin(6, true);
	lines_put(&lines, STYLE_PLAIN, "我我我");
	lines_end_line(&lines);
	lines_put(&lines, STYLE_PLAIN, "我我我我");
	lines_end_line(&lines);
	assert_written("我我我\n我我…\n");
	begin(8, false);
	lines_put(&lines, STYLE_PLAIN, "é");
	lines_end_line(&lines);
	assert_written("\\xc3\\xa9\n");
}

static void wrap__breaks_between_words(void **state)
{
	(void)state;
	begin(10, false);
	lines_put(&lines, STYLE_PLAIN, "x: ");
	lines_wrap(&lines, STYLE_PLAIN, 3, "one two three fourfivesix");
	assert_written("x: one two\n   three\n   fourfiv\n   esix\n");
	begin(2, false);
	lines_wrap(&lines, STYLE_PLAIN, 3, "one");
	assert_written("on\ne\n");
}

static const char *const names[] = { "a-long-name", "b" };

static bool fill_row(void *owner, unsigned index, struct cell *cells)
{
	(void)owner;
	if (index == 1)
		return false;
	snprintf(cells[0].text, sizeof(cells[0].text), "%s", names[index / 2]);
	snprintf(cells[1].text, sizeof(cells[1].text), "%u", index * 1000);
	snprintf(cells[2].text, sizeof(cells[2].text), "%s", index == 0 ? "here" : "");
	return true;
}

static void show(unsigned width)
{
	struct table table = {
		.columns = { { .head = "name", .is_left = true, .min_width = 4 },
			     { .head = "n" },
			     { .head = "last", .is_left = true, .rank = 1 },
			     { .head = "rare", .is_rare = true } },
		.row_count = 3,
		.fill_row = fill_row,
	};

	begin(width, false);
	assert_int_equal(table_write(&table, &lines), 2);
}

static void table__is_as_wide_as_it_must_be(void **state)
{
	(void)state;
	show(80);
	assert_written("name            n  last\n"
		       "a-long-name     0  here\n"
		       "b            2000\n");
}

static void table__that_is_too_wide__shrinks(void **state)
{
	(void)state;
	show(21);
	assert_written("name           n last\n"
		       "a-long-name    0 here\n"
		       "b           2000\n");
	show(16);
	assert_written("name      n last\n"
		       "a-lon~    0 here\n"
		       "b      2000\n");
	show(12);
	assert_written("name       n\n"
		       "a-long~    0\n"
		       "b       2000\n");
}

static int end(void **state)
{
	(void)state;
	free(text);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(put__of_control_characters__escapes_them),
		cmocka_unit_test(put__of_what_does_not_fit__cuts_it_with_a_mark),
		cmocka_unit_test(put__of_wide_characters__counts_their_columns),
		cmocka_unit_test(wrap__breaks_between_words),
		cmocka_unit_test(table__is_as_wide_as_it_must_be),
		cmocka_unit_test(table__that_is_too_wide__shrinks),
	};

	setlocale(LC_CTYPE, "C.UTF-8");
	return cmocka_run_group_tests(tests, NULL, end);
}
