/* SPDX-License-Identifier: MIT */
/* -t and its checks of the environment: conditions that prevent the server from starting here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "cli/command.h"
#include "unit/folder.h"

static struct said said;

static void check(void **state, const char *text)
{
	folder_write(*state, "x.conf", text);
	RUN(&said, *state, "-t", "-c", "x.conf", "-p", "x.pid");
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
	assert_says_one_line(&said, begin, CODE_UNAVAILABLE);
	close(fd);
}

static void test__with_an_address_of_another_machine__says_so(void **state)
{
	RUN(&said, *state, "-t", "-p", "none", "-l", "[fe80::1]:0=ack,backlog=16");
	if (strstr(said.err, "no IPv6") == NULL)
		assert_non_null(strstr(said.err, "Invalid argument (a link-local address needs its "
						 "interface: [fe80::1%eth0])\n"));
	check(state, "listen \"192.0.2.1:8080\" { service = ack backlog = 16 }\n");
	assert_says_one_line(&said,
			     "prefork-srv: x.conf:1: listen \"192.0.2.1:8080\": cannot bind ",
			     CODE_UNAVAILABLE);
}

/* Its helpers run no programs of a user's. */
static void test__with_a_proxy_and_no_user__warns_of_no_programs(void **state)
{
	check(state, "listen \"127.0.0.1:0\" { service = proxy  to = {\"127.0.0.1:1\"}  "
		     "backlog = 16 }\nworker_connections = 16\n");
	assert_string_equal(said.err, "");
	assert_int_equal(said.code, CODE_OK);
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
	assert_says_one_line(&said,
			     "prefork-srv: x.conf:2: log.access: \"/none/a\" cannot be written: "
			     "No such file or directory",
			     CODE_CONFIG);
}

