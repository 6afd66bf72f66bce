/* SPDX-License-Identifier: MIT */
/* prefork-client bench as a program: its command line, processes, exit code and output. */
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

#include "base/err.h"
#include "cli/bench_peer.h"
#include "cli/pty.h"
#include "e2e/client.h"
#include "e2e/harness.h"

enum { BURN_NS = 100000000 };

#define NO_ESCAPE(byte)                   \
	"-m: the backslash at byte " byte \
	" begins no escape; there are \\r, \\n, \\t, \\\\ and \\xHH (two digits)"

static void usage__that_is_wrong__is_refused(void **state)
{
	static const struct {
		const char *arguments[6];
		const char *message;
	} rows[] = {
		{ { "-x" }, "\"-x\": unknown flag (-h lists them)" },
		{ { "-c", "0", "a:1" }, "--connections \"0\": is not a number from 1 to 100000" },
		{ { "-r", "x", "a:1" }, "--rate \"x\": is not a number from 1 to 10000000" },
		{ { "-n", "0", "a:1" }, "--count \"0\": is not a number from 1 on" },
		{ { "-d", "x", "a:1" }, "--duration \"x\": is not a time (0.5, 250ms, 30s, 5m)" },
		{ { "-d", "0", "a:1" }, "--duration \"0\": nothing happens within no time" },
		{ { "-m", "ab\\x4", "127.0.0.1:1" }, NO_ESCAPE("3") },
		{ { "-m", "\\0", "127.0.0.1:1" }, NO_ESCAPE("1") },
		{ { "-m", "\\\\\\q", "127.0.0.1:1" }, NO_ESCAPE("3") },
		{ { "-m", "a\\", "127.0.0.1:1" }, NO_ESCAPE("2") },
		{ { "-s", "65m", "a:1" }, "--size \"65m\": is not a size from 0 to 64m" },
		{ { "-a", "0", "a:1" }, "--answer \"0\": is neither a size from 1 on nor end" },
		{ { "-4", "-6", "a:1" }, "-4 and -6 do not go together" },
		{ { "-4", "unix:/x" }, "-4 and -6 do not go with a unix socket" },
		{ { "-6", "unix:/x" }, "-4 and -6 do not go with a unix socket" },
		{ { "--json", "--csv", "a:1" }, "--json and --csv do not go together" },
		{ { "-m", "x", "-s", "1", "127.0.0.1:1" }, "-m and -s do not go together" },
		{ { "-s", "0", "127.0.0.1:1" },
		  "-s 0 needs -a BYTES or -a end, to know the answer's end" },
		{ { "-f", "line", "-a", "5", "127.0.0.1:1" },
		  "-a goes with -f raw: line and length tell an answer's end" },
		{ { "-f", "line", "-m", "a\\nb", "127.0.0.1:1" },
		  "-m: a newline ends a message with -f line, so this would be more than one" },
		{ { "--verify", "http://127.0.0.1:1/" },
		  "--verify goes with an echo, not with http" },
		{ { "-s", "5", "http://127.0.0.1:1/" },
		  "-s, -m, -f and -a do not go with http, which sends a GET" },
		{ { "-c", "2", "-t", "3", "127.0.0.1:1" },
		  "-t: there are fewer connections (-c) than processes" },
		{ { "--sources", "2", "unix:/x" },
		  "--sources goes with 127.0.0.1 and the like only" },
		{ { "127.0.0.1:1", "-c", "0" },
		  "--connections \"0\": is not a number from 1 to "
		  "100000" },
		{ { "127.0.0.1:1", "--", "-c" }, "\"-c\": is one word too many (-m sends a text)" },
		{ { "http://user:pw@127.0.0.1:1/" },
		  "a user and a password in an address are not supported" },
		{ { "--server-pid", "2147483647", "127.0.0.1:1" },
		  "--server-pid 2147483647: there is no such process" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *const *a = rows[i].arguments;
		char message[512];

		snprintf(message, sizeof(message), "prefork-client: %s\n", rows[i].message);
		client_process_reset(&bench_client);
		RUN_CLIENT(&bench_client, "bench", a[0], a[1], a[2], a[3], a[4], a[5]);
		client_process_wait(&bench_client);
		assert_string_equal(bench_client.err, message);
		assert_string_equal(bench_client.out, "");
		assert_int_equal(bench_client.code, CODE_USAGE);
	}
}

static void help__fits_a_screen(void **state)
{
	int lines = 0;

	(void)state;
	RUN_CLIENT(&bench_client, "bench", "-h");
	client_process_wait(&bench_client);
	for (const char *line = bench_client.out; *line != '\0'; lines++) {
		size_t length = strcspn(line, "\n");

		assert_true(length <= 80);
		line += length + 1;
	}
	assert_in_range(lines, 15, 30);
	assert_int_equal(bench_client.code, CODE_OK);
}

static void terminal__shows_progress_and_a_drawing(void **state)
{
	static struct pty pty;
	char *server = getenv("PREFORK_SRV"), path[4096];
	int fd, status;

	(void)state;
	snprintf(path, sizeof(path), "%s/prefork-client", getenv("TOP_BUILDDIR"));
	setenv("PREFORK_SRV", path, 1);
	pty_start(&pty, harness_folder(), 24, 80,
		  (const char *const[]){ "bench", "-c", "1", "-n", "2", "-s", "4",
					 bench_peer_address, NULL });
	setenv("PREFORK_SRV", server, 1);
	fd = bench_peer_accept();
	bench_peer_echo(fd, 4);
	pty_expect(&pty, " answers/s, 1 answer, 0 errors");
	bench_peer_echo(fd, 4);
	pty_expect(&pty, "\nerrors    0");
	status = pty_wait(&pty);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == CODE_OK);
	assert_non_null(strstr(pty.text, "% ####"));
	pty_end(&pty);
	close(fd);
}

