/* SPDX-License-Identifier: MIT */
/*
 * The child's side of a program: from the fork to execve(2), and the report of a failure. The child
 * looks up nothing and allocates nothing.
 */
#ifndef CONFIG_COMMAND_EXEC_H
#define CONFIG_COMMAND_EXEC_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"
#include "config/command.h"

/* A variable of one start. */
struct command_variable {
	const char *name;
	const char *value; /* NULL: the pid of the program */
};

enum { COMMAND_FDS = 256 }; /* the most descriptors of a program */

/* What one start of a command has of its own; all descriptors are the parent's as well. */
struct command_start {
	/*
	 * The program's descriptors 0, 1, 2, 3 ...: copies of these, in this order, and no others.
	 * -1 stands for /dev/null.
	 */
	const int *fds;
	unsigned fd_count;
	const struct command_variable *variables; /* COMMAND_VARIABLES at most */
	unsigned variable_count;
	int report_fd;    /* the writing end of a close-on-exec pipe, for command_exec_report */
	int death_signal; /* sent to the program when its parent dies (prctl(2)); 0: none */
	pid_t parent;     /* the process that forked */
	uint64_t signals; /* whose action it has changed (signals_changed) */
};

/*
 * In the child of a fork: makes a session of its own, so that a signal to -pid reaches the program
 * with its children and no other process; restores all signals; sets umask, limits and nice; gives
 * up the server's user and all supplementary groups; changes the directory; arranges the
 * descriptors, and closes all others; and runs the program. The program's pid is the child's. A
 * step that fails is reported, and the child exits with CODE_OSERR.
 */
_Noreturn void command_exec(const struct command *command, const struct command_start *start);

enum command_progress { COMMAND_STARTING, COMMAND_RUNS, COMMAND_FAILED };

/*
 * In the parent: reads the other end of the report's pipe, which is non-blocking and close-on-exec.
 * COMMAND_RUNS: the program was executed, or the child died first, which waitpid(2) tells.
 * COMMAND_FAILED: err says which step failed, and why. The caller closes fd after both.
 */
enum command_progress command_exec_report(int fd, struct err *err);

#endif
