/* SPDX-License-Identifier: MIT */
/* Tests of config/command_exec: what a program finds, and the report when it cannot run. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/sys.h"
#include "config/command_exec.h"
#include "config/signals.h"

static const struct identity unchanged = { .changes = false };

/* A shell that runs the script. */
struct shell {
	char *words[4];
	struct command_options options;
	struct command_start start;
	int fds[8]; /* of the program; 1 is the pipe to `said` */
	char said[4096];
	pid_t pid;
	int status;
	struct err err; /* of the report */
};

static void set_up(struct shell *shell, const char *script)
{
	*shell = (struct shell){ .words = { (char[]){ "sh" }, (char[]){ "-c" } } };
	shell->words[0] = strdup("/bin/sh");
	shell->words[1] = strdup("-c");
	shell->words[2] = strdup(script);
	shell->options = (struct command_options){ .words = shell->words,
						   .word_count = 3,
						   .user = "",
						   .group = "",
						   .directory = "",
						   .limits = { .files = 1024 },
						   .umask = 022 };
	shell->fds[0] = -1;
	shell->fds[2] = STDERR_FILENO;
	shell->start.fd_count = 3;
}

static void read_all(int fd, char *to, size_t size)
{
	size_t used = 0;
	ssize_t got;

	while ((got = sys_read(fd, to + used, size - 1 - used)) > 0)
		used += (size_t)got;
	to[used] = '\0';
}

/* Runs it to its end, or until the child has reported that it cannot. */
static enum command_progress run(struct shell *shell, const struct command *command)
{
	enum command_progress progress;
	struct pollfd report = { .events = POLLIN };
	int out[2], pipe[2];

	assert_int_equal(sys_pipe2(out, O_CLOEXEC), 0);
	assert_int_equal(sys_pipe2(pipe, O_CLOEXEC | O_NONBLOCK), 0);
	shell->fds[1] = out[1];
	shell->start.fds = shell->fds;
	shell->start.report_fd = pipe[1];
	shell->start.parent = getpid();
	shell->start.signals = signals_changed();
	shell->pid = sys_fork();
	if (shell->pid == 0)
		command_exec(command, &shell->start);
	close(out[1]);
	close(pipe[1]);
	report.fd = pipe[0];
	assert_int_equal(sys_poll(&report, 1, 10000), 1);
	progress = command_exec_report(pipe[0], &shell->err);
	read_all(out[0], shell->said, sizeof(shell->said));
	assert_int_equal(sys_waitpid(shell->pid, &shell->status, 0), shell->pid);
	close(out[0]);
	close(pipe[0]);
	return progress;
}

static void tear_down(struct shell *shell)
{
	for (unsigned i = 0; i < 3; i++)
		free(shell->words[i]);
}

static struct command *prepare(const struct shell *shell)
{
	struct command_found found;
	struct command *command;
	struct err err = { 0 };

	if (!command_check(&shell->options, &unchanged, &found, &err))
		fail_msg("%s", err.text);
	command = command_new(&shell->options, &found, &err);
	assert_non_null(command);
	return command;
}

static void run_well(struct shell *shell)
{
	struct command *command = prepare(shell);

	assert_int_equal(run(shell, command), COMMAND_RUNS);
	assert_true(WIFEXITED(shell->status));
	assert_int_equal(WEXITSTATUS(shell->status), 0);
	command_free(command);
	tear_down(shell);
}

static void variables__are_set_and_may_hold_the_pid_of_the_program(void **state)
{
	static const struct command_variable variables[] = { { "A", "1 2" },
							     { "LISTEN_PID", NULL },
							     { "HOME", "/x" } };
	struct shell shell;

	(void)state;
	setenv("HOME", "/old", 1);
	set_up(&shell, "test $$ = \"$LISTEN_PID\" && echo \"$A,$HOME\"");
	shell.start.variables = variables;
	shell.start.variable_count = 3;
	run_well(&shell);
	assert_string_equal(shell.said, "1 2,/x\n");
}

/*
 * The sources stand where others are to be put, in the reverse order. The list is made without a
 * pipe, whose ends the shell would have open for a moment as well, and by a child, whose own
 * descriptors are not in it.
 */
static void descriptors__stand_in_their_order_without_gaps_and_alone(void **state)
{
	struct shell shell;
	int pipes[4][2];

	(void)state;
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(sys_pipe2(pipes[i], 0), 0);
	set_up(&shell, "echo one >&3; test /dev/fd/4 -ef /dev/fd/5 && read -r line <&4 && "
		       "echo $line; ls /proc/$$/fd; true");
	shell.fds[3] = pipes[1][1];
	shell.fds[4] = pipes[0][0];
	shell.fds[5] = pipes[0][0];
	shell.start.fd_count = 6;
	assert_int_equal(sys_write(pipes[0][1], "two\n", 4), 4);
	run_well(&shell);
	assert_string_equal(shell.said, "two\n0\n1\n2\n3\n4\n5\n");
	assert_int_equal(sys_read(pipes[1][0], shell.said, sizeof(shell.said)), 4);
	assert_memory_equal(shell.said, "one\n", 4);
	for (unsigned i = 0; i < 4; i++) {
		close(pipes[i][0]);
		close(pipes[i][1]);
	}
}

