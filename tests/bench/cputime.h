/* SPDX-License-Identifier: MIT */
/*
 * The processor time that processes have used, in nanoseconds, from /proc/PID/task/TID/schedstat:
 * /proc/PID/stat counts in ticks of 10 ms.
 */
#ifndef BENCH_CPUTIME_H
#define BENCH_CPUTIME_H

#include <stdint.h>
#include <sys/types.h>

/* Sum over all threads of the processes; one that is gone counts nothing. */
uint64_t cputime_ns(const pid_t *pids, unsigned count);

/* This process's own. */
uint64_t cputime_own_ns(void);

#endif
