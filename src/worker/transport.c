/* SPDX-License-Identifier: MIT */
/* The plain transport. Header and start of a file go out in one packet (MSG_MORE, send(2)). */
#include "worker/transport.h"

#include "base/brief.h"
#include "base/sys.h"
#include "worker/pool.h"

enum { FILE_MOST = 256 * 1024 }; /* bytes of a file in one call: a share of a visit */

static int family_of(int fd)
{
	int family = 0;
	socklen_t len = sizeof(family);

	return sys_getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &len) == 0 ? family : AF_UNIX;
}

/*
 * Another worker can have filled the queue of a unix socket with descriptors before it passed the
 * socket on (SCM_RIGHTS). To receive the bytes is to close them. At an arrival a client's family
 * was compared with its listener's.
 */
static bool may_hold_descriptors(const struct conn *c)
{
	const struct record *r = c->record;

	if (!r->has_moved)
		return false;
	if (r->side == SIDE_PEER)
		return family_of(r->fd) == AF_UNIX;
	return c->pool->listeners->list[r->listener].bound.sa.sa_family == AF_UNIX;
}

static ssize_t receive_bytes(const struct conn *c, char *to, size_t size)
{
	struct brief brief;
	ssize_t got;

	if (!may_hold_descriptors(c))
		return sys_recv(c->record->fd, to, size, MSG_DONTWAIT);
	brief_begin(&brief);
	got = sys_recv(c->record->fd, to, size, MSG_DONTWAIT);
	brief_end(&brief);
	return got;
}

static ssize_t receive_plain(struct conn *c)
{
	ssize_t got = receive_bytes(c, c->in.base + c->in.end, buf_room(&c->in));

	if (got > 0)
		c->in.end += (uint32_t)got;
	return got;
}

static ssize_t discard_plain(const struct conn *c, const struct buf *waste)
{
	return receive_bytes(c, waste->base, waste->size);
}

static bool has_input_plain(const struct conn *c)
{
	char byte;

	return sys_recv(c->record->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

static ssize_t send_file(struct record *r)
{
	off_t offset = (off_t)r->file_offset;
	size_t most = r->file_left < FILE_MOST ? (size_t)r->file_left : FILE_MOST;
	ssize_t sent = sys_sendfile(r->fd, r->file, &offset, most);

	if (sent == 0) {
		errno = ENODATA;
		return -1;
	}
	if (sent > 0) {
		r->file_offset += (uint64_t)sent;
		r->file_left -= (uint64_t)sent;
	}
	return sent;
}

static ssize_t send_plain(struct conn *c)
{
	struct record *r = c->record;
	int more = r->file_left > 0 ? MSG_MORE : 0;
	ssize_t sent;

	if (buf_used(&c->out) == 0)
		return send_file(r);
	sent = sys_send(r->fd, buf_head(&c->out), buf_used(&c->out),
			MSG_NOSIGNAL | MSG_DONTWAIT | more);
	if (sent > 0)
		buf_drop(&c->out, (size_t)sent);
	return sent;
}

const struct transport transport_plain = {
	.receive = receive_plain,
	.discard = discard_plain,
	.has_input = has_input_plain,
	.send = send_plain,
};
