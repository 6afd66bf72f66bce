/* SPDX-License-Identifier: MIT */
/*
 * What the network namespace counts of listening sockets, anybody's: the group TcpExt of
 * /proc/net/netstat (proc(5)). Master only.
 */
#ifndef NET_NETSTAT_H
#define NET_NETSTAT_H

#include <stdbool.h>
#include <stdint.h>

struct netstat {
	uint64_t listen_overflows, listen_drops, syn_queue_drops;
};

/*
 * Pure: takes the figures from the text of the file: pairs of lines, names and then values, each
 * with the name of its group first. What is not there stays as it was; false when nothing is there.
 */
bool netstat_parse(const char *text, struct netstat *out);

/* The same from the file; false when it cannot be read. */
bool netstat_read(struct netstat *out);

/* The longest accept queue that the kernel allows (net.core.somaxconn, listen(2)); 0: unknown. */
uint32_t netstat_somaxconn(void);

#endif
