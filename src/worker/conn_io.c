/* SPDX-License-Identifier: MIT */
/* One receive for each event; one send for the bytes and one for the start of the file range. */
#include "worker/conn_io.h"

#include <netinet/in.h>
#include <netinet/tcp.h>

#include "base/err.h"
#include "base/sys.h"
#include "worker/pace.h"
#include "worker/pool.h"
#include "worker/transport.h"

enum {
	BULK_LEAST = 16 * 1024, /* bytes: less is cheaper through a buffer */
	PROVEN_BYTES = 1024 * 1024,
};

static void note_moved(struct conn *c, size_t bytes)
{
	c->pool->hand.moved += bytes;
	c->record->active_ms = c->pool->loop->now_ms;
}

/* What came, or the end of the stream, is the last word until the other side speaks. */
static void note_turn(struct conn *c)
{
	conn_client(c)->record->is_answer_due = conn_is_client(c);
}

static void note_end(struct conn *c)
{
	c->record->in_ended = true;
	note_turn(c);
}

/* Makes room at the end of the input buffer. */
static void lend_input(struct conn *c)
{
	struct buf *in = &c->in;

	pool_lend_buf(c->pool, in);
	if (in->start > 0 && buf_room(in) == 0) {
		memmove(in->base, buf_head(in), buf_used(in));
		in->end -= in->start;
		in->start = 0;
	}
	BUG_ON(buf_room(in) == 0); /* a service that keeps so much must not return MORE */
}

/* What goes to and comes from the server of an upstream. */
static void count_of_server(struct conn *c, uint64_t in, uint64_t out)
{
	const struct record *r = c->record;
	struct upstream_tally *tally;

	if (r->server == 0 || conn_is_client(c) || !c->pool->servers.servers)
		return;
	tally = &c->pool->servers.servers[r->server - 1].tally;
	if (in > 0)
		cell_share(&tally->upstream_bytes_in_total, in);
	if (out > 0)
		cell_share(&tally->upstream_bytes_out_total, out);
}

void conn_io_count_input(struct conn *c, size_t bytes)
{
	struct pool *pool = c->pool;
	struct record *r = c->record;

	if (conn_is_client(c)) {
		/* the age of one that moved is only what its sender says */
		if (r->bytes_in == 0 && !r->has_moved)
			histogram_add(&pool->slot->tally.first_byte_seconds,
				      (uint64_t)(pool->loop->now_us - r->opened_us), 1);
		cell_add(&pool_tally(pool, r)->bytes_in_total, bytes);
	}
	r->bytes_in += bytes;
	note_turn(c);
	count_of_server(c, bytes, 0);
}

/* What another process sends, or a proxy of itself, is no client's. */
static void note_received(struct conn *c, size_t bytes)
{
	note_moved(c, bytes);
	if (!c->record->is_given && c->record->proxy != PROXY_AWAITED)
		conn_io_count_input(c, bytes);
}

static bool may_wait(int error)
{
	return error == EAGAIN || error == EINTR;
}

static enum conn_io outcome_of(ssize_t moved)
{
	if (moved >= 0)
		return IO_SOME;
	return may_wait(errno) ? IO_NONE : IO_FAILED;
}

enum conn_io conn_io_receive(struct conn *c)
{
	return conn_io_receive_most(c, ARENA_BUF_SIZE);
}

enum conn_io conn_io_receive_most(struct conn *c, size_t most)
{
	uint32_t size;
	ssize_t got;

	lend_input(c);
	size = c->in.size;
	if (most < buf_room(&c->in))
		c->in.size = c->in.end + (uint32_t)most;
	got = c->transport->receive(c);
	c->in.size = size;
	if (got > 0)
		note_received(c, (size_t)got);
	if (got == 0)
		note_end(c);
	c->record->is_bulk = got > 0 && buf_room(&c->in) == 0;
	return outcome_of(got);
}

enum conn_io conn_io_discard(struct conn *c)
{
	struct buf waste = { 0 };
	ssize_t got;

	pool_lend_buf(c->pool, &waste);
	got = c->transport->discard(c, &waste);
	pool_take_back_buf(c->pool, &waste);
	if (got > 0)
		c->pool->hand.moved += (size_t)got;
	if (got == 0)
		c->record->in_ended = true;
	return outcome_of(got);
}

static void forget_range(struct record *r)
{
	r->file = 0;
	r->file_offset = r->file_left = 0;
	r->is_piped = r->holds_file = false;
}

void conn_io_drop_range(struct record *r)
{
	if (r->file > 0)
		(void)sys_close(r->file);
	if (r->is_piped && r->pipe_end > 0)
		(void)sys_close(r->pipe_end);
	forget_range(r);
}

/* All of the range has gone out. A pipe that was in other hands may hold more. */
static void end_range(struct conn *c)
{
	struct record *r = c->record;

	if (r->holds_file)
		return;
	if (r->is_piped && !r->has_moved) {
		pipes_give(&c->pool->pipes, (struct pipe_ends){ r->file, r->pipe_end });
		forget_range(r);
	} else {
		conn_io_drop_range(r);
	}
}

