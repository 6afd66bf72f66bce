/* SPDX-License-Identifier: MIT */
/* Tests of base/flags.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/flags.h"

enum { LONG_ONLY = 1 };

static const struct flag rows[] = {
	{ 'a', "all", "", "Everything." },
	{ 'n', "number", "N", "So many." },
	{ LONG_ONLY, "long-only", "TEXT", "Has no letter." },
};

static char taken[128]; /* the arguments of the calls of take */
static struct err err;

static bool take(void *owner, int letter, const char *value, struct err *why)
{
	size_t used = strlen(taken);

	assert_ptr_equal(owner, &rows);
	snprintf(taken + used, sizeof(taken) - used, "%d=%s ", letter, value ? value : "-");
	if (value != NULL && strcmp(value, "bad") == 0)
		return err_set(why, CODE_CONFIG, "is bad");
	return true;
}

static char *words[8]; /* as flags_read sorts them */

static int read_words(const char *const *given)
{
	int argc = 1;

	taken[0] = '\0';
	memset(&err, 0, sizeof(err));
	words[0] = (char *)"program";
	for (; given[argc - 1] != NULL; argc++)
		words[argc] = (char *)given[argc - 1];
	return flags_read(FLAGS(rows), argc, words, take, (void *)&rows, &err);
}
#define READ(...) read_words((const char *const[]){ __VA_ARGS__, NULL })

static void read__calls_take_in_order_also_behind_words(void **state)
{
	(void)state;
	assert_int_equal(READ("-n5", "-a", "--long-only=x", "word"), 4);
	assert_string_equal(taken, "110=5 97=- 1=x ");
	assert_int_equal(READ("one", "-a", "two", "-n", "7", "-"), 4);
	assert_string_equal(taken, "97=- 110=7 ");
	assert_string_equal(words[4], "one");
	assert_string_equal(words[5], "two");
	assert_string_equal(words[6], "-");
	assert_int_equal(READ("--num", "3"), 3);
	assert_string_equal(taken, "110=3 ");
}

static void read__after_two_dashes__takes_no_more(void **state)
{
	(void)state;
	assert_int_equal(READ("-an", "7", "--", "-a"), 4);
	assert_string_equal(taken, "97=- 110=7 ");
	assert_int_equal(READ("word", "-a", "--", "-n"), 3);
	assert_string_equal(taken, "97=- ");
	assert_string_equal(words[3], "word");
	assert_string_equal(words[4], "-n");
}

static void read__of_what_is_wrong__says_so(void **state)
{
	(void)state;
	assert_int_equal(READ("-x"), -1);
	assert_string_equal(err.text, "\"-x\": unknown flag (-h lists them)");
	assert_int_equal(READ("--frob"), -1);
	assert_string_equal(err.text, "\"--frob\": unknown flag (-h lists them)");
	assert_int_equal(READ("-n"), -1);
	assert_string_equal(err.text, "--number: a value is missing (N)");
	assert_int_equal(READ("--long-only"), -1);
	assert_string_equal(err.text, "--long-only: a value is missing (TEXT)");
	assert_int_equal(READ("--all=x"), -1);
	assert_string_equal(err.text, "--all: takes no value");
	assert_int_equal(err.code, CODE_USAGE);
}

static void read__ends_where_take_says_no(void **state)
{
	(void)state;
	assert_int_equal(READ("-n", "bad", "-a"), -1);
	assert_string_equal(taken, "110=bad ");
	assert_string_equal(err.text, "is bad");
	assert_int_equal(err.code, CODE_CONFIG);
}

static void help__has_a_line_for_each_row(void **state)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	(void)state;
	flags_help(FLAGS(rows), out);
	fclose(out);
	assert_string_equal(text, "  -a, --all                 Everything.\n"
				  "  -n, --number N            So many.\n"
				  "      --long-only TEXT      Has no letter.\n");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(read__calls_take_in_order_also_behind_words),
		cmocka_unit_test(read__after_two_dashes__takes_no_more),
		cmocka_unit_test(read__of_what_is_wrong__says_so),
		cmocka_unit_test(read__ends_where_take_says_no),
		cmocka_unit_test(help__has_a_line_for_each_row),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
