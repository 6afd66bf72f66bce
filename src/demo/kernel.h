/* SPDX-License-Identifier: MIT */
/*
 * What the kernel says of the sockets and processes of a lesson: which processes hold a socket
 * (/proc/PID/fd, proc(5)); the TCP states of both ends (sock_diag(7) or /proc/net/tcp, which know
 * sockets without a process too); the accept queue of a listening socket (tcp(7), TCP_INFO;
 * socket(7), SO_MEMINFO); settings and counters of the network namespace (proc(5)). Changes
 * nothing.
 *
 * A lesson's own process. A function with `out` skips the rest of the lesson (output_skip_rest)
 * where the kernel does not say.
 */
#ifndef DEMO_KERNEL_H
#define DEMO_KERNEL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/addr.h"
#include "base/sockdiag.h"
#include "demo/output.h"

enum { KERNEL_HOLDERS = 16, KERNEL_WAIT_MS = 5000 };

/*
 * Counts the processes in which some descriptor is the socket of that inode (kernel_inode); pids
 * has the first KERNEL_HOLDERS of them.
 */
unsigned kernel_holders(struct output *out, uint64_t inode, pid_t *pids);

/*
 * The inode of a socket that this process holds. Skips the rest also where /proc does not say that
 * this process holds it: holders cannot be counted there.
 */
uint64_t kernel_inode(struct output *out, int fd);

/* The two ends of a connection. */
struct ends {
	struct addr client, server;
};

/* Both addresses of the accepted (server's) descriptor; false with errno. */
bool kernel_ends(int server_fd, struct ends *ends);

/*
 * The state of an end: TCP_ESTABLISHED ..., TCP_CLOSE where there is no such socket; -1 with errno
 * where the kernel does not say.
 */
int kernel_client_state(const struct ends *ends);
int kernel_server_state(const struct ends *ends);

/*
 * Looks again and again until client and server are in those states (-1: any), at most
 * KERNEL_WAIT_MS, shows their states (output_kernel), and returns true when they are the wanted
 * ones. Skips the rest also where the kernel has dropped ends because too many were in TIME_WAIT.
 */
bool kernel_await_states(struct output *out, const struct ends *ends, int client, int server);

/*
 * Skips the rest where the kernel keeps no more ends in TIME_WAIT (net.ipv4.tcp_max_tw_buckets).
 */
void kernel_require_time_wait(struct output *out);

/* The accept queue of a listening TCP socket of this process. */
struct accept_queue {
	unsigned length, limit; /* connections that wait; the backlog */
	uint32_t drops;         /* segments dropped since the socket listens */
};

/* As it is now. */
struct accept_queue kernel_queue(struct output *out, int listener);

/*
 * Looks until there are at least so many connections and so many drops, at most KERNEL_WAIT_MS;
 * returns what it saw last.
 */
struct accept_queue kernel_await_queue(struct output *out, int listener, unsigned length,
				       uint32_t drops);

/*
 * The first number of "net/core/somaxconn" and the like under /proc/sys; fallback where it cannot
 * be read.
 */
int64_t kernel_sysctl(const char *name, int64_t fallback);

/*
 * The counter of that name in the TcpExt group of /proc/net/netstat, such as ListenDrops; -1 where
 * it cannot be read.
 */
int64_t kernel_tcp_counter(const char *name);

/*
 * The letter of a process's state (/proc/PID/stat): 'S' while it sleeps; '?' with errno where it
 * cannot be read.
 */
char kernel_process_state(pid_t pid);

/*
 * How often the process has gone to sleep (/proc/PID/status, voluntary_ctxt_switches); -1 where it
 * cannot be read.
 */
int64_t kernel_sleeps(pid_t pid);

#endif
