/* SPDX-License-Identifier: MIT */
/*
 * The accept queue of one listening socket, as the kernel reports it (tcp(7), SO_MEMINFO of
 * socket(7), sock_diag(7)). Accepts no connection and changes no socket. Any process.
 */
#ifndef NET_ACCEPT_QUEUE_H
#define NET_ACCEPT_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/sockdiag.h"

struct accept_queue {
	uint64_t inode; /* identifies the socket, whatever its descriptor */
	int fd;         /* borrowed */
	bool is_unix;
	bool is_mute;     /* the kernel gives no figures for it */
	bool knows_drops; /* false: drops before the first reading are not counted */
	uint32_t drops;   /* the kernel's counter at the last reading */
};

struct accept_queue_reading {
	uint32_t length, limit; /* connections that wait; the length that the kernel allows */
	uint32_t dropped;       /* segments since the last reading */
};

enum accept_queue_answer {
	ACCEPT_QUEUE_READ,
	ACCEPT_QUEUE_FAILED,  /* this time */
	ACCEPT_QUEUE_REFUSED, /* permanently, from now on; errno has the reason */
	ACCEPT_QUEUE_MUTE     /* there are no figures: no diag, or the kernel has refused before */
};

/*
 * Begins to follow a listening socket. Drops before the first reading are counted if it `is_new`.
 * Returns false with errno set.
 */
bool accept_queue_follow(struct accept_queue *queue, int fd, bool is_unix, bool is_new);

/* Fills *reading for ACCEPT_QUEUE_READ. Only a unix socket needs diag, which may be closed. */
enum accept_queue_answer accept_queue_read(struct accept_queue *queue, struct sockdiag *diag,
					   struct accept_queue_reading *reading);

#endif
