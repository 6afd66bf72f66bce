/* SPDX-License-Identifier: MIT */
/*
 * What the kernel says of the sockets of a lesson: who holds one (/proc/PID/fd, proc(5)), and the
 * TCP states of both ends (sock_diag(7) or /proc/net/tcp, which know those that nobody holds too).
 * A lesson's own process.
 */
#ifndef DEMO_KERNEL_H
#define DEMO_KERNEL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/addr.h"
#include "base/sockdiag.h"
#include "demo/output.h"

/* The two ends of a connection. */
struct ends {
	struct addr client, server;
};

/* Both addresses of the accepted (server's) descriptor; false with errno. */
bool kernel_ends(int server_fd, struct ends *ends);

enum { KERNEL_HOLDERS = 16, KERNEL_WAIT_MS = 5000 };

/*
 * The processes in which some descriptor is the socket of that inode (kernel_inode); how many,
 * the pids of the first KERNEL_HOLDERS in pids. Gives up where /proc cannot be read.
 */
unsigned kernel_holders(struct output *out, uint64_t inode, pid_t *pids);

/*
 * The inode of a socket that this process holds; gives up without one, and where /proc does not say
 * that it holds it: holders cannot be counted there.
 */
uint64_t kernel_inode(struct output *out, int fd);

/*
 * "TCP_ESTABLISHED" and the like of an end (TCP_CLOSE: there is no such socket); -1 where it is not
 * told, with errno.
 */
int kernel_client_state(const struct ends *ends);
int kernel_server_state(const struct ends *ends);

/*
 * Looks again and again until the states of client and server are those (-1: any), at most
 * KERNEL_WAIT_MS, says what they are (output_kernel), and returns whether they are. Gives up
 * instead where the kernel has dropped ends because too many were in TIME_WAIT.
 */
bool kernel_await_states(struct output *out, const struct ends *ends, int client, int server);

/* Gives up where the kernel keeps no more ends in TIME_WAIT (net.ipv4.tcp_max_tw_buckets). */
void kernel_require_time_wait(struct output *out);

#endif
