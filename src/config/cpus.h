/* SPDX-License-Identifier: MIT */
/* How many CPUs this process may use, and which. sched_getaffinity(2), cgroups(7). Any process. */
#ifndef CONFIG_CPUS_H
#define CONFIG_CPUS_H

#include <sched.h>

/*
 * The lesser of the affinity mask's CPUs and the CPU quota of the process's cgroup (v2 cpu.max or
 * v1 cfs_quota_us, of it and its ancestors, rounded up); at least 1.
 */
unsigned cpus_usable(void);

/*
 * Quota over period of a cpu.max text ("150000 100000", "max 100000"), rounded up; 0 for no limit
 * or a text that is not one. Pure.
 */
unsigned cpus_quota(const char *cpu_max);

/*
 * The CPU that number `n` gets when allowed CPUs are dealt out in turn; -1 when they cannot be
 * learnt.
 */
int cpus_nth(unsigned n);

#endif
