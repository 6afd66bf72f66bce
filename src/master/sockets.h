/* SPDX-License-Identifier: MIT */
/*
 * The listening sockets of the generation in force, and what the kernel says of their accept
 * queues. A socket that a reload takes over is followed from one generation to the next. Master
 * only; accepts nothing and changes no socket.
 */
#ifndef MASTER_SOCKETS_H
#define MASTER_SOCKETS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/sockdiag.h"
#include "master/generation.h"

struct socket_watch {
	uint64_t inode; /* by which it is the same in a later generation */
	int fd;
	unsigned listener; /* of the generation's */
	unsigned number;   /* among the sockets of that listener */
	uint32_t drops;    /* as the kernel had it at the last reading */
	bool knows_drops;  /* false: what was dropped before the first reading is not ours */
	bool is_mute;      /* the kernel tells nothing of it */
};

struct sockets {
	unsigned generation; /* whose sockets these are; 0: nobody's */
	struct socket_watch *list;
	unsigned count;
	struct sockdiag diag;
	bool has_warned; /* that unix sockets cannot be looked at */
};

struct socket_reading {
	uint32_t queue, limit; /* connections that wait; the length that the kernel allows */
	uint32_t dropped;      /* segments since the last reading */
};

enum socket_answer {
	SOCKET_READ,
	SOCKET_FAILED, /* this time */
	SOCKET_MUTE    /* always */
};

void sockets_start(struct sockets *sockets);
void sockets_stop(struct sockets *sockets);

/*
 * Goes over to the sockets of that generation (NULL: none) when it is another one than at the last
 * time; *changed says so. False: that failed, and the list is of no use until it succeeds.
 */
bool sockets_follow(struct sockets *sockets, const struct generation *generation, bool *changed);

/*
 * Asks the kernel (tcp(7), SO_MEMINFO of socket(7), sock_diag(7)) of a socket of that listener.
 * Says once in the log when unix sockets cannot be looked at.
 */
enum socket_answer sockets_read(struct sockets *sockets, struct socket_watch *watch,
				const struct listener *listener, struct socket_reading *reading);

#endif
