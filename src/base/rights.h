/* SPDX-License-Identifier: MIT */
/*
 * Passes descriptors over a unix socket (SCM_RIGHTS, unix(7)): the sender keeps its own, and the
 * receiver gets new numbers for the same open files. While a message waits in the receiver's queue
 * it holds what it carries. No other file of this program handles control messages. Any process.
 */
#ifndef BASE_RIGHTS_H
#define BASE_RIGHTS_H

#include <stdbool.h>
#include <sys/types.h>
#include <sys/uio.h>

enum { RIGHTS_MOST = 253 }; /* SCM_MAX_FD of the kernel */

/* What came with a message. */
struct rights {
	int fds[RIGHTS_MOST]; /* close-on-exec; the caller owns them */
	unsigned count;
	pid_t sender;   /* verified by the kernel (SO_PASSCRED on the receiving socket), else 0 */
	bool is_cut;    /* the message was longer than the parts (MSG_TRUNC) */
	bool lacks_fds; /* descriptors were dropped (MSG_CTRUNC): none was free, or refused */
};

/*
 * Makes one sendmsg(2) without SIGPIPE. fd_count may be 0; more than RIGHTS_MOST fail with EINVAL.
 * On a stream the descriptors go with the first byte: without bytes nothing is sent, and after a
 * short send only bytes are left to send. Returns the number of bytes, or -1 with errno: EPERM
 * where the receiver refuses descriptors (SO_PASSRIGHTS), ETOOMANYREFS where too many are on their
 * way.
 */
ssize_t rights_send(int by, const struct iovec *parts, unsigned part_count, const int *fds,
		    unsigned fd_count, int flags);

/*
 * Makes one recvmsg(2) that does not wait. With the flag MSG_PEEK the message stays, and the
 * descriptors are duplicates. Always fills *got. Descriptors that it does not hand over are closed,
 * as rights_close does. Returns the number of bytes, 0 at the end or for an empty message, -1 with
 * errno.
 */
ssize_t rights_receive(int by, const struct iovec *parts, unsigned part_count, struct rights *got,
		       int flags);

/*
 * Closes the descriptors that came. It switches SO_LINGER off before, for all holders of the
 * socket: the last process to close a lingering socket would wait for it. What only the queue of a
 * unix socket holds is closed with that, and waits for a moment at most (base/brief.h).
 */
void rights_close(struct rights *got);

/*
 * Drops the next message of a socket that keeps the limits of messages. It may hold the last copies
 * of descriptors; they are closed in the same way.
 */
void rights_drop(int by);

#endif
