/* SPDX-License-Identifier: MIT */
/* exec: what a program gets, and what is told of its end. */
#include "harness.h"

#include <ctype.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "accessbook.h"
#include "base/output_lines.h"
#include "client.h"
#include "process.h"

#define LISTEN(rest) "listen \"127.0.0.1:0\" { service = exec  " rest " }\n"
#define SHELL(text)  "command = {\"/bin/sh\", \"-c\", \"" text "\"}"

/* All that the program sends. */
static const char *ask(const struct server *s, const char *request)
{
	static char text[32768];
	int fd = client_connect(FIRST(s));

	client_say(fd, request);
	client_half_close(fd);
	client_drain(fd, text, sizeof(text));
	close(fd);
	return text;
}

/* The line that begins with the name, without it; "" when there is none. */
static const char *value_of(const char *text, const char *name)
{
	static char value[512];
	size_t length = strlen(name);

	value[0] = '\0';
	for (const char *at = text; at; at = strchr(at, '\n')) {
		at += *at == '\n';
		if (strncmp(at, name, length) == 0)
			snprintf(value, sizeof(value), "%.*s", (int)strcspn(at + length, "\n"),
				 at + length);
	}
	return value;
}

static void program__gets_the_socket_with_both_ends_of_its_stream(void **state)
{
	struct server *s = server_start(&(struct plan){ .conf = LISTEN("command = {/bin/cat}") });
	int fd = client_connect(FIRST(s));

	(void)state;
	client_say(fd, "one");
	client_hear(fd, "one");
	client_say(fd, "two");
	client_half_close(fd);
	client_hear(fd, "two");
	client_expect_end(fd);
	close(fd);
	server_stop(s);
}

static void end_of_a_program__is_in_the_access_log(void **state)
{
	static const struct {
		const char *request, *told;
	} ends[] = {
		{ "exit 0\n", "ending=program_exited state=-- exit_code=0 program_seconds=" },
		{ "exit 7\n", "ending=program_exited state=-- exit_code=7 program_seconds=" },
		{ "kill -9 $$\n", "ending=program_killed state=S- exit_signal=9 program_seconds=" },
		{ "kill -TERM $$\n",
		  "ending=program_killed state=S- exit_signal=15 program_seconds=" },
	};
	struct server *s = accessbook_start((struct plan){ .conf = LISTEN("command = {/bin/sh}") });

	(void)state;
	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++)
		assert_string_equal(ask(s, ends[i].request), "");
	WAIT_UNTIL(s, accessbook_lines() == sizeof(ends) / sizeof(*ends));
	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++)
		accessbook_expect(s, ends[i].told);
	server_stop(s);
}

static void program__that_does_not_end__is_ended_by_its_timeout(void **state)
{
	struct server *s = accessbook_start((struct plan){
		.conf = LISTEN(SHELL("trap '' TERM; sleep 600 & sleep 600") " timeout = 200ms") });
	int fd = client_connect(FIRST(s));

	(void)state;
	/* its children ignore TERM as well */
	client_expect_end(fd);
	WAIT_UNTIL(s, accessbook_lines() == 1);
	accessbook_expect(s, "ending=program_timeout state=s- exit_signal=9 ");
	close(fd);
	WAIT_UNTIL(s, process_reap_orphans() == 0);
	server_stop(s);
}

static void program__has_three_descriptors_and_none_of_the_servers(void **state)
{
	struct server *s = server_start(
		&(struct plan){ .conf = LISTEN(SHELL("ls /proc/$$/fd")), .log_file = true });

	(void)state;
	for (unsigned i = 0; i < 3; i++)
		assert_string_equal(ask(s, ""), "0\n1\n2\n");
	server_stop(s);
}

/* What execve(2) and the limits leave to a program; a shell blocks signals while it forks. */
static void program__has_no_signal_blocked_or_ignored__and_its_own_limits(void **state)
{
	struct server *s = server_start(&(struct plan){
		.conf = "umask = 027\n" LISTEN(
			SHELL("while read line; do echo $line; done < /proc/$$/status; echo files "
			      "$(ulimit -n); "
			      "echo core $(ulimit -c); echo umask $(umask); echo in $(pwd); "
			      "read a b c d e f rest < /proc/$$/stat; echo session $e $f; echo own "
			      "$$ $$") " directory = /usr limit_files = 77") });
	const char *text = ask(s, "");
	char own[64];

	(void)state;
	assert_string_equal(value_of(text, "SigBlk: "), "0000000000000000");
	assert_string_equal(value_of(text, "SigIgn: "), "0000000000000000");
	assert_string_equal(value_of(text, "files "), "77");
	assert_string_equal(value_of(text, "core "), "0");
	assert_string_equal(value_of(text, "umask "), "0027");
	assert_string_equal(value_of(text, "in "), "/usr");
	snprintf(own, sizeof(own), "%s", value_of(text, "own "));
	assert_string_equal(value_of(text, "session "), own);
	server_stop(s);
}

