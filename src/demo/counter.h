/* SPDX-License-Identifier: MIT */
/*
 * Numbers that the kernel publishes for the whole network namespace: its settings and its counters
 * (proc(5)). Any process of a lesson.
 */
#ifndef DEMO_COUNTER_H
#define DEMO_COUNTER_H

#include <stdint.h>

/* The setting of that path, such as /proc/sys/net/core/somaxconn: a file of one number; -1: not told. */
int64_t counter_setting(const char *path);

/* The counter of that name in the TcpExt group of /proc/net/netstat, such as ListenDrops; -1: not told. */
int64_t counter_tcp(const char *name);

#endif
