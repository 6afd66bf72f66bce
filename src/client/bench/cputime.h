/* SPDX-License-Identifier: MIT */
/*
 * The processor time that processes and their descendants use from start to stop, in nanoseconds,
 * from /proc/PID/task/TID/schedstat. /proc/PID/stat counts in ticks of 10 ms and serves only for
 * processes that started and ended in between. Any process.
 */
#ifndef CLIENT_BENCH_CPUTIME_H
#define CLIENT_BENCH_CPUTIME_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct cputime_process;

/* A set of processes. Zeroed except for proc, it is empty. */
struct cputime {
	const char *proc; /* "/proc" */
	struct cputime_process *list;
	size_t count, room;
};

struct cputime_used {
	uint64_t ns;
	bool is_known; /* false: the system does not count it, and ns is invalid */
	int ended;     /* processes that are gone: they have used more than is in ns */
};

/*
 * Adds a process. Returns false with errno set: ESRCH, ENOMEM. The caller frees with cputime_free.
 */
bool cputime_add(struct cputime *processes, pid_t pid);
void cputime_free(struct cputime *processes);

/* Starts to count, for the processes added and their present descendants. */
void cputime_start(struct cputime *processes);

/*
 * Returns the time that these have used since then; descendants that started since then count in
 * full. A process that is gone counts, to within a tick, by the time that its parent got from
 * wait(2), if the parent is still there.
 */
struct cputime_used cputime_stop(struct cputime *processes);

/* Returns the time that this process has used since it started. */
uint64_t cputime_own_ns(void);

#endif
