/* SPDX-License-Identifier: MIT */
/*
 * Tests of prefork-demo in unusual environments: inherited children, missing files, small limits,
 * and crashes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/command.h"
#include "unit/folder.h"
#include "unit/island.h"

enum { BOUND_S = 120, STRANGER_FD = 9, UNAVAILABLE = 99 };

static struct said said; /* of the last run */
static bool has_island;  /* this process has its own network namespace */

/* The command ends with the exec of prefork-demo. */
static void run_shell(const char *folder, const char *shell)
{
	RUN_WORDS(&said, folder, "sh", "-c", shell);
}

static void assert_code(int code)
{
	if (command_is_crowded(&said))
		skip();
	if (said.code != code)
		fail_msg("exit code %d in place of %d:\n%s%s", said.code, code, said.out, said.err);
}

static void assert_nothing_is_broken(void)
{
	if (said.code == 1 || strstr(said.out, "BROKEN") != NULL)
		fail_msg("exit code %d:\n%s%s", said.code, said.out, said.err);
}

/* The child that the program inherits through exec lives until the test ends it. */
static void inherited_child__is_not_waited_for(void **state)
{
	int fds[2];

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	assert_int_equal(dup2(fds[0], STRANGER_FD), STRANGER_FD);
	alarm(BOUND_S);
	run_shell(*state, "cat <&9 >/dev/null 2>&1 & exec \"$TOP_BUILDDIR/prefork-demo\" ports");
	alarm(0);
	assert_code(0);
	close(STRANGER_FD);
	close(fds[0]);
	close(fds[1]);
}

static void inherited_signals__every_claim_holds(void **state)
{
	static const int blocked[] = { SIGUSR1, SIGPIPE, SIGALRM, SIGCHLD };
	sigset_t mask, then;

	sigemptyset(&mask);
	for (size_t i = 0; i < sizeof(blocked) / sizeof(blocked[0]); i++)
		sigaddset(&mask, blocked[i]);
	assert_int_equal(sigprocmask(SIG_BLOCK, &mask, &then), 0);
	run_shell(*state, "trap '' CHLD USR1 ALRM; "
			  "exec \"$TOP_BUILDDIR/prefork-demo\" short-send reset");
	assert_int_equal(sigprocmask(SIG_SETMASK, &then, NULL), 0);
	assert_code(0);
}

/* The oldest child of that process; 0: it has none, or the kernel does not report it. */
static pid_t child_of(pid_t pid)
{
	char path[64];
	FILE *children;
	int child = 0;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)pid, (int)pid);
	children = fopen(path, "re");
	if (children == NULL)
		return 0;
	if (fscanf(children, "%d", &child) != 1)
		child = 0;
	fclose(children);
	return child;
}

/*
 * Starts a lesson whose client lives to the end; the lesson cannot end before its output is read.
 */
static pid_t start_lesson(int output[2], int errors[2])
{
	char path[512];
	pid_t pid;

	snprintf(path, sizeof(path), "%s/prefork-demo", getenv("TOP_BUILDDIR"));
	assert_int_equal(pipe2(output, O_CLOEXEC), 0);
	assert_int_equal(pipe2(errors, O_CLOEXEC), 0);
	if (fcntl(output[1], F_SETPIPE_SZ, 4096) != 4096)
		skip();
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		dup2(output[1], STDOUT_FILENO);
		dup2(errors[1], STDERR_FILENO);
		execl(path, "prefork-demo", "reuseaddr", NULL);
		_exit(127);
	}
	close(output[1]);
	close(errors[1]);
	return pid;
}

/* Reads up to the heading of the first scene. */
static void read_to_scene(int output)
{
	char byte = 0, before = 0;

	while (before != '\n' || byte != '(') {
		before = byte;
		assert_int_equal(read(output, &byte, 1), 1);
	}
}

static void process__killed_in_a_lesson__70_and_the_signal(void **state)
{
	int output[2], errors[2], status;
	char text[4096];
	pid_t pid = start_lesson(output, errors), process;
	ssize_t n;

	(void)state;
	read_to_scene(output[0]);
	/* the lesson's supervisor, the lesson, its first process */
	process = child_of(child_of(child_of(pid)));
	if (process > 0)
		assert_int_equal(kill(process, SIGKILL), 0);
	while (read(output[0], text, sizeof(text)) > 0)
		;
	n = read(errors[0], text, sizeof(text) - 1);
	text[n > 0 ? n : 0] = '\0';
	assert_int_equal(waitpid(pid, &status, 0), pid);
	close(output[0]);
	close(errors[0]);
	if (process == 0)
		skip();
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 70);
	assert_string_equal(text, "prefork-demo: reuseaddr: a process of it was ended by signal 9 "
				  "(Killed)\n");
}

/* Without /proc a lesson cannot find out which process holds a socket or sleeps. */
static void empty_proc__not_checkable_and_77(void **state)
{
	RUN_WORDS(&said, *state, "unshare", geteuid() == 0 ? "-m" : "-rm", "sh", "-c",
		  "mount -t tmpfs none /proc || exit 99; "
		  "exec \"$TOP_BUILDDIR/prefork-demo\" all");
	if (said.code == UNAVAILABLE || (said.code == 1 && said.out[0] == '\0'))
		skip();
	assert_null(strstr(said.out, "BROKEN"));
	assert_non_null(strstr(said.out, "(not checkable here: /proc"));
	if (strstr(said.err, "LeakSanitizer") == NULL) /* it exits with 1, because it needs /proc */
		assert_code(77);
}

static bool write_setting(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool is_done = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		close(fd);
	return is_done;
}

static void small_receive_buffers__nothing_is_broken(void **state)
{
	static const char setting[] = "/proc/sys/net/ipv4/tcp_rmem";

	if (!has_island || !write_setting(setting, "2304 2304 2304"))
		skip();
	RUN_WORDS(&said, *state, "prefork-demo", "short-recv");
	assert_true(write_setting(setting, "4096 131072 6291456"));
	assert_nothing_is_broken();
	assert_code(77);
	assert_non_null(strstr(said.out, "the receive buffer is smaller"));
}

/*
 * The lessons open sockets and read /proc: a failure of these must not count as a lesson's result.
 */
static void few_descriptors__nothing_is_broken(void **state)
{
	enum { LEAST = 4, ENOUGH = 14 };
	char command[160];

	for (int most = LEAST; most <= ENOUGH; most++) {
		snprintf(command, sizeof(command),
			 "ulimit -n %d; exec \"$TOP_BUILDDIR/prefork-demo\" close-vs-shutdown "
			 "passing ports",
			 most);
		run_shell(*state, command);
		if (strstr(said.err, "LeakSanitizer") == NULL) /* it needs a descriptor too */
			assert_nothing_is_broken();
		assert_null(strstr(said.out, "BROKEN"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(inherited_child__is_not_waited_for),
		cmocka_unit_test(inherited_signals__every_claim_holds),
		cmocka_unit_test(process__killed_in_a_lesson__70_and_the_signal),
		cmocka_unit_test(empty_proc__not_checkable_and_77),
		cmocka_unit_test(small_receive_buffers__nothing_is_broken),
		cmocka_unit_test(few_descriptors__nothing_is_broken),
	};

	has_island = island_enter();
	return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
