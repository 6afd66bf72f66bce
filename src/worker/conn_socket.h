/* SPDX-License-Identifier: MIT */
/*
 * The descriptor of one side and, where it has one, the TLS session on it: how they end. It knows
 * no states: worker/conn.c makes the transitions. Worker only.
 */
#ifndef WORKER_CONN_SOCKET_H
#define WORKER_CONN_SOCKET_H

#include "worker/pool.h"

/*
 * Tells the other end that no more comes, which a FIN alone does not (RFC 8446 6.1). Returns false
 * when that has to wait until the kernel takes more. True without a session.
 */
bool conn_socket_end_session(struct pool *pool, struct record *r);

/* Closes it, with its session. */
void conn_socket_close(struct pool *pool, struct record *r);

/* Input that the descriptor does not show any more is read in this turn or the next. */
void conn_socket_note_buffered(struct conn *c);

#endif
