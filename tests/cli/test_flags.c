/* SPDX-License-Identifier: MIT */
/* Flags, messages and exit codes of the command line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "cli/command.h"
#include "unit/folder.h"

static struct said said;

static void assert_said(enum exit_code code, const char *out, const char *err)
{
	assert_string_equal(said.err, err);
	assert_string_equal(said.out, out);
	assert_int_equal(said.code, code);
}

static void version__is_one_line(void **state)
{
	RUN(&said, *state, "-V");
	assert_int_equal(strncmp(said.out, "prefork-srv ", 12), 0);
	assert_ptr_equal(strchr(said.out, '\n') + 1, said.out + strlen(said.out));
	assert_int_equal(said.code, CODE_OK);
	assert_string_equal(said.err, "");
}

static void help__fits_a_screen(void **state)
{
	int lines = 0;

	RUN(&said, *state, "--help");
	assert_int_equal(said.code, CODE_OK);
	for (char *line = said.out; *line != '\0'; lines++) {
		size_t len = strcspn(line, "\n");

		assert_true(len <= 80);
		line += len + 1;
	}
	assert_true(lines > 15 && lines <= 24);
	assert_non_null(strstr(said.out, "stop quit reload reopen"));
}

static void usage__that_is_wrong__is_refused(void **state)
{
	static const struct {
		const char *arguments[5];
		const char *message;
	} rows[] = {
		{ { "foo" }, "\"foo\": no arguments are taken (-h lists the flags)" },
		{ { "-t", "foo", "--", "bar" },
		  "\"foo\": no arguments are taken (-h lists the flags)" },
		{ { "-t", "--", "foo" },
		  "-- foo: a listener without a service is missing (-l ADDRESS before the --)" },
		{ { "-t", "-l", "8081=ack", "--", "foo" },
		  "-- foo: a listener without a service is missing (-l ADDRESS before the --)" },
		{ { "-x" }, "\"-x\": unknown flag (-h lists them)" },
		{ { "--frob" }, "\"--frob\": unknown flag (-h lists them)" },
		{ { "-c" }, "--config: a value is missing (FILE)" },
		{ { "--signal" }, "--signal: a value is missing (VERB)" },
		{ { "--daemon=yes" }, "--daemon: takes no value" },
		{ { "-t", "-T" }, "-t and -T do not go together" },
		{ { "-s", "stop", "-t" }, "-s and -t do not go together" },
		{ { "-w", "lots", "-t" }, "-w lots: \"lots\" is not a number (1 to 256, or auto)" },
		{ { "-w", "0", "-t" }, "-w 0: \"0\" is out of range (1 to 256, or auto)" },
		{ { "-l", "8081" }, "-l 8081: the service is missing (ADDRESS=SERVICE)" },
		{ { "-o", "log.level=lots" },
		  "-o log.level=lots: \"lots\" is unknown (debug, info, notice, warning or "
		  "error)" },
		{ { "-p", "", "-t" }, "-p \"\": a path is needed" },
		{ { "-s", "restart" },
		  "-s \"restart\": is not a verb (stop, quit, reload, reopen, status, drain or "
		  "undrain; reload takes a new configuration; a new program needs quit and a "
		  "start)" },
		{ { "-s", "HUP" },
		  "-s \"HUP\": is not a verb (stop, quit, reload, reopen, status, drain or "
		  "undrain; reload takes a new configuration)" },
		{ { "-s", "disable", "x" },
		  "-s \"disable\": is not a verb (stop, quit, reload, reopen, status, drain or "
		  "undrain; write drain)" },
		{ { "-s", "drian", "x" },
		  "-s \"drian\": is not a verb (stop, quit, reload, reopen, status, drain or "
		  "undrain; did you mean drain?)" },
		{ { "-s", "zzz" },
		  "-s \"zzz\": is not a verb (stop, quit, reload, reopen, status, drain or "
		  "undrain)" },
		{ { "foo", "-t", "-T" }, "-t and -T do not go together" },
		{ { "-t", "-o", "worker_processes=4" },
		  "-o worker_processes=4: \"worker_processes\" is an unknown option (write "
		  "workers)" },
		{ { "-t", "-l", "8080=ack,client_body_timeout=4" },
		  "-l 8080=ack,client_body_timeout=4: \"client_body_timeout\" is an unknown "
		  "option (write message_timeout)" },
		{ { "-P", "option" },
		  "-P \"option\": is not a table (options, signals, metrics, events, exits, "
		  "services, flags, "
		  "verbs, endings, proxy_errors, causes, reasons, fields, client_flags, "
		  "bench_flags, demo_flags, "
		  "client_exits, "
		  "demo_exits, labs or sample)" },
		{ { "--ready-fd", "77", "-t" }, "--ready-fd 77: is not open: Bad file descriptor" },
		{ { "--ready-fd", "-1", "-t" },
		  "--ready-fd \"-1\": is not a number of a descriptor" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char message[512];

		snprintf(message, sizeof(message), "prefork-srv: %s\n", rows[i].message);
		command_run(&said, *state, rows[i].arguments);
		assert_said(CODE_USAGE, "", message);
	}
}

static void test__with_ten_wrong_files__prints_ten_messages_with_file_and_line(void **state)
{
	static const char *const rows[][2] = {
		{ "backlgo = 3\n", "x.conf:1: backlgo: unknown option (did you mean backlog?)" },
		{ "\nworkers = lots\n",
		  "x.conf:2: workers: \"lots\" is not a number (1 to 256, or auto)" },
		{ "umask = 022\numask = 022\n",
		  "x.conf:2: umask: is given twice (first: x.conf:1)" },
		{ "workers 4\n", "x.conf:1: workers: \"=\" is missing after it" },
		{ "# x\nlog {\n", "x.conf:2: the \"{\" of this line is not closed" },
		{ "listen 8080 {\n service = ehco }\n",
		  "x.conf:2: listen.service: \"ehco\" is not "
		  "a service (ack, echo, discard, daytime, "
		  "chargen, status, http, module, program, proxy or exec; did you mean echo?)" },
		{ "listen 8080 {\n service = echo\n framing = line }\n",
		  "x.conf:3: framing: belongs to service ack, not echo" },
		{ "listen 8080 { }\n",
		  "x.conf:1: listen \"8080\": the service is missing (service = ack)" },
		{ "include(\"none\")\n",
		  "x.conf:1: include: none: cannot be opened: No such file or directory" },
		{ "chroot = jail\n",
		  "x.conf:1: chroot: \"jail\" is not an absolute path (a path that "
		  "begins with / or empty)" },
		{ "user = \"nobody\n", "x.conf:1: the string that begins here does not end" },
		{ "hang_timeout = 5 # s\n}\n", "x.conf:2: \"}\" closes nothing" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char message[512];

		snprintf(message, sizeof(message), "prefork-srv: %s\n", rows[i][1]);
		folder_write(*state, "x.conf", rows[i][0]);
		RUN(&said, *state, "-t", "-c", "x.conf");
		assert_said(CODE_CONFIG, "", message);
		RUN(&said, *state, "-c", "x.conf", "-p", "x.pid");
		assert_said(CODE_CONFIG, "", message);
	}
}

static void dump__reads_back_to_the_same(void **state)
{
	static char first[sizeof(said.out)];

	folder_write(*state, "x.conf",
		     "workers = 3\nlisten \"127.0.0.1:0\" { service = ack framing = line }\n");
	RUN(&said, *state, "-T", "-c", "x.conf", "-p", "x.pid", "-o", "log.level=debug");
	assert_int_equal(said.code, CODE_OK);
	assert_non_null(strstr(said.out, "workers = 3\n"));
	assert_non_null(strstr(said.out, "\tlevel = debug\n"));
	snprintf(first, sizeof(first), "%s", said.out);
	folder_write(*state, "x.conf", first);
	RUN(&said, *state, "-T", "-c", "x.conf", "-p", "x.pid");
	assert_string_equal(said.out, first);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(version__is_one_line),
		cmocka_unit_test(help__fits_a_screen),
		cmocka_unit_test(usage__that_is_wrong__is_refused),
		cmocka_unit_test(
			test__with_ten_wrong_files__prints_ten_messages_with_file_and_line),
		cmocka_unit_test(dump__reads_back_to_the_same),
	};

	return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
