/* SPDX-License-Identifier: MIT */
/*
 * The fork of a copy, and the descriptors between it and the master: the report of its execve(2),
 * its NOTIFY_SOCKET, and what it writes. Master only.
 */
#ifndef MASTER_PROGRAM_COPY_FORK_H
#define MASTER_PROGRAM_COPY_FORK_H

#include <sys/types.h>

#include "master/program/program.h"

/* Opens and watches them, and forks the copy. Returns its pid, or -1 with errno and none open. */
pid_t copy_fork(struct copy *copy);

/* Close what is open: the report, which is over; all of them. */
void copy_fork_close_report(struct copy *copy);
void copy_fork_close(struct copy *copy);

/* The number of the program's stop_signal, which the copy also gets when the master dies. */
int copy_fork_stop_signal(const struct copy *copy);

#endif
