/* SPDX-License-Identifier: MIT */
/* The plain transports. Header and start of a file go out in one packet (MSG_MORE, send(2)). */
#include "worker/transport.h"

#include "base/brief.h"
#include "base/sys.h"

enum {
	FILE_MOST = 1024 * 1024, /* bytes of a file in one call: about 0.1 ms */
	PIPE_MOST = 1024 * 1024  /* bytes through a pipe, which cost far less */
};

static ssize_t count_received(struct conn *c, ssize_t got)
{
	if (got > 0)
		c->in.end += (uint32_t)got;
	return got;
}

static ssize_t receive_plain(struct conn *c)
{
	return count_received(c, sys_recv(c->record->fd, c->in.base + c->in.end, buf_room(&c->in),
					  MSG_DONTWAIT));
}

static ssize_t discard_plain(const struct conn *c, const struct buf *waste)
{
	return sys_recv(c->record->fd, waste->base, waste->size, MSG_DONTWAIT);
}

static ssize_t receive_briefly(int fd, char *to, size_t size)
{
	struct brief brief;
	ssize_t got;

	brief_begin(&brief);
	got = sys_recv(fd, to, size, MSG_DONTWAIT);
	brief_end(&brief);
	return got;
}

static ssize_t receive_moved(struct conn *c)
{
	return count_received(c, receive_briefly(c->record->fd, c->in.base + c->in.end,
						 buf_room(&c->in)));
}

static ssize_t discard_moved(const struct conn *c, const struct buf *waste)
{
	return receive_briefly(c->record->fd, waste->base, waste->size);
}

static bool has_input_plain(const struct conn *c)
{
	char byte;

	return sys_recv(c->record->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

/* The bytes that one call sends of so many that wait. */
static size_t least_of(uint64_t waiting, size_t most)
{
	return waiting < most ? (size_t)waiting : most;
}

static ssize_t send_file(struct record *r, size_t most)
{
	off_t offset = (off_t)r->file_offset;
	size_t bytes = least_of(r->file_left, least_of(FILE_MOST, most));
	ssize_t sent = sys_sendfile(r->fd, r->file, &offset, bytes);

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

/*
 * SPLICE_F_NONBLOCK is for the pipe alone: a socket, whose flags another process may have changed,
 * is not waited for either way.
 */
static ssize_t splice_now(const struct record *r, int in, int out, size_t most)
{
	struct brief brief;
	ssize_t moved;

	if (r->has_moved)
		brief_begin(&brief);
	moved = sys_splice(in, out, most, SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
	if (r->has_moved)
		brief_end(&brief);
	return moved;
}

/* Another process that had the pipe may have taken bytes: then no event would ever change that. */
static bool lacks_bytes(const struct record *r)
{
	int kept = errno, held;
	bool lacks = sys_ioctl(r->file, FIONREAD, &held) == 0 && (uint64_t)held < r->file_left;

	errno = kept;
	return lacks;
}

/* A pipe that has less than it should was damaged. */
static ssize_t send_pipe(struct record *r, size_t most)
{
	ssize_t sent = splice_now(r, r->file, r->fd, least_of(r->file_left, most));

	if (sent == 0 || (sent < 0 && errno == EAGAIN && r->has_moved && lacks_bytes(r))) {
		errno = ENODATA;
		return -1;
	}
	if (sent > 0)
		r->file_left -= (uint64_t)sent;
	return sent;
}

static ssize_t splice_plain(const struct conn *c, int pipe_end)
{
	return splice_now(c->record, c->record->fd, pipe_end, PIPE_MOST);
}

/* The bytes of c->out and those that are lent, in one call. */
static ssize_t send_lent(struct conn *c, size_t most)
{
	size_t first = least_of(buf_used(&c->out), most), of_first;
	struct iovec parts[] = { { buf_head(&c->out), first },
				 { (char *)c->lent.bytes,
				   least_of(c->lent.length, most - first) } };
	const struct msghdr message = { .msg_iov = parts, .msg_iovlen = 2 };
	ssize_t sent = sys_sendmsg(c->record->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);

	if (sent <= 0)
		return sent;
	of_first = (size_t)sent < first ? (size_t)sent : first;
	buf_drop(&c->out, of_first);
	c->lent.bytes += (size_t)sent - of_first;
	c->lent.offset += (size_t)sent - of_first;
	c->lent.length -= (size_t)sent - of_first;
	return sent;
}

static ssize_t send_plain(struct conn *c, size_t most)
{
	struct record *r = c->record;
	int more = r->file_left > 0 && most > buf_used(&c->out) ? MSG_MORE : 0;
	ssize_t sent;

	if (c->lent.length > 0)
		return send_lent(c, most);
	if (buf_used(&c->out) == 0)
		return r->is_piped ? send_pipe(r, most) : send_file(r, most);
	sent = sys_send(r->fd, buf_head(&c->out), least_of(buf_used(&c->out), most),
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
	.splice = splice_plain,
	.sends_pipes = true,
};

const struct transport transport_moved = {
	.receive = receive_moved,
	.discard = discard_moved,
	.has_input = has_input_plain,
	.send = send_plain,
	.sends_pipes = true,
};
