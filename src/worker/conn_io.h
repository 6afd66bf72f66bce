/* SPDX-License-Identifier: MIT */
/*
 * Moves bytes between a connection's buffers and the kernel, and counts them. It ends no
 * connection. Worker only.
 */
#ifndef WORKER_CONN_IO_H
#define WORKER_CONN_IO_H

#include "worker/conn_record.h"

enum conn_io {
	IO_NONE,  /* the kernel had nothing, or took nothing, for now */
	IO_SOME,  /* bytes have moved, or the other end has ended its stream (conn_in_ended) */
	IO_FAILED /* errno says how */
};

/* Receives into c->in, which gets a buffer; the buffer must not be full. */
enum conn_io conn_io_receive(struct conn *c);

/*
 * True when what comes next on this side of a pair is worth to be spliced to the other side, which
 * has nothing to send. conn_io_splice does it, by a pipe that the record of the other side names;
 * IO_NONE when there is no pipe, or nothing has come.
 */
bool conn_io_can_splice(const struct conn *c);
enum conn_io conn_io_splice(struct conn *c);

/* The same, but takes `most` bytes at most, from 1 on. */
enum conn_io conn_io_receive_most(struct conn *c, size_t most);

/*
 * Counts bytes that the client has sent. Only for those behind a PROXY header that was received
 * with them: while one is awaited, nothing that is received counts.
 */
void conn_io_count_input(struct conn *c, size_t bytes);

/* Receives and drops bytes. */
enum conn_io conn_io_discard(struct conn *c);

/* Sends what waits on this side, bytes and then the file range, as far as the kernel takes it. */
enum conn_io conn_io_flush(struct conn *c);

/* Drops the file range that waits on this side, if any, with its descriptor. */
void conn_io_drop_range(struct record *r);

#endif
