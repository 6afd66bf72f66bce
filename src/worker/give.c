/* SPDX-License-Identifier: MIT */
/* Makes control sockets, and passes the other end of each on with a client's socket. */
#include "worker/give.h"

#include "base/rights.h"
#include "base/sys.h"
#include "net/packets.h"
#include "worker/conn.h"

/* A shortage may be over soon: of room in the link, of descriptors, also of those on their way. */
static enum give outcome_of(int error)
{
	switch (error) {
	case EAGAIN:
	case EINTR:
	case EMFILE:
	case ENFILE:
	case ENOBUFS:
	case ENOMEM:
	case ETOOMANYREFS:
		return GIVE_LATER;
	default:
		return GIVE_FAILED;
	}
}

/*
 * The next control socket, made in advance: a worker at its limit of descriptors gives a connection
 * away all the same, which leaves it as many as before. Written by this worker; no descriptor goes
 * to the helper's end.
 */
static struct {
	int own, helpers;
} next = { -1, -1 };

bool give_prepare(void)
{
	return next.own >= 0 || packets_open(&next.own, &next.helpers);
}

static void use_next(void)
{
	sys_close(next.helpers);
	next.own = next.helpers = -1;
}

enum give give_socket(struct conn *c, int link, const void *message, size_t size)
{
	struct iovec part = { .iov_base = (void *)message, .iov_len = size };
	int fds[GIVE_FDS] = { [GIVE_SOCKET] = c->record->fd };

	if (!give_prepare())
		return outcome_of(errno);
	fds[GIVE_CONTROL] = next.helpers;
	if (rights_send(link, &part, 1, fds, GIVE_FDS, MSG_DONTWAIT) < 0)
		return outcome_of(errno);
	if (!conn_give(c, next.own)) {
		int error = errno;

		sys_close(next.own);
		use_next();
		errno = error;
		return GIVE_FAILED;
	}
	use_next();
	(void)give_prepare(); /* two descriptors have just become free */
	return GIVE_DONE;
}
