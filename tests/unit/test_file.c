/* SPDX-License-Identifier: MIT */
/* Tests of base/file: different spellings of one path. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "unit/folder.h"

static const char *folder;

/* FOLDER/name, valid until the next call but one. */
static const char *at(const char *name)
{
	static char texts[2][PATH_MAX];
	static unsigned next;
	char *text = texts[next++ % 2];

	snprintf(text, PATH_MAX, "%s/%s", folder, name);
	return text;
}

static int set_up(void **state)
{
	if (folder_make(state) != 0)
		return -1;
	folder = *state;
	folder_write(folder, "file", "x");
	folder_write(folder, "other", "x");
	if (mkdir(at("real"), 0700) != 0 || symlink("real", at("link")) != 0 ||
	    symlink("file", at("soft")) != 0 || link(at("file"), at("hard")) != 0 ||
	    mkdir(at("real/sub"), 0700) != 0)
		return -1;
	return 0;
}

static int tear_down(void **state)
{
	rmdir(at("real/sub"));
	rmdir(at("real"));
	return folder_remove(state);
}

static void names__in_one_folder_by_two_spellings__are_the_same(void **state)
{
	static const char *const spellings[] = { "link/x", "./real/x", "real//x", "real/./x",
						 "real/sub/../x" };

	(void)state;
	for (size_t i = 0; i < sizeof(spellings) / sizeof(spellings[0]); i++)
		assert_true(file_same_name(at("real/x"), at(spellings[i])));
	/* there is no folder to look at, so the text decides */
	assert_true(file_same_name(at("none/x"), at("none/x")));
	assert_false(file_same_name(at("none/x"), at("none/./x")));
	assert_true(file_same_name("/x", "//x"));
}

static void names__that_differ_or_stand_elsewhere__are_not(void **state)
{
	(void)state;
	assert_false(file_same_name(at("real/x"), at("real/y")));
	assert_false(file_same_name(at("real/x"), at("x")));
	assert_false(file_same_name(at("file"), at("hard")));
	assert_false(file_same_name(at("none/x"), at("real/x")));
}

static void files__by_two_names__are_the_same(void **state)
{
	(void)state;
	assert_true(file_same(at("file"), at("hard")));
	assert_true(file_same(at("soft"), at("file")));
	assert_true(file_same(at("link/x"), at("real/x")));
	assert_false(file_same(at("file"), at("other")));
	assert_false(file_same(at("file"), at("none")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names__in_one_folder_by_two_spellings__are_the_same),
		cmocka_unit_test(names__that_differ_or_stand_elsewhere__are_not),
		cmocka_unit_test(files__by_two_names__are_the_same),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
