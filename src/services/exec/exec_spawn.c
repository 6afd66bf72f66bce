/* SPDX-License-Identifier: MIT */
/* Clones. A build with a sanitizer forks, because the sanitizer knows the stack of its thread. */
#include "services/exec/exec_spawn.h"

#include <stdlib.h>
#include <string.h>

#include "base/sys.h"
#include "config/signals.h"

#ifdef __SANITIZE_ADDRESS__
enum { SHARES_MEMORY = false };
#else
enum { SHARES_MEMORY = true };
#endif

enum { STACK_SIZE = 256 * 1024, REAP_TRIES = 2 };

struct child {
	const struct command *command;
	const struct command_start *start;
};

static size_t size_of_variables(const struct command *command)
{
	return (command->environment_count + COMMAND_VARIABLES + 1) * sizeof(*command->environment);
}

bool exec_spawn_new(struct exec_spawn *spawn, const struct command *command)
{
	void *stack = sys_mmap(NULL, STACK_SIZE, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK | MAP_NORESERVE, -1, 0);

	*spawn = (struct exec_spawn){ .command = command,
				      .report = { -1, -1 },
				      .signals = signals_changed() };
	if (stack == MAP_FAILED)
		return false;
	spawn->stack = stack;
	spawn->kept = malloc(size_of_variables(command));
	return spawn->kept && sys_pipe2(spawn->report, O_CLOEXEC | O_NONBLOCK) == 0;
}

static int run_child(void *argument)
{
	const struct child *child = argument;

	command_exec(child->command, child->start);
}

static pid_t clone_child(const struct exec_spawn *spawn, struct child *child)
{
	if (SHARES_MEMORY)
		return sys_clone_vm(run_child, spawn->stack + STACK_SIZE,
				    CLONE_VM | CLONE_VFORK | SIGCHLD, child);
	return sys_fork();
}

/*
 * A child in memory of its own goes on beside this process: its end of the pipe closes when the
 * program is executed.
 */
static void await_exec(struct exec_spawn *spawn)
{
	struct pollfd end = { .fd = spawn->report[0], .events = POLLIN };

	sys_close(spawn->report[1]);
	while (sys_poll(&end, 1, -1) < 0 && errno == EINTR)
		;
}

static bool renew_pipe(struct exec_spawn *spawn)
{
	sys_close(spawn->report[0]);
	spawn->report[0] = spawn->report[1] = -1;
	return sys_pipe2(spawn->report, O_CLOEXEC | O_NONBLOCK) == 0;
}

static void reap(pid_t pid)
{
	int status;

	while (sys_waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
}

pid_t exec_spawn(struct exec_spawn *spawn, struct command_start *start, struct err *err)
{
	struct child child = { spawn->command, start };
	size_t size = size_of_variables(spawn->command);
	enum command_progress progress;
	pid_t pid;

	if (!SHARES_MEMORY && spawn->report[1] < 0 && !renew_pipe(spawn)) {
		err_errno(err, CODE_OSERR, "cannot make a pipe");
		return -1;
	}
	start->report_fd = spawn->report[1];
	start->signals = spawn->signals;
	memcpy(spawn->kept, spawn->command->environment, size);
	pid = clone_child(spawn, &child);
	if (pid == 0)
		run_child(&child);
	if (pid < 0) {
		err_errno(err, CODE_OSERR, "cannot start a process");
		return -1;
	}
	if (SHARES_MEMORY)
		memcpy(spawn->command->environment, spawn->kept, size);
	else
		await_exec(spawn);
	progress = command_exec_report(spawn->report[0], err);
	if (!SHARES_MEMORY)
		spawn->report[1] = -1;
	if (progress != COMMAND_FAILED)
		return pid;
	reap(pid);
	return -1;
}

/*
 * No signal tells of this death again, so a call that fails is made again; but not where there is
 * no child.
 */
pid_t exec_spawn_next_dead(void)
{
	siginfo_t info = { 0 };
	unsigned tries = 0;

	while (sys_waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0)
		if (errno == ECHILD || tries++ == REAP_TRIES)
			return 0;
	return info.si_pid;
}

bool exec_spawn_reap(pid_t pid, int *status)
{
	unsigned tries = 0;

	while (sys_waitpid(pid, status, 0) != pid)
		if (tries++ == REAP_TRIES)
			return false;
	return true;
}
