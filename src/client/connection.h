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

struct connection {
	int fd; /* non-blocking */
	struct addr local, remote;
	bool peer_closed;  /* no more bytes will come: the peer's FIN, or an error */
	bool is_shut_down; /* this side has ended sending */
	bool closed_first; /* this side ended before the peer did */
	bool is_reset;     /* the peer, or the system, has reset it */
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
