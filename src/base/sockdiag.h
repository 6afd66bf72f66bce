/* SPDX-License-Identifier: MIT */
/*
 * What the kernel knows of a unix socket that listens, and tells by no option of the socket
 * (sock_diag(7)). One process; the kernel answers within the call, nothing waits.
 */
#ifndef BASE_SOCKDIAG_H
#define BASE_SOCKDIAG_H

#include <stdbool.h>
#include <stdint.h>

struct sockdiag {
	int fd; /* netlink(7); -1: not open */
	uint32_t seq;
};

struct sockdiag_queue {
	uint32_t length, limit; /* connections that wait; the backlog */
};

enum sockdiag_answer {
	SOCKDIAG_FOUND,
	SOCKDIAG_NOTHING, /* this time */
	SOCKDIAG_REFUSED  /* and it will not be different the next time; errno says why */
};

/* False with errno. sockdiag_close closes it. */
bool sockdiag_open(struct sockdiag *diag);
void sockdiag_close(struct sockdiag *diag);

/* Fills *queue for the unix socket of that inode (fstat(2)), which must be of this network namespace. */
enum sockdiag_answer sockdiag_unix(struct sockdiag *diag, uint64_t inode,
				   struct sockdiag_queue *queue);

#endif