static void process__has_a_session_and_default_signals(void **state)
{
	struct shell shell;
	sigset_t all;

	(void)state;
	sigfillset(&all);
	sys_sigprocmask(SIG_SETMASK, &all, NULL);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	set_up(&shell, "read -r pid comm state ppid pgrp session rest < /proc/$$/stat; "
		       "test $pgrp = $$ && test $session = $$ && "
		       "grep -E 'Sig(Blk|Ign)' /proc/$$/status | tr -d '\\t\\n'");
	run_well(&shell);
	assert_string_equal(shell.said, "SigBlk:0000000000000000SigIgn:0000000000000000");
	sigemptyset(&all);
	sys_sigprocmask(SIG_SETMASK, &all, NULL);
	signal(SIGPIPE, SIG_DFL);
	signal(SIGHUP, SIG_DFL);
}

static void limits_umask_nice_and_directory__are_as_asked(void **state)
{
	struct shell shell;

	(void)state;
	set_up(&shell, "ulimit -Sn; ulimit -c; ulimit -v; umask; nice; pwd");
	shell.options.limits.files = 77;
	shell.options.limits.memory = INT64_C(1) << 30;
	shell.options.umask = 027;
	shell.options.directory = "/";
	shell.options.nice = 3;
	run_well(&shell);
	assert_string_equal(shell.said, "77\n0\n1048576\n0027\n3\n/\n");
}

static void limit_files__that_is_auto__is_1024_or_the_lower_hard_limit(void **state)
{
	struct rlimit before, lower;
	struct shell shell;
	char expected[32];
	pid_t pid;
	int status;

	(void)state;
	assert_int_equal(sys_getrlimit(RLIMIT_NOFILE, &before), 0);
	set_up(&shell, "ulimit -Sn");
	shell.options.limits.files = 0;
	run_well(&shell);
	snprintf(expected, sizeof(expected), "%llu\n",
		 before.rlim_max < 1024 ? (unsigned long long)before.rlim_max : 1024);
	assert_string_equal(shell.said, expected);
	pid = fork(); /* who is not root could not raise the limit again */
	if (pid == 0) {
		lower = (struct rlimit){ 100, 100 };
		assert_int_equal(sys_setrlimit(RLIMIT_NOFILE, &lower), 0);
		set_up(&shell, "ulimit -Sn");
		shell.options.limits.files = 0;
		run_well(&shell);
		_exit(strcmp(shell.said, "100\n") != 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void failure__is_reported_with_its_step(void **state)
{
	struct command *command;
	struct shell shell;

	(void)state;
	set_up(&shell, "true");
	command = prepare(&shell);
	snprintf(command->found.path, sizeof(command->found.path), "/no/such");
	assert_int_equal(run(&shell, command), COMMAND_FAILED);
	assert_string_equal(shell.err.text,
			    "command: cannot run \"/no/such\": No such file or directory");
	assert_int_equal(shell.err.code, CODE_OSERR);
	command_free(command);
	shell.options.directory = "/";
	command = prepare(&shell);
	free(command->directory);
	command->directory = strdup("/gone");
	assert_int_equal(run(&shell, command), COMMAND_FAILED);
	assert_string_equal(shell.err.text,
			    "directory: cannot enter \"/gone\": No such file or directory");
	command_free(command);
	tear_down(&shell);
}

static void program__follows_its_parent(void **state)
{
	struct command *command;
	struct shell shell;
	int alive[2], ends[2];
	char byte;
	pid_t parent;

	(void)state;
	assert_int_equal(sys_pipe2(alive, O_CLOEXEC), 0);
	assert_int_equal(sys_pipe2(ends, O_CLOEXEC), 0);
	set_up(&shell, "exec sleep 1000");
	command = prepare(&shell);
	shell.fds[1] = alive[1];
	shell.fds[3] = ends[1];
	shell.start = (struct command_start){
		.fds = shell.fds, .fd_count = 4, .report_fd = ends[1], .death_signal = SIGTERM
	};
	parent = sys_fork();
	if (parent == 0) {
		shell.start.parent = getpid();
		if (sys_fork() == 0)
			command_exec(command, &shell.start);
		close(ends[1]);
		close(alive[1]);
		pause();
	}
	close(ends[1]);
	close(alive[1]);
	/* sleep holds both until it is ended */
	assert_int_equal(sys_kill(parent, SIGKILL), 0);
	assert_int_equal(sys_waitpid(parent, NULL, 0), parent);
	assert_int_equal(sys_read(alive[0], &byte, 1), 0);
	close(alive[0]);
	close(ends[0]);
	command_free(command);
	tear_down(&shell);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(variables__are_set_and_may_hold_the_pid_of_the_program),
		cmocka_unit_test(descriptors__stand_in_their_order_without_gaps_and_alone),
		cmocka_unit_test(process__has_a_session_and_default_signals),
		cmocka_unit_test(limits_umask_nice_and_directory__are_as_asked),
		cmocka_unit_test(limit_files__that_is_auto__is_1024_or_the_lower_hard_limit),
		cmocka_unit_test(failure__is_reported_with_its_step),
		cmocka_unit_test(program__follows_its_parent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
