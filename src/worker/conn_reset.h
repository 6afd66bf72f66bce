/* SPDX-License-Identifier: MIT */
/*
 * Ends a TCP connection by a reset instead of an end, so that its client does not take what came
 * before for the whole stream. It closes nothing: worker/conn.c does. Worker only.
 */
#ifndef WORKER_CONN_RESET_H
#define WORKER_CONN_RESET_H

#include "worker/conn_record.h"

/*
 * True while the kernel has bytes to send, which a reset would drop; EPOLLOUT then tells that it
 * has none.
 */
bool conn_reset_must_wait(const struct record *r);

/* The close(2) of the record's socket that follows resets the connection. */
void conn_reset_prepare(const struct record *r);

/*
 * After a send that has failed with that errno: true when the file of this side's range has become
 * shorter than what was announced. Then the connection is to end, with CLOSE_file_shrank and a
 * reset, by which the client knows that bytes are missing.
 */
bool conn_reset_note_shrunk(struct conn *c, int error);

#endif
