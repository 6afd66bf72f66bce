/* SPDX-License-Identifier: MIT */
/* Tests of master/pidfile_probe: whether the pid file could be opened. */
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

#include "master/pidfile.h"
#include "unit/folder.h"

static struct err err;

static bool probe(const char *folder, const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	memset(&err, 0, sizeof(err));
	return pidfile_probe(path, &err);
}

static void probe__of_what_can_be_made_or_opened__is_good_and_changes_nothing(void **state)
{
	char path[256];
	struct stat st;

	assert_true(probe(*state, "x.pid"));
	snprintf(path, sizeof(path), "%s/x.pid", (char *)*state);
	assert_int_equal(access(path, F_OK), -1);
	folder_write(*state, "x.pid", "123");
	assert_true(probe(*state, "x.pid"));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_size, 3);
	assert_int_equal(unlink(path), 0);
}

static void probe__of_what_is_no_file__is_refused(void **state)
{
	char path[256];

	assert_false(probe(*state, ""));
	assert_int_equal(err.code, CODE_CONFIG);
	assert_non_null(strstr(err.text, "is not a regular file"));
	snprintf(path, sizeof(path), "%s/link.pid", (char *)*state);
	assert_int_equal(symlink("x.pid", path), 0);
	assert_false(probe(*state, "link.pid"));
	assert_int_equal(err.code, CODE_CONFIG);
	assert_false(probe("/dev", "null"));
	assert_int_equal(err.code, CODE_CONFIG);
}

static void probe__in_no_folder__says_that_it_must_be_there(void **state)
{
	assert_false(probe(*state, "none/x.pid"));
	assert_int_equal(err.code, CODE_CONFIG);
	assert_non_null(
		strstr(err.text, "No such file or directory (its folder must be there first)"));
	folder_write(*state, "file", "");
	assert_false(probe(*state, "file/x.pid"));
	assert_int_equal(err.code, CODE_OSERR);
}

static void probe__of_another_users_folder__is_not_permitted(void **state)
{
	if (geteuid() == 0)
		assert_int_equal(seteuid(65534), 0);
	assert_false(probe("/", "x.pid"));
	assert_int_equal(err.code, CODE_NOPERM);
	if (getuid() == 0)
		assert_int_equal(seteuid(0), 0);
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(probe__of_what_can_be_made_or_opened__is_good_and_changes_nothing),
		cmocka_unit_test(probe__of_what_is_no_file__is_refused),
		cmocka_unit_test(probe__in_no_folder__says_that_it_must_be_there),
		cmocka_unit_test(probe__of_another_users_folder__is_not_permitted),
	};

	return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