static void test__of_two_files_of_the_server_in_one__names_the_second(void **state)
{
	static const struct {
		const char *text, *message;
	} rows[] = {
		{ "log { access = \"/tmp/a.scoreboard\" }",
		  "x.conf:3: log.access: \"/tmp/a.scoreboard\" is the server's scoreboard too" },
		{ "log { path = \"/tmp/a.pid\" }",
		  "x.conf:3: log.path: \"/tmp/a.pid\" is the server's pid file too" },
		{ "log { path = \"/tmp/../tmp/./a.pid\" access = \"/tmp/b\" }",
		  "x.conf:3: log.path: \"/tmp/../tmp/./a.pid\" is the server's pid file too" },
		{ "log { path = \"/tmp/a.log\" access = \"//tmp/a.log\" }",
		  "x.conf:3: log.access: \"//tmp/a.log\" is the server's log too" },
		{ "listen \"unix:/tmp/./a.pid\" { service = ack }",
		  "x.conf:3: listen: \"unix:/tmp/./a.pid\" is the server's pid file too" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char text[512], message[512];

		snprintf(text, sizeof(text),
			 "listen \"127.0.0.1:0\" { service = ack backlog = 16 }\n"
			 "pid_file = \"/tmp/a.pid\"\n%s\n",
			 rows[i].text);
		snprintf(message, sizeof(message), "prefork-srv: %s (name another)",
			 rows[i].message);
		folder_write(*state, "x.conf", text);
		RUN(&said, *state, "-t", "-c", "x.conf");
		assert_says_one_line(&said, message, CODE_CONFIG);
		RUN(&said, *state, "-c", "x.conf");
		assert_says_one_line(&said, message, CODE_CONFIG);
	}
}

static void assert_refuses_configuration(const char *folder, const char *flag)
{
	RUN(&said, folder, "-q", flag, "-c", "x.conf");
	assert_int_equal(said.code, CODE_CONFIG);
	assert_true(strstr(said.err, "is the server's configuration too (name another)") ||
		    strstr(said.err, "holds something else than a process id (name another"));
}

static void test__of_the_configuration_as_a_file_of_the_server__is_refused(void **state)
{
	static const char *const options[] = { "log { path = \"", "log { access = \"",
					       "pid_file = \"" };

	for (size_t i = 0; i < sizeof(options) / sizeof(*options); i++) {
		char text[512], path[256];
		struct stat st;
		int size = snprintf(text, sizeof(text),
				    "listen \"127.0.0.1:0\" { service = ack }\n%s%s/./x.conf\"%s\n",
				    options[i], (const char *)*state, i < 2 ? " }" : "");

		folder_write(*state, "x.conf", text);
		assert_refuses_configuration(*state, "-t");
		assert_refuses_configuration(*state, "-q");
		snprintf(path, sizeof(path), "%s/x.conf", (const char *)*state);
		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(st.st_size, size);
	}
}

/*
 * Runs -t with these arguments, and then the start: both must print this and exit with this code.
 */
static void assert_both_say(const char *folder, const char *const *arguments, const char *begin,
			    enum exit_code code)
{
	const char *both[16] = { "-t" };
	size_t count = 0;

	for (; arguments[count] != NULL; count++)
		both[count + 1] = arguments[count];
	command_run(&said, folder, both);
	assert_says_one_line(&said, begin, code);
	command_run(&said, folder, both + 1);
	assert_says_one_line(&said, begin, code);
	assert_string_equal(said.out, "");
	both[0] = "-d";
	command_run(&said, folder, both);
	assert_says_one_line(&said, begin, code);
}

#define ONE "-l", "127.0.0.1:0=ack,backlog=16", "-o", "log.path=/dev/zero"

static void test__of_a_scoreboards_name_that_is_taken__says_what_the_start_says(void **state)
{
	const char *arguments[] = { ONE, "-p", "b.pid", NULL };
	char board[128], message[512];

	snprintf(board, sizeof(board), "%s/b.scoreboard", (char *)*state);
	assert_int_equal(mkdir(board, 0700), 0);
	snprintf(message, sizeof(message),
		 "prefork-srv: -p b.pid: cannot create the scoreboard %s: Is a "
		 "directory\n",
		 board);
	assert_both_say(*state, arguments, message, CODE_CONFIG);
	assert_int_equal(rmdir(board), 0);
}

/* A container's root may lack the capability to change to the workers' user. */
static void test__without_the_right_to_change_user__says_what_the_start_says(void **state)
{
	if (geteuid() != 0)
		skip();
	for (int i = 0; i < 2; i++) {
		RUN_WORDS(&said, *state, "setpriv", "--inh-caps=-all", "--bounding-set=-all",
			  getenv("PREFORK_SRV"), ONE, "-p", "none", "-o", "user=nobody",
			  i == 0 ? "-t" : "-q");
		if (said.code != CODE_NOPERM || !strstr(said.err, "Operation not permitted"))
			fail_msg("%d: %s", said.code, said.err);
	}
}

static void test__of_one_socket_by_two_names__says_what_the_start_says(void **state)
{
	char one[128], other[128], message[512];
	const char *arguments[] = { "-l", one,     "-l", other, "-o", "log.path=/dev/zero",
				    "-p", "u.pid", NULL };

	snprintf(one, sizeof(one), "unix:%s/u.sock=ack,backlog=16", (char *)*state);
	snprintf(other, sizeof(other), "unix:/.%s/u.sock=ack,backlog=16", (char *)*state);
	snprintf(message, sizeof(message),
		 "prefork-srv: -l %s: listen \"unix:/.%s/u.sock\": cannot bind ", other,
		 (char *)*state);
	assert_both_say(*state, arguments, message, CODE_CONFIG);
}

static void test__with_a_limit_below_what_workers_need__says_what_the_start_says(void **state)
{
	const char *arguments[] = {
		ONE, "-w", "64", "-o", "rlimit_nofile=64", "-p", "f.pid", NULL
	};

	assert_both_say(*state, arguments,
			"prefork-srv: -o rlimit_nofile=64: rlimit_nofile: for 64 workers, room for "
			"16 more, and 1 listening socket: ",
			CODE_CONFIG);
	arguments[5] = "1";
	assert_both_say(*state, arguments,
			"prefork-srv: -o rlimit_nofile=64: rlimit_nofile: for 1 worker, room for "
			"16 more, and 1 listening socket: ",
			CODE_CONFIG);
}

static void test__with_too_few_descriptors__warns(void **state)
{
	struct rlimit kept;

	/* no system has a hard limit this high, and no process can raise its limit to it */
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &kept), 0);
	check(state, "listen \"127.0.0.1:0\" { service = ack backlog = 16 }\nrlimit_nofile = "
		     "1073741816\n");
	if (kept.rlim_max < 1073741816)
		assert_says_one_line(
			&said,
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

/* A listener of another service has no line in that format. */
static void test__of_combined_without_http__warns(void **state)
{
	static const char warning[] =
		"prefork-srv: x.conf:2: log.access_format: combined has lines for HTTP requests "
		"alone, and no listen has service http or status: the access log stays empty "
		"(write text or json) (a warning)\n";
	static const struct {
		const char *service, *log;
		bool is_warned;
	} rows[] = {
		{ "ack", "access = stderr access_format = combined", true },
		{ "ack", "access = off access_format = combined", false },
		{ "ack", "access = stderr access_format = json", false },
		{ "status", "access = stderr access_format = combined", false },
		{ "http root = /", "access = stderr access_format = combined", false },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char text[256];

		snprintf(text, sizeof(text),
			 "listen \"127.0.0.1:0\" { backlog = 16 service = %s }\nlog { %s }\n"
			 "worker_connections = 16\n",
			 rows[i].service, rows[i].log);
		check(state, text);
		assert_string_equal(said.err, rows[i].is_warned ? warning : "");
		assert_int_equal(said.code, CODE_OK);
	}
}

static void test__beside_the_running_server__finds_addresses_free_and_disturbs_nothing(void **state)
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
		 "listen \"unix:/.%s//s.sock\" { service = ack backlog = 16 }\n",
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
	assert_says_one_line(&said,
			     "prefork-srv: x.conf:2: user: there is no user \"nobdy_at_all\"",
			     CODE_CONFIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test__of_a_good_configuration__says_so_unless_quiet),
		cmocka_unit_test(test__with_a_port_that_another_program_has__says_so),
		cmocka_unit_test(test__with_an_address_of_another_machine__says_so),
		cmocka_unit_test(test__with_a_proxy_and_no_user__warns_of_no_programs),
		cmocka_unit_test(test__with_missing_folders__names_each_option_and_its_line),
		cmocka_unit_test(test__of_an_access_log_that_cannot_be_written__says_so),
		cmocka_unit_test(test__of_the_configuration_as_a_file_of_the_server__is_refused),
		cmocka_unit_test(test__of_two_files_of_the_server_in_one__names_the_second),
		cmocka_unit_test(
			test__of_a_scoreboards_name_that_is_taken__says_what_the_start_says),
		cmocka_unit_test(test__without_the_right_to_change_user__says_what_the_start_says),
		cmocka_unit_test(test__of_one_socket_by_two_names__says_what_the_start_says),
		cmocka_unit_test(
			test__with_a_limit_below_what_workers_need__says_what_the_start_says),
		cmocka_unit_test(test__with_too_few_descriptors__warns),
		cmocka_unit_test(test__with_a_long_backlog__warns),
		cmocka_unit_test(test__of_combined_without_http__warns),
		cmocka_unit_test(
			test__beside_the_running_server__finds_addresses_free_and_disturbs_nothing),
	};
	/* only a server started by root changes its user */
	const struct CMUnitTest of_root[] = {
		cmocka_unit_test(test__as_root_with_an_unknown_user__says_so),
	};
	int failed = cmocka_run_group_tests(tests, folder_make, folder_remove);

	if (geteuid() == 0)
		failed += cmocka_run_group_tests(of_root, folder_make, folder_remove);
	return failed;
}