/* The last test: an unprivileged user cannot raise a limit again that was lowered. */
static void descriptors__that_are_too_few__are_told_before_anything_begins(void **state)
{
	struct rlimit limit;

	(void)state;
	/* bench raises the soft limit, so the only error left is that no server listens */
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = 64;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	close(bench_peer_listener);
	bench_peer_listener = -1;
	RUN_CLIENT(&bench_client, "bench", "-c", "100", bench_peer_address);
	client_process_wait(&bench_client);
	assert_int_equal(bench_client.code, CODE_UNAVAILABLE);

	limit.rlim_max = 64;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	RUN_CLIENT(&bench_client, "bench", "-c", "100", bench_peer_address);
	client_process_wait(&bench_client);
	assert_string_equal(
		bench_client.err,
		"prefork-client: 100 connections in a process need 117 descriptors, and the limit "
		"is 64: raise it (ulimit -Hn), or use more processes (-t)\n");
	assert_int_equal(bench_client.code, CODE_OSERR);
}

static void interrupt__ends_with_the_report(void **state)
{
	int fd;

	(void)state;
	BENCH("-c", "1", "-d", "1h", "-w", "1h", "-s", "4", bench_peer_address);
	fd = bench_peer_accept();
	bench_peer_echo(fd, 4);
	bench_peer_receive(fd, (char[4]){ 0 }, 4);
	assert_int_equal(kill(bench_client.pid, SIGINT), 0);
	client_expect_end(fd);
	close(fd);
	bench_peer_assert_counts((enum exit_code)(128 + SIGINT), "answers", 1, 0);
}

static void processes__share_the_connections_and_die_with_their_parent(void **state)
{
	int fds[3];

	(void)state;
	BENCH("-c", "3", "-t", "2", "-d", "1h", "-w", "1h", "-s", "4", bench_peer_address);
	for (int i = 0; i < 3; i++)
		fds[i] = bench_peer_accept();
	for (int i = 0; i < 3; i++)
		bench_peer_echo(fds[i], 4);
	for (int i = 0; i < 3; i++)
		bench_peer_receive(fds[i], (char[4]){ 0 }, 4);
	assert_int_equal(kill(bench_client.pid, SIGKILL), 0);
	client_process_wait(&bench_client);
	for (int i = 0; i < 3; i++) {
		client_expect_end(fds[i]);
		close(fds[i]);
	}
}