static bool take_pipe(struct pool *pool, struct pipe_ends *ends)
{
	bool is_new;

	if (!pipes_take(&pool->pipes, ends, &is_new, pool->loop->now_ms))
		return false;
	if (is_new) {
		pool_note_opened(pool, ends->read);
		pool_note_opened(pool, ends->write);
	}
	return true;
}

bool conn_io_can_splice(const struct conn *c)
{
	const struct conn *to = c->peer;

	return c->record->is_bulk && to && c->transport->splice && to->transport->sends_pipes &&
	       !conn_has_output(to) && to->record->output == OUTPUT_OPEN && buf_used(&c->in) == 0;
}

/* The pipe belongs to the side that it goes out on. */
static void note_piped(struct conn *to, struct pipe_ends ends, size_t bytes)
{
	struct record *r = to->record;

	r->file = ends.read;
	r->file_offset = 0;
	r->pipe_end = ends.write;
	r->file_left = bytes;
	r->is_piped = true;
}

enum conn_io conn_io_splice(struct conn *c)
{
	struct pool *pool = c->pool;
	struct pipe_ends ends;
	ssize_t got;

	if (!take_pipe(pool, &ends)) {
		c->record->is_bulk = false;
		return IO_NONE;
	}
	got = c->transport->splice(c, ends.write);
	c->record->is_bulk = got >= BULK_LEAST;
	if (got > 0) {
		note_piped(c->peer, ends, (size_t)got);
		note_received(c, (size_t)got);
	} else {
		pipes_give(&pool->pipes, ends);
	}
	if (got == 0)
		note_end(c);
	return outcome_of(got);
}

/* Makes bytes of the start of the range. Returns false with errno set. */
static bool read_range(struct conn *c)
{
	struct record *r = c->record;
	ssize_t got;

	pool_lend_buf(c->pool, &c->out);
	got = sys_pread(r->file, c->out.base,
			r->file_left < c->out.size ? (size_t)r->file_left : c->out.size,
			(off_t)r->file_offset);
	if (got == 0)
		errno = ENODATA;
	if (got <= 0)
		return false;
	c->out.end = (uint32_t)got;
	r->file_offset += (uint64_t)got;
	r->file_left -= (uint64_t)got;
	if (r->file_left == 0)
		end_range(c);
	return true;
}

/*
 * What the kernel did not take of the lent bytes waits in c->out, or as a file range. Returns false
 * with errno set.
 */
static bool keep_lent(struct conn *c)
{
	const struct lent rest = c->lent;
	int fd;

	c->lent = (struct lent){ .length = 0 };
	if (rest.length == 0)
		return true;
	if (rest.length <= buf_room(&c->out)) {
		buf_put(&c->out, rest.bytes, rest.length);
		return true;
	}
	fd = sys_fcntl_int(rest.fd, F_DUPFD_CLOEXEC, 0);
	if (fd < 0)
		return false;
	pool_note_opened(c->pool, fd);
	conn_send_file(c, fd, rest.offset, rest.length);
	return true;
}

/*
 * A client that has taken so many bytes is one that reads: from now on the kernel's buffer may grow
 * with the speed of the connection (net/listen_socket.c bounds it until then).
 */
static void note_sent(struct conn *c, size_t bytes)
{
	static const int unbounded = 0;
	struct record *r = c->record;
	bool was_new = r->bytes_out < PROVEN_BYTES;

	r->bytes_out += bytes;
	if (was_new && r->bytes_out >= PROVEN_BYTES && conn_is_client(c))
		(void)sys_setsockopt(r->fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unbounded,
				     sizeof(unbounded));
}

/* sendfile blocks by the flags of the socket, which another process may have changed. */
static enum conn_io send_once(struct conn *c)
{
	int64_t now_us = c->pool->loop->now_us;
	size_t most = pace_allowed(c->conf, c->record, now_us);
	ssize_t sent;

	if (most == 0)
		return c->lent.bytes && !keep_lent(c) ? IO_FAILED : IO_NONE;
	if (c->record->has_moved && !c->record->is_piped && buf_used(&c->out) == 0 &&
	    !read_range(c))
		return outcome_of(-1);
	sent = c->transport->send(c, most);
	if (sent < 0 && !may_wait(errno))
		return IO_FAILED;
	if (c->lent.bytes && !keep_lent(c))
		return IO_FAILED;
	if (sent <= 0)
		return IO_NONE;
	note_moved(c, (size_t)sent);
	note_sent(c, (size_t)sent);
	pace_note_sent(c->conf, c->record, (size_t)sent, now_us);
	count_of_server(c, 0, (uint64_t)sent);
	if (conn_is_client(c))
		cell_add(&pool_tally(c->pool, c->record)->bytes_out_total, (uint64_t)sent);
	if (c->record->file_left == 0 && c->record->file > 0)
		end_range(c);
	return IO_SOME;
}

enum conn_io conn_io_flush(struct conn *c)
{
	enum conn_io io = IO_NONE;
	bool has_next = conn_has_output(c);

	while (has_next) {
		bool had_bytes = buf_used(&c->out) > 0;

		io = send_once(c);
		has_next = io == IO_SOME && had_bytes && buf_used(&c->out) == 0 &&
			   c->record->file_left > 0;
	}
	return io;
}
