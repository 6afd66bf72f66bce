/* SPDX-License-Identifier: MIT */
/*
 * What the kernel says of the sockets of a lesson: who holds one (/proc/PID/fd, proc(5)), and the
 * TCP states of both ends (sock_diag(7) or /proc/net/tcp, which know those that nobody holds too).
 * A lesson's own process.
 */
#ifndef DEMO_EVIDENCE_H
#define DEMO_EVIDENCE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/addr.h"
#include "base/sockdiag.h"
#include "demo/stage.h"

/* The two ends of a connection. */
struct ends {
	struct addr client, server;
};

/* Both addresses of the accepted (server's) descriptor; false with errno. */
bool evidence_ends(int server_fd, struct ends *ends);

enum { EVIDENCE_HOLDERS = 16, EVIDENCE_WAIT_MS = 5000 };

/*
 * The processes in which some descriptor is the socket of that inode (evidence_inode); how many,
 * the pids of the first EVIDENCE_HOLDERS in pids. Gives up where /proc cannot be read.
 */
unsigned evidence_holders(struct stage *stage, uint64_t inode, pid_t *pids);

/*
 * The inode of a socket that this process holds; gives up without one, and where /proc does not say
 * that it holds it: holders cannot be counted there.
 */
uint64_t evidence_inode(struct stage *stage, int fd);

/*
 * "TCP_ESTABLISHED" and the like of an end (TCP_CLOSE: there is no such socket); -1 where it is not
 * told, with errno.
 */
int evidence_client_state(const struct ends *ends);
int evidence_server_state(const struct ends *ends);

/*
 * Looks again and again until the states of client and server are those (-1: any), at most
 * EVIDENCE_WAIT_MS, says what they are (stage_kernel), and returns whether they are. Gives up
 * instead where the kernel has dropped ends because too many were in TIME_WAIT.
 */
bool evidence_states(struct stage *stage, const struct ends *ends, int client, int server);

/* Gives up where the kernel keeps no more ends in TIME_WAIT (net.ipv4.tcp_max_tw_buckets). */
void evidence_need_time_wait(struct stage *stage);

#endif
