/* SPDX-License-Identifier: MIT */
/* Tests of master/trial/path_conflict.c: which paths of a configuration are one file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "config/conf_load.h"
#include "master/trial/path_conflict.h"
#include "unit/folder.h"

enum { ALL_MOST = 256 };

/* The server of a test: its files are in the test's folder. */
struct paths {
	const char *pid_file, *log, *access, *listen;
};

/* Checks a configuration with these paths; the message is in *err when they conflict. */
static bool check_paths(const char *folder, const struct paths *paths, struct err *err)
{
	char pid_file[ALL_MOST], log[ALL_MOST], access_log[ALL_MOST], listen[ALL_MOST];
	const char *overrides[] = { log, access_log }, *listeners[] = { listen };
	const struct conf_source source = { .pid_file = pid_file,
					    .listeners = listeners,
					    .listener_count = 1,
					    .overrides = overrides,
					    .override_count = 2 };
	struct conf *conf;
	bool is_good;

	snprintf(pid_file, sizeof(pid_file), "%s/%s", folder, paths->pid_file);
	snprintf(log, sizeof(log), "log.path=%s/%s", folder, paths->log);
	snprintf(access_log, sizeof(access_log), "log.access=%s/%s", folder, paths->access);
	snprintf(listen, sizeof(listen), "unix:%s/%s=ack", folder, paths->listen);
	conf = conf_load(&source, err);
	if (!conf)
		fail_msg("%s", err->text);
	is_good = path_conflict_check(conf, err);
	conf_free(conf);
	return is_good;
}

static void check__of_different_files__finds_nothing(void **state)
{
	struct err err;

	if (!check_paths(*state, &(struct paths){ "x.pid", "log", "access", "s" }, &err))
		fail_msg("%s", err.text);
}

static void check__of_one_name_for_two_files__names_the_second(void **state)
{
	static const struct {
		struct paths paths;
		const char *option, *what;
	} rows[] = {
		{ { "x", "x", "access", "s" }, "log.path: ", "pid file" },
		{ { "x.pid", "x.scoreboard", "access", "s" }, "log.path: ", "scoreboard" },
		{ { "x.pid", "x", "./x", "s" }, "log.access: ", "log" },
		{ { "x.pid", "log", "access", ".//access" }, "listen: ", "access log" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char reason[64];
		struct err err;

		snprintf(reason, sizeof(reason), " is the server's %s too (", rows[i].what);
		assert_false(check_paths(*state, &rows[i].paths, &err));
		assert_int_equal(err.code, CODE_CONFIG);
		if (!strstr(err.text, rows[i].option) || !strstr(err.text, reason))
			fail_msg("row %zu: %s", i, err.text);
	}
}

static void check__of_two_names_of_one_file__finds_it(void **state)
{
	const struct paths paths = { "x.pid", "log", "access", "s" };
	char log[ALL_MOST], other[ALL_MOST];
	struct err err;

	snprintf(log, sizeof(log), "%s/log", (const char *)*state);
	snprintf(other, sizeof(other), "%s/access", (const char *)*state);
	folder_write(*state, "log", "");
	assert_int_equal(link(log, other), 0);
	assert_false(check_paths(*state, &paths, &err));
	assert_non_null(strstr(err.text, "log.access: "));
	assert_int_equal(unlink(other), 0);
	folder_write(*state, "access", "");
	assert_true(check_paths(*state, &paths, &err));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, folder_make, folder_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(check__of_different_files__finds_nothing),
		CASE(check__of_one_name_for_two_files__names_the_second),
		CASE(check__of_two_names_of_one_file__finds_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