static void program__has_the_variables_of_its_connection_and_those_of_the_options(void **state)
{
	struct server *s = server_start(&(struct plan){
		.conf = LISTEN("command = {/usr/bin/env}  environment = {clear, \"A=b c\"}"),
		.env = { "NOTIFY_SOCKET=", "HIDDEN=yes" } });
	const char *text = ask(s, ""), *port = strrchr(FIRST(s), ':') + 1;

	(void)state;
	assert_string_equal(value_of(text, "PROTO="), "TCP");
	assert_string_equal(value_of(text, "TCPLOCALIP="), "127.0.0.1");
	assert_string_equal(value_of(text, "TCPLOCALPORT="), port);
	assert_string_equal(value_of(text, "TCPREMOTEIP="), "127.0.0.1");
	assert_true(strtol(value_of(text, "TCPREMOTEPORT="), NULL, 10) > 0);
	assert_string_equal(value_of(text, "TCPCONNNUM="), "1");
	assert_string_equal(value_of(text, "A="), "b c");
	assert_null(strstr(text, "HIDDEN"));
	assert_null(strstr(text, "NOTIFY_SOCKET"));
	server_stop(s);
}

static void program__of_a_unix_listener__knows_its_client(void **state)
{
	char conf[256], uid[32];
	struct server *s;
	const char *text;

	(void)state;
	snprintf(conf, sizeof(conf),
		 "listen \"unix:%s/s\" { service = exec  command = {/usr/bin/env} }\n",
		 harness_folder());
	s = server_start(&(struct plan){ .conf = conf });
	text = ask(s, "");
	assert_string_equal(value_of(text, "PROTO="), "UNIX");
	assert_string_equal(value_of(text, "UNIXLOCALPATH="), FIRST(s) + strlen("unix:"));
	snprintf(uid, sizeof(uid), "%u", getuid());
	assert_string_equal(value_of(text, "UNIXREMOTEEUID="), uid);
	snprintf(uid, sizeof(uid), "%u", getgid());
	assert_string_equal(value_of(text, "UNIXREMOTEEGID="), uid);
	snprintf(uid, sizeof(uid), "%d", getpid());
	assert_string_equal(value_of(text, "UNIXREMOTEPID="), uid);
	assert_string_equal(value_of(text, "UNIXCONNNUM="), "1");
	server_stop(s);
}

static void standard_error__goes_to_the_log_with_the_connection(void **state)
{
	struct server *s = server_start(&(struct plan){
		.conf = LISTEN(SHELL("echo first >&2; printf 'no end' >&2; echo answer")) });
	const char *line;

	(void)state;
	assert_string_equal(ask(s, ""), "answer\n");
	line = server_wait_event(s, "exec_output", "text=first");
	assert_true(line_number(line, "connection") > 0);
	assert_true(line_number(line, "child_pid") > 0);
	assert_non_null(strstr(line, " remote=127.0.0.1:"));
	server_wait_event(s, "exec_output", "text=\"no end\"");
	server_stop(s);
}

/* More than a pipe holds; the log takes a thousand lines in a second. */
static void standard_error__without_end__does_not_stop_the_program(void **state)
{
	struct server *s = server_start(&(struct plan){
		.conf = LISTEN(SHELL("yes 0123456789 | head -n 50000 >&2; echo done")) });

	(void)state;
	assert_string_equal(ask(s, ""), "done\n");
	server_wait_event(s, "exec_output_lost", NULL);
	server_stop(s);
}

/* yes(1) writes lines of two bytes, as many as anybody reads. */
static void standard_error__without_pause__is_read_no_faster_than_its_limit(void **state)
{
	struct server *s = server_start(&(struct plan){ .conf = LISTEN(SHELL("exec yes >&2")),
							.quiet_log = true,
							.set = { "log.level=warning" } });
	int64_t most = (OUTPUT_LINES_BYTES_A_SECOND + OUTPUT_LINES_AT_ONCE) / 2;
	int fd = client_connect(FIRST(s));

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		const char *line = server_wait_event(s, "exec_output_lost", NULL);

		assert_in_range(line_number(line, "lines"), 1, most);
		server_mark(s);
	}
	close(fd);
	server_stop(s);
}

static void standard_error__is_the_connection_if_asked_for(void **state)
{
	struct server *s = server_start(&(struct plan){
		.conf = LISTEN(SHELL("echo warning >&2; echo answer") " stderr = connection") });

	(void)state;
	assert_string_equal(ask(s, ""), "warning\nanswer\n");
	assert_int_equal(server_count(s, "exec_output", NULL), 0);
	server_stop(s);
}

