/* SPDX-License-Identifier: MIT */
/*
 * The CPUs that this process may use: their number, and which. sched_getaffinity(2), cgroups(7).
 * Any process.
 */
#ifndef CONFIG_CPUS_H
#define CONFIG_CPUS_H

#include <sched.h>

/*
 * Returns the lesser of the CPUs in the affinity mask and the CPU quota of the process's cgroup (v2
 * cpu.max or v1 cfs_quota_us, of it and its ancestors, rounded up); at least 1.
 */
unsigned cpus_usable(void);

/*
 * Returns quota over period of a cpu.max text ("150000 100000", "max 100000"), rounded up; 0 for no
 * limit or a malformed text. Pure.
 */
unsigned cpus_quota(const char *cpu_max);

/*
 * Returns the CPU for number `n` when the allowed CPUs are assigned in turn; -1 when the affinity
 * cannot be read.
 */
int cpus_nth(unsigned n);

#endif
