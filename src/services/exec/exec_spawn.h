/* SPDX-License-Identifier: MIT */
/*
 * Starts a program and waits until it runs. The child shares this process's memory until its
 * execve(2), and this process sleeps meanwhile (CLONE_VM and CLONE_VFORK, clone(2)): no page is
 * copied. Helper only.
 */
#ifndef SERVICES_EXEC_EXEC_SPAWN_H
#define SERVICES_EXEC_EXEC_SPAWN_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"
#include "config/command_exec.h"

struct exec_spawn {
	const struct command *command;
	char *stack;      /* of the children, one at a time */
	char **kept;      /* the command's variables, which a child changes */
	int report[2];    /* a pipe: a child that does not get as far as the program says why */
	uint64_t signals; /* whose action this process has changed */
};

/* Returns false with errno set. Allocates. The command must outlive it. */
bool exec_spawn_new(struct exec_spawn *spawn, const struct command *command);

/*
 * Starts the program; report_fd of start is filled in. Returns its pid, once it is executed, or -1
 * with err; then no child is left.
 */
pid_t exec_spawn(struct exec_spawn *spawn, struct command_start *start, struct err *err);

/* Returns the pid of a child that has died and is to be reaped; 0: there is none. */
pid_t exec_spawn_next_dead(void);

/* Reaps it. Returns false when the system refuses. */
bool exec_spawn_reap(pid_t pid, int *status);

#endif