/* The helper opens the new file by itself, a moment after the workers. */
static bool writes_to_new_log(struct server *s)
{
	assert_string_equal(ask(s, ""), "");
	return server_count(s, "exec_output", "text=here") > 0;
}

/* A rotation renames the old file. */
static void standard_error__after_a_reopen__goes_to_the_new_log(void **state)
{
	struct server *s = server_start(
		&(struct plan){ .conf = LISTEN(SHELL("echo here >&2")), .log_file = true });
	char old[96], out[512];

	(void)state;
	snprintf(old, sizeof(old), "%s.old", s->log_path);
	assert_int_equal(rename(s->log_path, old), 0);
	assert_int_equal(server_verb(s, "reopen", out, sizeof(out)), 0);
	s->log_len = s->mark = 0;
	WAIT_UNTIL(s, writes_to_new_log(s));
	server_stop(s);
}

static void command__that_cannot_be_run__is_an_error_at_load(void **state)
{
	static const struct {
		const char *listen, *message;
	} cases[] = {
		{ "127.0.0.1:0=exec,command=/no/such", "command: \"/no/such\" does not exist" },
		{ "127.0.0.1:0=exec,command=/etc/passwd", "command: \"/etc/passwd\" cannot be" },
		{ "127.0.0.1:0=exec", "command: service exec needs one" },
		{ "127.0.0.1:0=exec,command=/bin/cat,user=nosuchuser", "no user \"nosuchuser\"" },
	};
	char out[2048];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const char *const arguments[] = { "-t", "-p", "none", "-l", cases[i].listen, NULL };

		assert_int_equal(harness_run(out, sizeof(out), arguments), 78);
		if (!strstr(out, cases[i].message))
			fail_msg("not \"%s\" in: %s", cases[i].message, out);
	}
}

static void test__of_programs_with_the_workers_user__warns(void **state)
{
	static const struct {
		const char *listen;
		bool is_warned;
	} cases[] = {
		{ "127.0.0.1:0=exec,command=/bin/cat", true },
		{ "127.0.0.1:0=exec,command=/bin/cat,user=daemon", false },
		{ "127.0.0.1:0=ack", false },
	};
	char out[2048];

	(void)state;
	if (geteuid() != 0)
		skip();
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const char *const arguments[] = { "-t",          "-p", "none",          "-o",
						  "user=nobody", "-l", cases[i].listen, NULL };

		assert_int_equal(harness_run(out, sizeof(out), arguments), 0);
		assert_int_equal(!!strstr(out, "run as the workers' user \"nobody\""),
				 cases[i].is_warned);
	}
}

/* Deleted after the start. */
static void program__that_cannot_be_started__ends_its_connection_with_a_reason(void **state)
{
	char path[128], conf[256];
	struct server *s;
	int fd;

	(void)state;
	snprintf(path, sizeof(path), "%s/program", harness_folder());
	assert_int_equal(symlink("/bin/cat", path), 0);
	snprintf(conf, sizeof(conf), LISTEN("command = {\"%s\"}"), path);
	s = accessbook_start((struct plan){ .conf = conf });
	assert_string_equal(ask(s, "here"), "here");
	assert_int_equal(unlink(path), 0);
	fd = client_connect(FIRST(s));
	client_expect_end(fd);
	close(fd);
	server_wait_event(s, "exec_failed", NULL);
	WAIT_UNTIL(s, accessbook_lines() == 2);
	accessbook_expect(s, " ending=program_failed state=R-\n");
	server_stop(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		E2E(program__gets_the_socket_with_both_ends_of_its_stream),
		E2E(end_of_a_program__is_in_the_access_log),
		E2E(program__that_does_not_end__is_ended_by_its_timeout),
		E2E(program__has_three_descriptors_and_none_of_the_servers),
		E2E(program__has_no_signal_blocked_or_ignored__and_its_own_limits),
		E2E(program__has_the_variables_of_its_connection_and_those_of_the_options),
		E2E(program__of_a_unix_listener__knows_its_client),
		E2E(standard_error__goes_to_the_log_with_the_connection),
		E2E(standard_error__without_end__does_not_stop_the_program),
		E2E(standard_error__without_pause__is_read_no_faster_than_its_limit),
		E2E(standard_error__is_the_connection_if_asked_for),
		E2E(standard_error__after_a_reopen__goes_to_the_new_log),
		E2E(command__that_cannot_be_run__is_an_error_at_load),
		E2E(test__of_programs_with_the_workers_user__warns),
		E2E(program__that_cannot_be_started__ends_its_connection_with_a_reason),
	};

	return E2E_RUN(tests);
}