static void processes__put_their_counts_together(void **state)
{
	int fds[4];

	(void)state;
	BENCH("-c", "4", "-t", "3", "-n", "4", "-s", "4", bench_peer_address);
	for (int i = 0; i < 4; i++)
		fds[i] = bench_peer_accept();
	bench_peer_echo_all(fds, 4, 4, 4);
	bench_peer_assert_counts(CODE_OK, "answers", 4, 0);
	assert_true(bench_peer_value("connects") == 4);
	for (int i = 0; i < 4; i++)
		close(fds[i]);
}

static void server_pid__gives_its_processor_time(void **state)
{
	char pid[16];
	int fd;

	(void)state;
	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	BENCH("-c", "1", "-n", "1", "-s", "4", "--server-pid", pid, bench_peer_address);
	fd = bench_peer_accept();
	bench_peer_echo(fd, 4);
	bench_peer_assert_counts(CODE_OK, "answers", 1, 0);
	assert_true(bench_peer_value("server_cpu_us") > 0);
	close(fd);
}

/* Forks a child that uses BURN_NS of processor time, and then stops or is killed. */
static pid_t burn(bool stays)
{
	pid_t pid = fork();
	struct timespec used = { 0 };

	if (pid != 0)
		return pid;
	while (used.tv_nsec < BURN_NS && used.tv_sec == 0)
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
	kill(getpid(), stays ? SIGSTOP : SIGKILL);
	_exit(0);
}

/* One child stays, one has been waited for, and both started during the run. */
static void server_pid__counts_processes_that_begin_during_the_run(void **state)
{
	char pid[16];
	pid_t child;
	int fd;

	(void)state;
	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	BENCH("-c", "1", "-n", "1", "-w", "1h", "-s", "4", "--server-pid", pid, bench_peer_address);
	fd = bench_peer_accept();
	bench_peer_receive(fd, (char[4]){ 0 }, 4);
	assert_int_equal(waitpid(burn(false), NULL, 0) > 0, 1);
	child = burn(true);
	assert_int_equal(waitpid(child, NULL, WUNTRACED), child);
	client_send(fd, "once", 4);
	bench_peer_wait();
	assert_int_equal(kill(child, SIGKILL), 0);
	assert_int_equal(waitpid(child, NULL, 0), child);
	assert_true(bench_peer_value("server_cpu_us") >= 1.5 * BURN_NS / 1e3);
	assert_true(bench_peer_value("server_ended") == 0);
	close(fd);
}

/* The child process of a bench that has only one. */
static pid_t only_process(void)
{
	char path[64];
	FILE *file;
	int pid = 0;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)bench_client.pid,
		 (int)bench_client.pid);
	file = fopen(path, "re");
	assert_non_null(file);
	assert_int_equal(fscanf(file, "%d", &pid), 1);
	fclose(file);
	return (pid_t)pid;
}

static void process__that_is_killed__is_told_with_its_signal(void **state)
{
	char message[128];
	pid_t pid;
	int fd;

	(void)state;
	BENCH("-c", "1", "-d", "1h", "-w", "1h", "-s", "4", bench_peer_address);
	fd = bench_peer_accept();
	bench_peer_receive(fd, (char[4]){ 0 }, 4);
	pid = only_process();
	assert_int_equal(kill(pid, SIGKILL), 0);
	client_process_wait(&bench_client);
	snprintf(message, sizeof(message),
		 "prefork-client: process %d of the bench was ended by signal 9 (Killed) before "
		 "its time\n",
		 (int)pid);
	assert_string_equal(bench_client.err, message);
	assert_int_equal(bench_client.code, CODE_OSERR);
	close(fd);
}

/* The rate refers to the requested time. */
static void process__that_is_held_up__does_not_lengthen_the_run(void **state)
{
	pid_t pid;
	int fd;

	(void)state;
	BENCH("-c", "1", "-d", "2s", "-w", "1h", "-s", "4", bench_peer_address);
	fd = bench_peer_accept();
	bench_peer_echo(fd, 4);
	bench_peer_receive(fd, (char[4]){ 0 }, 4);
	pid = only_process();
	assert_int_equal(kill(pid, SIGSTOP), 0);
	poll(NULL, 0, 2300);
	assert_int_equal(kill(pid, SIGCONT), 0);
	bench_peer_assert_counts(CODE_OK, "answers", 1, 0);
	assert_true(bench_peer_value("seconds") == 2);
	close(fd);
}

