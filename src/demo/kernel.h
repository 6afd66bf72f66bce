/* SPDX-License-Identifier: MIT */
/*
 * The kernel's data on the sockets and processes of a lesson: the processes that hold a socket
 * (/proc/PID/fd, proc(5)); descriptors in flight; the TCP states of both ends (sock_diag(7) or
 * /proc/net/tcp, which know sockets without a process too); the accept queue of a listening socket
 * (tcp(7), TCP_INFO; socket(7), SO_MEMINFO); settings and counters of the network namespace
 * (proc(5)). Read only.
 *
 * The lesson's own process. A function with `out` skips the rest of the lesson (diagram_skip_rest)
 * where the kernel gives no answer.
 */
#ifndef DEMO_KERNEL_H
#define DEMO_KERNEL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/addr.h"
#include "base/sockdiag.h"
#include "demo/diagram.h"

enum { KERNEL_HOLDERS = 16, KERNEL_WAIT_MS = 5000 };

/*
 * Counts the processes in which some descriptor is the socket of that inode (kernel_inode); pids
 * has the first KERNEL_HOLDERS of them.
 */
unsigned kernel_holders(struct diagram *out, uint64_t inode, pid_t *pids);

/*
 * Returns the number of descriptors in the messages that wait in the receive queue of a unix socket
 * of that process (/proc/PID/fdinfo, scm_fds); -1 where the kernel does not report it.
 */
int64_t kernel_in_flight(pid_t pid, int fd);

/*
 * Returns the inode of a socket that this process holds. Skips the rest also where /proc does not
 * show that this process holds it: holders cannot be counted there.
 */
uint64_t kernel_inode(struct diagram *out, int fd);

/* The two ends of a connection. */
struct ends {
	struct addr client, server;
};

/* Reads both addresses of the accepted (server's) descriptor. Returns false with errno set. */
bool kernel_ends(int server_fd, struct ends *ends);

/*
 * Returns the state of an end: TCP_ESTABLISHED ..., TCP_CLOSE if there is no such socket; -1 with
 * errno set where the kernel does not answer.
 */
int kernel_client_state(const struct ends *ends);
int kernel_server_state(const struct ends *ends);

/*
 * Reads the states until client and server have those given (-1: any), at most KERNEL_WAIT_MS,
 * shows them (diagram_kernel), and returns true when they are the wanted ones. Skips the rest also
 * where the kernel has dropped ends because too many were in TIME_WAIT.
 */
bool kernel_await_states(struct diagram *out, const struct ends *ends, int client, int server);

/* Skips the rest where the kernel keeps no more ends in TIME_WAIT (net.ipv4.tcp_max_tw_buckets). */
void kernel_require_time_wait(struct diagram *out);

/* The accept queue of a listening TCP socket of this process. */
struct accept_queue {
	unsigned length, limit; /* connections that wait; the backlog */
	uint32_t drops;         /* segments dropped since the socket listens */
};

/* Reads its present state. */
struct accept_queue kernel_queue(struct diagram *out, int listener);

/*
 * Reads it until there are at least so many connections and so many drops, at most KERNEL_WAIT_MS;
 * returns the last reading.
 */
struct accept_queue kernel_await_queue(struct diagram *out, int listener, unsigned length,
				       uint32_t drops);

/*
 * Returns the first number of "net/core/somaxconn" and the like under /proc/sys; fallback where it
 * cannot be read.
 */
int64_t kernel_sysctl(const char *name, int64_t fallback);

/*
 * Returns the counter of that name in the TcpExt group of /proc/net/netstat, such as ListenDrops;
 * -1 where it cannot be read.
 */
int64_t kernel_tcp_counter(const char *name);

/*
 * Returns the letter of a process's state (/proc/PID/stat): 'S' while it sleeps; '?' with errno set
 * where it cannot be read.
 */
char kernel_process_state(pid_t pid);

/*
 * Returns how often the process has gone to sleep (/proc/PID/status, voluntary_ctxt_switches); -1
 * where it cannot be read.
 */
int64_t kernel_sleeps(pid_t pid);

#endif
