/* SPDX-License-Identifier: MIT */
/* Pid files that cannot be used, and directories where none can be made: -t and the start. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "cli/command.h"
#include "unit/folder.h"

static struct said said;

static bool starts_with(const char *text, const char *begin)
{
	return strncmp(text, begin, strlen(begin)) == 0;
}

/* -t and the start must give the same result for a pid file. */
static void assert_both(void **state, const char *path, const char *begin, enum exit_code code)
{
	RUN(&said, *state, "-t", "-l", "127.0.0.1:0=ack,backlog=16", "-p", path);
	assert_says_one_line(&said, begin, code);
	RUN(&said, *state, "-l", "127.0.0.1:0=ack,backlog=16", "-p", path);
	assert_says_one_line(&said, begin, code);
}

static void test__with_a_pid_file_that_cannot_be__says_what_the_start_says(void **state)
{
	assert_both(state, "/none/x.pid",
		    "prefork-srv: -p /none/x.pid: cannot open the pid file /none/x.pid (-p chooses "
		    "another): No such file or directory",
		    CODE_CONFIG);
	assert_both(state, "/dev",
		    "prefork-srv: -p /dev: the pid file /dev is a directory (name another; ",
		    CODE_CONFIG);
	assert_both(state, "/dev/null",
		    "prefork-srv: -p /dev/null: the pid file /dev/null is not a regular file (name "
		    "another; ",
		    CODE_CONFIG);
}

static void test__of_a_path_that_is_wrong__exits_as_for_a_wrong_configuration(void **state)
{
	static const char *const options[] = { "log.path", "log.access" };
	static const char *const paths[] = { "/tmp", "/dev/", "/none/a", "/dev/null/a" };
	char option[64];

	for (size_t i = 0; i < sizeof(options) / sizeof(*options); i++)
		for (size_t j = 0; j < sizeof(paths) / sizeof(*paths); j++) {
			char begin[256];

			snprintf(option, sizeof(option), "%s=%s", options[i], paths[j]);
			snprintf(begin, sizeof(begin),
				 "prefork-srv: -o %s: %s: \"%s\" cannot be written: ", option,
				 options[i], paths[j]);
			RUN(&said, *state, "-t", "-l", "127.0.0.1:0=ack,backlog=16", "-p", "none",
			    "-o", option);
			assert_says_one_line(&said, begin, CODE_CONFIG);
			RUN(&said, *state, "-l", "127.0.0.1:0=ack", "-p", "none", "-o", option);
			assert_says_one_line(&said, begin, CODE_CONFIG);
		}
}

static void test__without_a_pid_file__has_nothing_to_say(void **state)
{
	RUN(&said, *state, "-t", "-q", "-l", "127.0.0.1:0=ack,backlog=16", "-p", "none");
	assert_string_equal(said.err, "");
	assert_int_equal(said.code, CODE_OK);
}

/* Makes the default directory read-only; 99: this system has no such directory for a test. */
#define WHERE_NOTHING_CAN_BE_WRITTEN "mount -t tmpfs -o ro none " RUNSTATEDIR " || exit 99; "
static bool run_there(const char *folder, const char *script)
{
	RUN_WORDS(&said, folder, "unshare", geteuid() == 0 ? "-m" : "-rm", "sh", "-c", script);
	return said.code != 99 && !starts_with(said.err, "unshare");
}

static void start__where_no_place_can_be_written__serves_and_says_so(void **state)
{
	static const char says[] = RUNSTATEDIR
		" cannot be written (-p chooses another place): no pid file is kept, so -s cannot "
		"find the server (signal its master, or ask the service status)";

	if (!run_there(*state, WHERE_NOTHING_CAN_BE_WRITTEN
		       "exec \"$PREFORK_SRV\" -t -l 127.0.0.1:0=ack,backlog=16"))
		skip();
	assert_int_equal(said.code, CODE_OK);
	assert_non_null(strstr(said.err, says));
	run_there(*state, WHERE_NOTHING_CAN_BE_WRITTEN
		  "mkfifo ready; \"$PREFORK_SRV\" -q -l 127.0.0.1:0=ack --ready-fd 9 9>ready & "
		  "read -r address < ready; kill $!; wait $!");
	assert_int_equal(said.code, CODE_OK);
	assert_non_null(strstr(said.err, says));
	assert_non_null(strstr(said.err, " server_stopped "));
	run_there(*state, WHERE_NOTHING_CAN_BE_WRITTEN "exec \"$PREFORK_SRV\" -s status");
	assert_int_equal(said.code, CODE_FAILED);
	assert_non_null(strstr(said.err, "no server is running, or it keeps no pid file ("));
	run_there(*state, WHERE_NOTHING_CAN_BE_WRITTEN
		  "exec \"$PREFORK_SRV\" -l 127.0.0.1:0=ack -p " RUNSTATEDIR "/x.pid");
	assert_int_equal(said.code, CODE_CONFIG);
	assert_non_null(strstr(said.err, "Read-only file system"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test__with_a_pid_file_that_cannot_be__says_what_the_start_says),
		cmocka_unit_test(test__of_a_path_that_is_wrong__exits_as_for_a_wrong_configuration),
		cmocka_unit_test(test__without_a_pid_file__has_nothing_to_say),
		cmocka_unit_test(start__where_no_place_can_be_written__serves_and_says_so),
	};

	return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
