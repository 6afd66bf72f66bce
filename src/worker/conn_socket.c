/* SPDX-License-Identifier: MIT */
/* Each end in the order that the protocols ask for: the session's notice, FIN or RST, the close. */
#include "worker/conn_socket.h"

#include "base/brief.h"
#include "base/sys.h"
#include "worker/conn_reset.h"
#include "worker/transport.h"
#include "worker/watching.h"

/*
 * A descriptor that another process may share is shut down as well, since the close may not be the
 * last one; and the last one must not wait for the client (SO_LINGER, socket(7)). It is gone
 * whatever close returns (close(2)).
 */
static void close_moved(int fd)
{
	static const struct linger off = { 0 };
	struct brief brief;

	brief_begin(&brief);
	(void)sys_setsockopt(fd, SOL_SOCKET, SO_LINGER, &off, sizeof(off));
	(void)sys_shutdown(fd, SHUT_RDWR);
	(void)sys_close(fd);
	brief_end(&brief);
}

bool conn_socket_end_session(struct pool *pool, struct record *r)
{
	if (r->tls != TLS_OPEN)
		return true;
	r->waits_to_send = session_finish(&pool->sessions, r->index) == SESSION_WAITS_TO_SEND;
	if (!r->waits_to_send)
		r->tls = TLS_FINISHED;
	return !r->waits_to_send;
}

/* One try at a notice of the end, which may be missing when the connection was cut. */
static void close_session(struct pool *pool, struct record *r)
{
	if (r->tls == TLS_NONE)
		return;
	if (session_is_there(&pool->sessions, r->index)) {
		if (!r->is_reset && !record_has_output(r))
			(void)conn_socket_end_session(pool, r);
		session_close(&pool->sessions, r->index);
	}
	r->tls = TLS_NONE;
}

/* A reset ends a moved connection for all processes that have it. */
void conn_socket_close(struct pool *pool, struct record *r)
{
	close_session(pool, r);
	if (r->is_reset)
		conn_reset_prepare(r);
	if (r->has_moved && (!r->is_reset || !r->is_inet))
		close_moved(r->fd);
	else
		(void)sys_close(r->fd);
}

void conn_socket_note_buffered(struct conn *c)
{
	if (c->transport->has_buffered && watching_reads(c) && c->transport->has_buffered(c))
		ring_push(&c->pool->queue, c->record->index);
}
