/* SPDX-License-Identifier: MIT */
/*
 * The processor time that processes and their descendants use between two moments, in nanoseconds,
 * from /proc/PID/task/TID/schedstat: /proc/PID/stat counts in ticks of 10 ms, and serves only for
 * processes that came and went in between. Any process.
 */
#ifndef CLIENT_BENCH_CPUTIME_H
#define CLIENT_BENCH_CPUTIME_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct cputime_process;

/* Some processes, each once. Zeroed but for proc, there are none. */
struct cputime {
	const char *proc; /* "/proc" */
	struct cputime_process *list;
	size_t count, room;
};

struct cputime_used {
	uint64_t ns;
	bool is_known; /* false: the system does not tell, and ns means nothing */
	int ended; /* processes that were there and are gone: they have used more than is in ns */
};

/* Adds a process. False with errno: ESRCH when there is none, ENOMEM. cputime_free ends all. */
bool cputime_add(struct cputime *processes, pid_t pid);
void cputime_free(struct cputime *processes);

/* From here on: of the processes added, and all that descend from them at the moment. */
void cputime_start(struct cputime *processes);

/*
 * What these have used since then, and those that descend from them now: what these have used at
 * all. Of a process that is gone it holds what its parent, if that is there, has been told of it
 * when it waited for it, to within a tick.
 */
struct cputime_used cputime_stop(struct cputime *processes);

/* This process's own. */
uint64_t cputime_own_ns(void);

#endif
