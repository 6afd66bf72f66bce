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

static enum give undo(const int *pair)
{
	int error = errno;

	sys_close(pair[0]);
	sys_close(pair[1]);
	errno = error;
	return outcome_of(error);
}

enum give give_socket(struct conn *c, int link, const void *message, size_t size)
{
	struct iovec part = { .iov_base = (void *)message, .iov_len = size };
	int pair[2], fds[GIVE_FDS];

	/* no descriptor goes to the helper's end */
	if (!packets_open(&pair[0], &pair[1]))
		return outcome_of(errno);
	fds[GIVE_SOCKET] = c->record->fd;
	fds[GIVE_CONTROL] = pair[1];
	if (rights_send(link, &part, 1, fds, GIVE_FDS, MSG_DONTWAIT) < 0)
		return undo(pair);
	if (!conn_give(c, pair[0])) {
		(void)undo(pair);
		return GIVE_FAILED;
	}
	sys_close(pair[1]);
	return GIVE_DONE;
}
