/* SPDX-License-Identifier: MIT */
/*
 * Bytes in and out of a connection, by TLS where it is spoken, and the handshake with its trace.
 * Only the handshake waits.
 */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/sys.h"
#include "base/units.h"
#include "client/connection.h"

static bool has_tls(const struct connection *conn)
{
	return conn->tls.ssl != NULL;
}

/* Returns false when the time is over. */
static bool wait_for_handshake(const struct connection *conn, int64_t until_us)
{
	struct pollfd poll = { .fd = conn->fd, .events = conn->tls.receive_wait };
	int64_t left_us = until_us - clock_us();

	if (left_us <= 0)
		return false;
	(void)sys_poll(&poll, 1, (int)((left_us + 999) / 1000));
	return true;
}

static enum tls_handshake run_handshake(struct connection *conn, int64_t until_us)
{
	enum tls_handshake state;

	do
		state = tls_stream_handshake(&conn->tls);
	while (state == TLS_HANDSHAKE_WAITS && wait_for_handshake(conn, until_us));
	return state;
}

static void trace_certificate(const struct connection *conn, const struct tls_facts *facts)
{
	connection_trace(conn, "TLS: certificate for %s", facts->names);
	connection_trace(conn, "TLS: certificate issued by %s, valid until %s", facts->issuer,
			 facts->until);
	if (facts->verify_error == NULL)
		connection_trace(conn, "TLS: the certificate is verified");
	else
		connection_trace(conn, "TLS: the certificate is not verified (--insecure): %s",
				 facts->verify_error);
}

static void trace_tickets(const struct connection *conn, uint64_t before)
{
	char shown[UNITS_TEXT];

	for (uint64_t i = before; i < conn->tls.tickets; i++)
		connection_trace(conn, "TLS: session ticket, which may be resumed within %s",
				 units_write_duration((int64_t)conn->tls.ticket_s * 1000, shown));
}

static void trace_handshake(const struct connection *conn, const char *alpn, int64_t took_us)
{
	struct tls_facts facts;

	if (!conn->is_traced)
		return;
	tls_stream_read_facts(&conn->tls, &facts);
	connection_trace(conn, "TLS: %s handshake in %lld us: %s, %s%s%s",
			 facts.is_resumed ? "resumed" : "full", (long long)took_us, facts.protocol,
			 facts.cipher, facts.group[0] != '\0' ? ", " : "", facts.group);
	if (facts.host[0] != '\0')
		connection_trace(conn, "TLS: server name asked for: %s", facts.host);
	if (alpn != NULL)
		connection_trace(conn, "TLS: of the protocols %s, the server has chosen %s", alpn,
				 facts.alpn[0] != '\0' ? facts.alpn : "none");
	trace_certificate(conn, &facts);
	trace_tickets(conn, 0);
}

static bool fail_handshake(struct connection *conn, enum tls_handshake state, int timeout_ms,
			   struct err *err)
{
	char text[TLS_REASON_TEXT], shown[UNITS_TEXT];

	if (state == TLS_HANDSHAKE_WAITS)
		return err_set(err, CODE_UNAVAILABLE, "the TLS handshake timed out (%s)",
			       units_write_duration(timeout_ms, shown));
	return err_set(err, CODE_UNAVAILABLE, "%s", tls_stream_describe_end(&conn->tls, text));
}

bool connection_start_tls(struct connection *conn, struct tls_context *context, const char *alpn,
			  int timeout_ms, struct err *err)
{
	int64_t start_us = clock_us();
	enum tls_handshake state;

	if (!tls_stream_open(&conn->tls, context, conn->fd))
		return err_errno(err, CODE_OSERR, "cannot speak TLS");
	state = run_handshake(conn, start_us + (int64_t)timeout_ms * 1000);
	if (state == TLS_HANDSHAKE_DONE) {
		trace_handshake(conn, alpn, clock_us() - start_us);
		return true;
	}
	conn->is_reset = conn->tls.error == ECONNRESET;
	conn->peer_closed = conn->tls.end == TLS_END_CUT;
	return fail_handshake(conn, state, timeout_ms, err);
}

ssize_t connection_receive(struct connection *conn, char *to, size_t size)
{
	uint64_t before = conn->tls.tickets;
	ssize_t n;

	if (!has_tls(conn))
		return sys_recv(conn->fd, to, size, 0);
	n = tls_stream_receive(&conn->tls, to, size);
	trace_tickets(conn, before);
	if (n == 0)
		conn->is_cut = conn->tls.end == TLS_END_CUT;
	return n;
}

ssize_t connection_send(struct connection *conn, const char *bytes, size_t size)
{
	if (has_tls(conn))
		return tls_stream_send(&conn->tls, bytes, size);
	return sys_send(conn->fd, bytes, size, MSG_NOSIGNAL);
}

short connection_receive_events(const struct connection *conn)
{
	return has_tls(conn) ? conn->tls.receive_wait : POLLIN;
}

short connection_send_events(const struct connection *conn)
{
	return has_tls(conn) ? conn->tls.send_wait : POLLOUT;
}

bool connection_is_ready(const struct connection *conn)
{
	return has_tls(conn) && tls_stream_is_ready(&conn->tls);
}

const char *connection_describe_close(const struct connection *conn)
{
	if (!has_tls(conn))
		return "0 bytes: the peer has closed its side";
	return conn->is_cut ? "0 bytes: the peer has closed its side without close_notify" :
			      "close_notify: the peer has closed its side";
}

const char *connection_describe_error(const struct connection *conn, int error, char *text)
{
	if (error == EPROTO && has_tls(conn))
		return tls_stream_describe_end(&conn->tls, text);
	return strerror(error);
}
