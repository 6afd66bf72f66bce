/* SPDX-License-Identifier: MIT */
/*
 * The network namespace's counters of all listening sockets, including those of other programs: the
 * group TcpExt of /proc/net/netstat (proc(5)). Master only.
 */
#ifndef NET_NETSTAT_H
#define NET_NETSTAT_H

#include <stdbool.h>
#include <stdint.h>

struct netstat {
	uint64_t listen_overflows, listen_drops, syn_queue_drops;
};

/*
 * Reads the counters from the text of the file: pairs of lines, names and then values, each
 * starting with the name of its group. A missing counter is left unchanged. Returns false when all
 * are missing. Pure.
 */
bool netstat_parse(const char *text, struct netstat *out);

/* As netstat_parse, from the file. Returns false when it cannot be read. */
bool netstat_read(struct netstat *out);

/* The longest accept queue that the kernel allows (net.core.somaxconn, listen(2)); 0: unknown. */
uint32_t netstat_somaxconn(void);

#endif