/* The time that the process used before the run must not be subtracted from that of the others. */
static void server_pid__that_ends_during_the_run__makes_a_least_time(void **state)
{
	pid_t child = burn(true);
	char pid[16], *at;
	int fd;

	(void)state;
	assert_int_equal(waitpid(child, NULL, WUNTRACED), child);
	snprintf(pid, sizeof(pid), "%d", (int)child);
	RUN_CLIENT(&bench_client, "bench", "-c", "1", "-n", "1", "-w", "1h", "-s", "4",
		   "--server-pid", pid, bench_peer_address);
	fd = bench_peer_accept();
	bench_peer_receive(fd, (char[4]){ 0 }, 4);
	assert_int_equal(kill(child, SIGKILL), 0);
	assert_int_equal(waitpid(child, NULL, 0), child);
	client_send(fd, "once", 4);
	client_process_wait(&bench_client);
	at = strstr(bench_client.out, " us a message here, ");
	assert_non_null(at);
	assert_string_equal(at, " us a message here, at least 0.00 us at the server"
				" (1 of its processes ended)\n");
	assert_int_equal(bench_client.code, CODE_OK);
	close(fd);
}

static void json__is_an_object_with_the_same_names(void **state)
{
	int fd;

	(void)state;
	RUN_CLIENT(&bench_client, "bench", "--json", "-c", "1", "-n", "1", "-s", "4",
		   bench_peer_address);
	fd = bench_peer_accept();
	bench_peer_echo(fd, 4);
	client_process_wait(&bench_client);
	assert_int_equal(bench_client.out[0], '{');
	assert_non_null(strstr(bench_client.out, "\n  \"answers\": 1,\n"));
	assert_non_null(strstr(bench_client.out, "\n  \"other_errno\": \"\",\n"));
	assert_non_null(strstr(bench_client.out,
			       "\n  \"server_cpu_us\": null,\n  \"server_ended\": null\n}\n"));
	assert_int_equal(bench_client.code, CODE_OK);
	close(fd);
}

static void text__tells_all_that_a_person_asks(void **state)
{
	int fd;

	(void)state;
	RUN_CLIENT(&bench_client, "bench", "-c", "1", "-n", "1", "-s", "4", bench_peer_address);
	fd = bench_peer_accept();
	bench_peer_echo(fd, 4);
	client_process_wait(&bench_client);
	assert_non_null(
		strstr(bench_client.out, ": 1 connection, 4 bytes each, raw\nended after "));
	assert_non_null(strstr(bench_client.out, "\nanswers   1, "));
	assert_non_null(strstr(bench_client.out, "\nmessages  1 sent, 0 unanswered at the end\n"));
	assert_non_null(strstr(bench_client.out, "p99.9       max\nconnect "));
	assert_non_null(strstr(bench_client.out, "\nerrors    0\nprocessor "));
	assert_null(strchr(bench_client.out, '#'));
	assert_string_equal(bench_client.err, "");
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(usage__that_is_wrong__is_refused),
		CASE(help__fits_a_screen),
		CASE(interrupt__ends_with_the_report),
		CASE(processes__share_the_connections_and_die_with_their_parent),
		CASE(processes__put_their_counts_together),
		CASE(process__that_is_killed__is_told_with_its_signal),
		CASE(process__that_is_held_up__does_not_lengthen_the_run),
		CASE(server_pid__gives_its_processor_time),
		CASE(server_pid__counts_processes_that_begin_during_the_run),
		CASE(server_pid__that_ends_during_the_run__makes_a_least_time),
		CASE(json__is_an_object_with_the_same_names),
		CASE(text__tells_all_that_a_person_asks),
		CASE(terminal__shows_progress_and_a_drawing),
		CASE(descriptors__that_are_too_few__are_told_before_anything_begins),
	};

	return E2E_RUN(tests);
}
