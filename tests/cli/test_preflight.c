/* SPDX-License-Identifier: MIT */
/* -t and its look at the environment: what would keep the server from starting here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "cli/command.h"
#include "unit/folder.h"

static struct said said;

static bool starts_with(const char *text, const char *begin)
{
	return strncmp(text, begin, strlen(begin)) == 0;
}

static void check(void **state, const char *text)
{
	folder_write(*state, "x.conf", text);
	RUN(&said, *state, "-t", "-c", "x.conf", "-p", "x.pid");
}

static void assert_one_line(const char *begin, enum exit_code code)
{
	if (!starts_with(said.err, begin))
		fail_msg("%s", said.err);
	assert_ptr_equal(strchr(said.err, '\n') + 1, said.err + strlen(said.err));
	assert_int_equal(said.code, code);
}

static void test__of_a_good_configuration__says_so_unless_quiet(void **state)
{
	check(state,
	      "listen \"127.0.0.1:0\" { service = ack backlog = 16 }\nworker_connections = 16\n");
	assert_string_equal(said.err, "");
	assert_string_equal(said.out, "prefork-srv: configuration x.conf is in order\n");
	assert_int_equal(said.code, CODE_OK);
	RUN(&said, *state, "-t", "-q", "-c", "x.conf", "-p", "x.pid");
	assert_string_equal(said.out, "");
	assert_string_equal(said.err, "");
	assert_int_equal(said.code, CODE_OK);
}

static void test__with_a_port_that_another_program_has__says_so(void **state)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	socklen_t len = sizeof(in);
	char text[256], begin[256];

	assert_int_equal(bind(fd, (struct sockaddr *)&in, len), 0);
	assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&in, &len), 0);
	snprintf(text, sizeof(text), "\nlisten \"127.0.0.1:%d\" { service = ack backlog = 16 }\n",
		 ntohs(in.sin_port));
	snprintf(begin, sizeof(begin),
		 "prefork-srv: x.conf:2: listen \"127.0.0.1:%d\": cannot bind ",
		 ntohs(in.sin_port));
	check(state, text);
	assert_one_line(begin, CODE_UNAVAILABLE);
	close(fd);
}

static void test__with_an_address_of_another_machine__says_so(void **state)
{
	check(state, "listen \"192.0.2.1:8080\" { service = ack backlog = 16 }\n");
	assert_one_line("prefork-srv: x.conf:1: listen \"192.0.2.1:8080\": cannot bind ",
			CODE_UNAVAILABLE);
}

static void test__with_missing_folders__names_each_option_and_its_line(void **state)
{
	check(state, "listen \"127.0.0.1:0\" { service = ack backlog = 16 }\n"
		     "working_directory = /none/a\nchroot = /none/b\nlog { path = /none/c }\n");
	assert_non_null(strstr(said.err,
			       "prefork-srv: x.conf:2: working_directory: \"/none/a\" cannot be "
			       "entered: No such file or directory\n"));
	assert_non_null(strstr(said.err,
			       "prefork-srv: x.conf:3: chroot: \"/none/b\" cannot be entered: "
			       "No such file or directory\n"));
	assert_non_null(strstr(said.err,
			       "prefork-srv: x.conf:4: log.path: \"/none/c\" cannot be written: "
			       "No such file or directory\n"));
	assert_int_equal(said.code, CODE_CONFIG);
}

static void test__of_an_access_log_that_cannot_be_written__says_so(void **state)
{
	check(state, "listen \"127.0.0.1:0\" { service = ack backlog = 16 }\n"
		     "log { access = \"/none/a\" }\n");
	assert_one_line("prefork-srv: x.conf:2: log.access: \"/none/a\" cannot be written: "
			"No such file or directory",
			CODE_CONFIG);
}

static void test__of_an_access_log_in_another_file_of_the_server__says_so(void **state)
{
	folder_write(*state, "x.conf",
		     "listen \"127.0.0.1:0\" { service = ack backlog = 16 }\n"
		     "pid_file = \"/tmp/a.pid\"\n"
		     "log { access = \"/tmp/a.scoreboard\" }\n");
	RUN(&said, *state, "-t", "-c", "x.conf");
	assert_one_line(
		"prefork-srv: x.conf:3: log.access: \"/tmp/a.scoreboard\" is the server's own "
		"pid file or scoreboard (name another)",
		CODE_CONFIG);
	check(state, "listen \"127.0.0.1:0\" { service = ack backlog = 16 }\n"
		     "log { path = \"/tmp/a.log\" access = \"/tmp/a.log\" }\n");
	assert_one_line("prefork-srv: x.conf:2: log.access: is the log's file too (name another)",
			CODE_CONFIG);
}

/* -t and the start are of one mind about a pid file. */
static void assert_both(void **state, const char *path, const char *begin, enum exit_code code)
{
	RUN(&said, *state, "-t", "-l", "127.0.0.1:0=ack,backlog=16", "-p", path);
	assert_one_line(begin, code);
	RUN(&said, *state, "-l", "127.0.0.1:0=ack,backlog=16", "-p", path);
	assert_one_line(begin, code);
}

