/* SPDX-License-Identifier: MIT */
/*
 * Numbers that the kernel publishes for the whole network namespace: its settings and its counters
 * (proc(5)). Any process of a lesson.
 */
#ifndef DEMO_COUNTER_H
#define DEMO_COUNTER_H

#include <stdint.h>

/* The first number of "net/core/somaxconn" and the like under /proc/sys; `without`, if not told. */
int64_t kernel_sysctl(const char *name, int64_t without);

/* How many ends are in TIME_WAIT in this network namespace; 0 where it is not told. */
int64_t kernel_time_waits(void);

/*
 * The counter of that name in the TcpExt group of /proc/net/netstat, such as ListenDrops; -1: not
 * told.
 */
int64_t kernel_tcp_counter(const char *name);

#endif
