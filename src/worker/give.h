/* SPDX-License-Identifier: MIT */
/*
 * Gives a client's socket to the helper of its listener (worker/helper.h), which serves it from
 * then on. The worker keeps the connection's record, with one end of a control socket, a
 * SOCK_SEQPACKET pair, in the place of the client's: what the helper reports there is the record's
 * input, a close of it, by this worker or by the helper, is the end for the other. So the record
 * outlives its worker as any other does, and the worker holds no copy of the client's socket, which
 * would keep its end from going out. Worker only.
 */
#ifndef WORKER_GIVE_H
#define WORKER_GIVE_H

#include <stdbool.h>
#include <stddef.h>

#include "worker/conn_record.h"

enum give {
	GIVE_DONE,
	GIVE_LATER, /* the link is full, or the system lacks descriptors now; nothing is changed */
	GIVE_FAILED /* the link is lost; errno is set, and nothing is changed */
};

/* Which descriptors come with the message. */
enum { GIVE_SOCKET, GIVE_CONTROL, GIVE_FDS };

/*
 * Before the first connection: makes what giving one away takes. Returns false with errno set; then
 * it is tried again.
 */
bool give_prepare(void);

/*
 * Sends the message with the client's socket and the other end of the control socket by the link
 * (heritage_link). The connection is in hand and has no peer. A worker that dies in between has
 * both ends closed by the next one, so that the helper ends what it has begun.
 */
enum give give_socket(struct conn *c, int link, const void *message, size_t size);

#endif
