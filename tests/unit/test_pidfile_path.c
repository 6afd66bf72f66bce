/* SPDX-License-Identifier: MIT */
/* Tests of config/pidfile_path.c: the pid file's path for an ordinary user, and for root. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/sys.h"
#include "config/pidfile_path.h"

enum { NOBODY = 65534 };

static char path[PIDFILE_PATH], private_path[64], warning[PIDFILE_WARNING];
static struct err err;

/* *state is a folder of the ordinary user, named by XDG_RUNTIME_DIR. */
static int become_ordinary(void **state)
{
	char *folder = strdup("/tmp/pidfile-XXXXXX");

	*state = folder;
	if ((geteuid() == 0 && seteuid(NOBODY) < 0) || !folder || !mkdtemp(folder))
		return -1;
	snprintf(private_path, sizeof(private_path), "/tmp/prefork-srv-%u/prefork-srv.pid",
		 (unsigned)geteuid());
	return setenv("XDG_RUNTIME_DIR", folder, 1);
}

static int become_oneself(void **state)
{
	int result = rmdir(*state);

	free(*state);
	unsetenv("XDG_RUNTIME_DIR");
	return (getuid() == 0 && seteuid(0) < 0) || result < 0 ? -1 : 0;
}

static const char *path_of(const char *option, bool for_start)
{
	struct conf conf = { .pid_file = (char *)option };

	assert_true(pidfile_path(&conf, for_start, path, sizeof(path), &err));
	if (!pidfile_path_warns(&conf, path, warning))
		warning[0] = '\0';
	return path;
}

static void option__that_is_absolute__is_the_path(void **state)
{
	(void)state;
	assert_string_equal(path_of("/run/x/y.pid", false), "/run/x/y.pid");
	assert_string_equal(path_of("/nowhere/y.pid", true), "/nowhere/y.pid");
	assert_string_equal(warning, "");
}

static void option__that_is_relative__is_made_absolute(void **state)
{
	char here[4000], expected[PIDFILE_PATH];

	(void)state;
	assert_non_null(getcwd(here, sizeof(here)));
	snprintf(expected, sizeof(expected), "%s/y.pid", here);
	assert_string_equal(path_of("y.pid", false), expected);
}

static void option__none__is_no_path_and_says_what_follows(void **state)
{
	(void)state;
	assert_string_equal(path_of("none", false), "");
	assert_string_equal(path_of("none", true), "");
	assert_non_null(strstr(warning, "no pid file is kept, so -s cannot find the server"));
	assert_null(strstr(warning, "XDG_RUNTIME_DIR"));
}

static void path__longer_than_room__fails(void **state)
{
	struct conf conf = { .pid_file = (char[]){ "/run/x/y.pid" } };
	char text[12];

	(void)state;
	assert_false(pidfile_path(&conf, false, text, sizeof(text), &err));
	assert_int_equal(err.code, CODE_CONFIG);
	assert_non_null(strstr(err.text, "pid_file"));
}

static void folder__of_ones_own__is_taken(void **state)
{
	char expected[128];

	snprintf(expected, sizeof(expected), "%s/prefork-srv.pid", (char *)*state);
	assert_string_equal(path_of("", false), expected);
	assert_string_equal(path_of("", true), expected);
	assert_string_equal(warning, "");
}

/* Unset and empty are the same, and cause no warning. */
static void folder__without_the_variable__is_private(void **state)
{
	(void)state;
	unsetenv("XDG_RUNTIME_DIR");
	assert_string_equal(path_of("", true), private_path);
	assert_string_equal(warning, "");
	setenv("XDG_RUNTIME_DIR", "", 1);
	assert_string_equal(path_of("", true), private_path);
	assert_string_equal(warning, "");
}

static void assert_unusable(const char *folder, const char *why)
{
	setenv("XDG_RUNTIME_DIR", folder, 1);
	assert_string_equal(path_of("", false), private_path);
	assert_string_equal(path_of("", true), private_path);
	if (!strstr(warning, why) || !strstr(warning, "XDG_RUNTIME_DIR is \"") ||
	    !strstr(warning, private_path) || !strstr(warning, "-p chooses another"))
		fail_msg("%s: %s", folder, warning);
}

static void folder__that_cannot_be_used__is_said_and_private(void **state)
{
	char *own = *state;

	assert_unusable("run/user", "is no absolute path");
	assert_unusable("/nowhere/at/all", "cannot be used (No such file or directory)");
	assert_unusable("/dev/null", "is no directory");
	assert_unusable("/", "belongs to user 0");
	assert_int_equal(chmod(own, 0777), 0);
	assert_unusable(own, "others can write to");
	assert_int_equal(chmod(own, 0500), 0);
	assert_unusable(own, "cannot be written (Permission denied)");
}

static void folder__of_root__is_the_systems(void **state)
{
	(void)state;
	setenv("XDG_RUNTIME_DIR", "/nowhere/at/all", 1);
	assert_string_equal(path_of("", false), RUNSTATEDIR "/prefork-srv.pid");
	unsetenv("XDG_RUNTIME_DIR");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, become_ordinary, become_oneself)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(option__that_is_absolute__is_the_path),
		CASE(option__that_is_relative__is_made_absolute),
		CASE(option__none__is_no_path_and_says_what_follows),
		CASE(path__longer_than_room__fails),
		CASE(folder__of_ones_own__is_taken),
		CASE(folder__without_the_variable__is_private),
		CASE(folder__that_cannot_be_used__is_said_and_private),
	};
	const struct CMUnitTest of_root[] = { cmocka_unit_test(folder__of_root__is_the_systems) };
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	if (geteuid() == 0)
		failed += cmocka_run_group_tests(of_root, NULL, NULL);
	return failed;
}
