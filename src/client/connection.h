/* SPDX-License-Identifier: MIT */
/* One connection of the client, from connect(2) to close(2), traced on stderr (-v). One process. */
#ifndef CLIENT_CONNECTION_H
#define CLIENT_CONNECTION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/err.h"
#include "client/proxy_flag.h"
#include "client/screen.h"
#include "client/target.h"
#include "client/tls_context.h"
#include "client/tls_stream.h"

struct connection {
	int fd; /* non-blocking */
	struct addr local, remote;
	bool peer_closed;      /* no more bytes will come: the peer's FIN, or an error */
	bool is_shut_down;     /* this side has ended sending */
	bool closed_first;     /* this side ended before the peer did */
	bool is_reset;         /* the peer, or the system, has reset it */
	bool is_cut;           /* TLS: the peer has ended without close_notify */
	struct tls_stream tls; /* closed: the connection is plain */
	bool is_traced, has_colour;
	struct screen *screen; /* the caller's */
	int64_t start_us;      /* time 0 of the trace */
};

/* Prepares a connection that is not open yet, and starts the clock of its trace. */
void connection_init(struct connection *conn, bool is_traced, struct screen *screen);

/*
 * Tries the addresses in turn, each for at most timeout_ms, from the source (NULL: the system
 * chooses). Returns false with err, which has the reason for each address: CODE_UNAVAILABLE,
 * CODE_NOPERM, or CODE_OSERR. The caller ends it with connection_close.
 */
bool connection_open(struct connection *conn, const struct target *target,
		     const struct addr *source, int timeout_ms, struct err *err);

/*
 * Sends the PROXY header of the flag, if it was given, before all other bytes. Returns false with
 * err (CODE_FAILED).
 */
bool connection_send_header(struct connection *conn, const struct proxy_flag *flag, int timeout_ms,
			    struct err *err);

/*
 * Starts TLS and verifies the peer's certificate. The protocols that were offered (alpn; NULL:
 * none) are for the trace. Returns false with err (CODE_UNAVAILABLE, CODE_OSERR).
 */
bool connection_start_tls(struct connection *conn, struct tls_context *context, const char *alpn,
			  int timeout_ms, struct err *err);

/*
 * As recv(2) and send(2). EAGAIN: the call is to be repeated, with the same bytes, after an event
 * of connection_receive_events or connection_send_events.
 */
ssize_t connection_receive(struct connection *conn, char *to, size_t size);
ssize_t connection_send(struct connection *conn, const char *bytes, size_t size);
short connection_receive_events(const struct connection *conn);
short connection_send_events(const struct connection *conn);

/* True when a receive has something to return for which no event comes. */
bool connection_is_ready(const struct connection *conn);

/* Sends the close_notify of TLS once. Returns false while it waits for room (POLLOUT). */
bool connection_notify(struct connection *conn);

/* Returns how the peer has closed its side, in words. */
const char *connection_describe_close(const struct connection *conn);

/* Returns why a receive or a send failed, in words; text has TLS_REASON_TEXT bytes. */
const char *connection_describe_error(const struct connection *conn, int error, char *text);

/*
 * Closes an open connection. For a traced TCP connection it then waits up to half a second for the
 * state that the kernel keeps.
 */
void connection_close(struct connection *conn);

/*
 * Writes one line with the seconds since connection_init, if it is traced; on the screen, it begins
 * on a line of its own. Keeps errno.
 */
void connection_trace(const struct connection *conn, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
