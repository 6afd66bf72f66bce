/* SPDX-License-Identifier: MIT */
/*
 * The transport of connections with TLS. What goes out together makes one record (RFC 8446 5.1):
 * the bytes of a file are read for it, since only the kernel could send them from where they are.
 */
#include "worker/transport.h"

#include "base/sys.h"
#include "tls/session.h"
#include "worker/pool.h"

enum { RECORD_BYTES = 16 * 1024 }; /* that a record can have */

static struct sessions *sessions_of(const struct conn *c)
{
	return &c->pool->sessions;
}

/*
 * A stream that ends without the notice of its end may have been cut by anyone: only where each
 * message tells its length that is nothing to worry about (RFC 8446 6.1).
 */
static ssize_t result_of(const struct conn *c, enum session_end end, size_t moved)
{
	c->record->waits_to_send = end == SESSION_WAITS_TO_SEND;
	switch (end) {
	case SESSION_MOVED:
		return (ssize_t)moved;
	case SESSION_ENDED:
		return 0;
	case SESSION_CUT:
		if (!c->service->is_stream)
			return 0;
		errno = ECONNRESET;
		return -1;
	case SESSION_WAITS:
	case SESSION_WAITS_TO_SEND:
		errno = EAGAIN;
		return -1;
	case SESSION_FAILED:
		errno = EPROTO;
		return -1;
	default:
		return -1;
	}
}

static ssize_t receive_tls(struct conn *c)
{
	size_t got;
	enum session_end end = session_receive(sessions_of(c), c->record->index,
					       c->in.base + c->in.end, buf_room(&c->in), &got);

	c->in.end += (uint32_t)got;
	return result_of(c, end, got);
}

static ssize_t discard_tls(const struct conn *c, const struct buf *waste)
{
	size_t got;
	enum session_end end =
		session_receive(sessions_of(c), c->record->index, waste->base, waste->size, &got);

	return result_of(c, end, got);
}

/* A record may be there in part, or have nothing for us: then the try to read it tells. */
static bool has_input_tls(const struct conn *c)
{
	char byte;

	return session_has_input(sessions_of(c), c->record->index) ||
	       sys_recv(c->record->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

static bool has_buffered_tls(const struct conn *c)
{
	return session_has_input(sessions_of(c), c->record->index);
}

static size_t least_of(uint64_t waiting, size_t most)
{
	return waiting < most ? (size_t)waiting : most;
}

/* Returns how many bytes of the file range are at `to` then, or -1 with errno set. */
static ssize_t read_file(const struct record *r, char *to, size_t most)
{
	ssize_t got = sys_pread(r->file, to, least_of(r->file_left, most), (off_t)r->file_offset);

	if (got == 0) {
		errno = ENODATA;
		return -1;
	}
	return got;
}

/*
 * Gathers what goes out next, at most so many bytes: of c->out, then of what is lent or of the file
 * range. Returns how many, or -1 with errno set.
 */
static ssize_t gather(const struct conn *c, char *to, size_t most)
{
	size_t first = least_of(buf_used(&c->out), most), lent;
	ssize_t of_file = 0;

	if (first > 0)
		memcpy(to, buf_head(&c->out), first);
	lent = least_of(c->lent.length, most - first);
	if (lent > 0)
		memcpy(to + first, c->lent.bytes, lent);
	if (c->record->file_left > 0 && first < most)
		of_file = read_file(c->record, to + first, most - first);
	return of_file < 0 ? -1 : (ssize_t)(first + lent) + of_file;
}

/* So many of the gathered bytes have gone out. */
static void drop(struct conn *c, size_t sent)
{
	struct record *r = c->record;
	size_t first = least_of(buf_used(&c->out), sent);

	buf_drop(&c->out, first);
	sent -= first;
	if (c->lent.length > 0) {
		c->lent.bytes += sent;
		c->lent.offset += sent;
		c->lent.length -= sent;
	} else {
		r->file_offset += sent;
		r->file_left -= sent;
	}
}

/* What a send that waits has encrypted already is offered again, whatever `most` is now. */
static ssize_t send_tls(struct conn *c, size_t most)
{
	static char record[RECORD_BYTES];
	size_t owed = session_owed(sessions_of(c), c->record->index), sent;
	enum session_end end;
	ssize_t ready;

	if (most < owed)
		most = owed;
	ready = gather(c, record, least_of(most, RECORD_BYTES));
	if (ready < 0)
		return -1;
	end = session_send(sessions_of(c), c->record->index, record, (size_t)ready, &sent);
	drop(c, sent);
	if (end == SESSION_CUT)
		errno = EPIPE;
	return end == SESSION_CUT || end == SESSION_ENDED ? -1 : result_of(c, end, sent);
}

const struct transport transport_tls = {
	.receive = receive_tls,
	.discard = discard_tls,
	.has_input = has_input_tls,
	.has_buffered = has_buffered_tls,
	.send = send_tls,
};
