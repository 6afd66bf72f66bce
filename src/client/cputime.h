/* SPDX-License-Identifier: MIT */
/*
 * The processor time that processes have used, in nanoseconds, from /proc/PID/task/TID/schedstat:
 * /proc/PID/stat counts in ticks of 10 ms. Any process.
 */
#ifndef CLIENT_CPUTIME_H
#define CLIENT_CPUTIME_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum { CPUTIME_MOST = 1024 };

/* Some processes, each once. */
struct cputime {
	pid_t pids[CPUTIME_MOST];
	int count;
};

/*
 * Adds the process and all that descend from it at the moment, as far as there is room. False when
 * there is no such process.
 */
bool cputime_add(struct cputime *processes, pid_t pid);

/* Sum over all threads of the processes; one that is gone counts nothing. */
uint64_t cputime_ns(const struct cputime *processes);

/* This process's own. */
uint64_t cputime_own_ns(void);

#endif