static void test__with_a_pid_file_that_cannot_be__says_what_the_start_says(void **state)
{
	assert_both(state, "/none/x.pid",
		    "prefork-srv: -p /none/x.pid: cannot open the pid file /none/x.pid (-p chooses "
		    "another): No such file or directory",
		    CODE_OSERR);
	assert_both(state, "/dev",
		    "prefork-srv: -p /dev: the pid file /dev is a directory (name another; ",
		    CODE_CONFIG);
	assert_both(state, "/dev/null",
		    "prefork-srv: -p /dev/null: the pid file /dev/null is not a regular file (name "
		    "another; ",
		    CODE_CONFIG);
}

static void test__without_a_pid_file__has_nothing_to_say(void **state)
{
	RUN(&said, *state, "-t", "-q", "-l", "127.0.0.1:0=ack,backlog=16", "-p", "none");
	assert_string_equal(said.err, "");
	assert_int_equal(said.code, CODE_OK);
}

/* Where the default place cannot be written; 99: this system has no such place for a test. */
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
	assert_int_equal(said.code, CODE_OSERR);
	assert_non_null(strstr(said.err, "Read-only file system"));
}

static void test__with_too_few_descriptors__warns(void **state)
{
	struct rlimit kept;

	/* no system has a hard limit of so many, and none can be raised to it */
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &kept), 0);
	check(state, "listen \"127.0.0.1:0\" { service = ack backlog = 16 }\nrlimit_nofile = "
		     "1073741816\n");
	if (kept.rlim_max < 1073741816)
		assert_one_line(
			"prefork-srv: x.conf:2: rlimit_nofile: 1073741816 descriptors are needed, ",
			CODE_OK);
	else
		assert_string_equal(said.err, "");
}

static void test__with_a_long_backlog__warns(void **state)
{
	long most = 0;
	FILE *file = fopen("/proc/sys/net/core/somaxconn", "re");

	assert_non_null(file);
	assert_int_equal(fscanf(file, "%ld", &most), 1);
	fclose(file);
	check(state, "listen \"127.0.0.1:0\" { service = ack\n backlog = 65535 }\n");
	assert_int_equal(said.code, CODE_OK);
	if (most < 65535)
		assert_non_null(strstr(said.err,
				       "prefork-srv: x.conf:1: listen.backlog: 65535 is more than "
				       "net.core.somaxconn allows"));
}

static void test__beside_the_running_server__finds_its_addresses_free_and_disturbs_nothing(
	void **state)
{
	const char *arguments[] = { "-c", "s.conf", "-p", "s.pid", "-w", "1", NULL };
	struct server server;
	char text[512];

	snprintf(text, sizeof(text),
		 "listen \"127.0.0.1:0\" { service = ack backlog = 16 }\n"
		 "listen \"unix:%s/s.sock\" { service = ack backlog = 16 }\n",
		 (char *)*state);
	folder_write(*state, "s.conf", text);
	command_start(&server, *state, arguments);
	snprintf(text, sizeof(text),
		 "listen \"%s\" { service = ack backlog = 16 }\n"
		 "listen \"unix:%s/s.sock\" { service = ack backlog = 16 }\n",
		 server.address, (char *)*state);
	folder_write(*state, "x.conf", text);
	RUN(&said, *state, "-t", "-c", "x.conf", "-p", "s.pid");
	assert_string_equal(said.err, "");
	assert_int_equal(said.code, CODE_OK);
	RUN(&said, *state, "-t", "-c", "x.conf", "-p", "other.pid");
	assert_non_null(strstr(said.err, "x.conf:1: listen "));
	assert_non_null(strstr(said.err, "x.conf:2: listen "));
	assert_int_equal(said.code, CODE_UNAVAILABLE);
	RUN(&said, *state, "-s", "stop", "-p", "s.pid");
	assert_int_equal(said.code, CODE_OK);
	assert_int_equal(command_wait(&server), 0);
}

static void test__as_root_with_an_unknown_user__says_so(void **state)
{
	check(state,
	      "listen \"127.0.0.1:0\" { service = ack backlog = 16 }\nuser = nobdy_at_all\n");
	assert_one_line("prefork-srv: x.conf:2: user: there is no user \"nobdy_at_all\"",
			CODE_CONFIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test__of_a_good_configuration__says_so_unless_quiet),
		cmocka_unit_test(test__with_a_port_that_another_program_has__says_so),
		cmocka_unit_test(test__with_an_address_of_another_machine__says_so),
		cmocka_unit_test(test__with_missing_folders__names_each_option_and_its_line),
		cmocka_unit_test(test__of_an_access_log_that_cannot_be_written__says_so),
		cmocka_unit_test(test__of_an_access_log_in_another_file_of_the_server__says_so),
		cmocka_unit_test(test__with_a_pid_file_that_cannot_be__says_what_the_start_says),
		cmocka_unit_test(test__without_a_pid_file__has_nothing_to_say),
		cmocka_unit_test(start__where_no_place_can_be_written__serves_and_says_so),
		cmocka_unit_test(test__with_too_few_descriptors__warns),
		cmocka_unit_test(test__with_a_long_backlog__warns),
		cmocka_unit_test(
			test__beside_the_running_server__finds_its_addresses_free_and_disturbs_nothing),
	};
	/* only root's server changes its user */
	const struct CMUnitTest of_root[] = {
		cmocka_unit_test(test__as_root_with_an_unknown_user__says_so),
	};
	int failed = cmocka_run_group_tests(tests, folder_make, folder_remove);

	if (geteuid() == 0)
		failed += cmocka_run_group_tests(of_root, folder_make, folder_remove);
	return failed;
}
