/* SPDX-License-Identifier: MIT */
/* Asks the kernel for a reset (SO_LINGER in socket(7), connect(2)). */
#include "worker/conn_reset.h"

#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include "base/sys.h"

/* The state of a TCP connection (netinet/tcp.h); 0: it is of another kind. */
static unsigned tcp_state_of(int fd)
{
	struct tcp_info info;
	socklen_t len = sizeof(info);

	return sys_getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) == 0 ? info.tcpi_state : 0;
}

bool conn_reset_must_wait(const struct record *r)
{
	unsigned state = tcp_state_of(r->fd);
	int unsent, lowest = 1;

	return (state == TCP_ESTABLISHED || state == TCP_CLOSE_WAIT) &&
	       sys_setsockopt(r->fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &lowest, sizeof(lowest)) ==
		       0 &&
	       sys_ioctl(r->fd, SIOCOUTQNSD, &unsent) == 0 && unsent > 0;
}

/* To disconnect resets it at once, even if another process has a copy. */
void conn_reset_prepare(const struct record *r)
{
	static const struct linger none = { .l_onoff = 1 };
	static const struct sockaddr nowhere = { .sa_family = AF_UNSPEC };

	(void)sys_setsockopt(r->fd, SOL_SOCKET, SO_LINGER, &none, sizeof(none));
	if (r->has_moved)
		(void)sys_connect(r->fd, &nowhere, sizeof(nowhere));
}

/* It says more than what the connection was to end for. */
bool conn_reset_note_shrunk(struct conn *c, int error)
{
	const struct record *r = c->record;

	if (error != ENODATA || r->file_left == 0 || r->is_piped)
		return false;
	conn_set_reset(c);
	conn_client(c)->record->ending = CLOSE_none;
	conn_set_close_reason(c, CLOSE_file_shrank);
	return true;
}
