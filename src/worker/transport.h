/* SPDX-License-Identifier: MIT */
/*
 * The transport of a connection: the only calls that receive from its descriptor or send to it. A
 * service never knows which it is. Each function makes one call for bytes and never blocks,
 * whatever the flags of the descriptor are: another process may share them. Worker only.
 */
#ifndef WORKER_TRANSPORT_H
#define WORKER_TRANSPORT_H

#include <stdbool.h>
#include <sys/types.h>

#include "worker/conn_record.h"

struct transport {
	/*
	 * Receives into c->in, which must have room: returns bytes, 0 at the other end's end, -1
	 * with errno set.
	 */
	ssize_t (*receive)(struct conn *c);
	/* The same, but drops the bytes. */
	ssize_t (*discard)(const struct conn *c, const struct buf *waste);
	/* True when unread bytes have come. */
	bool (*has_input)(const struct conn *c);
	/* The same of bytes that the descriptor does not show any more. NULL: there are none. */
	bool (*has_buffered)(const struct conn *c);
	/*
	 * Sends output that the kernel takes now, `most` bytes at most: of c->out with those of
	 * c->lent, or else of the file range or the pipe.
	 * Returns how many, or -1 with errno set; ENODATA: the file has become shorter than its
	 * range.
	 */
	ssize_t (*send)(struct conn *c, size_t most);
	/*
	 * Moves what has come to an empty pipe: returns as receive does. NULL: what comes must pass
	 * through a buffer.
	 */
	ssize_t (*splice)(const struct conn *c, int pipe_end);
	bool sends_pipes; /* the range that send is to send may be in a pipe */
};

/* Plain sockets: recv(2), send(2), sendfile(2), splice(2). */
extern const struct transport transport_plain;

/*
 * The same for a unix socket of which another worker had a copy: that one can have filled its queue
 * with descriptors (SCM_RIGHTS), which are closed as their bytes are received (base/brief.h).
 */
extern const struct transport transport_moved;

/* TLS: of records whose tls is not TLS_NONE. */
extern const struct transport transport_tls;

#endif
