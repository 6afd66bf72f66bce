/* SPDX-License-Identifier: MIT */
/*
 * Connects a connection to the server of an upstream, which becomes its peer. Worker only, but for
 * pair_bind_source, which the checker shares.
 */
#ifndef WORKER_PAIR_PAIR_CONNECT_H
#define WORKER_PAIR_PAIR_CONNECT_H

#include <stdint.h>

#include "base/addr.h"
#include "worker/conn_record.h"

/* To where, and how. */
struct pair_target {
	const struct addr *to;
	const struct addr *from; /* the local address, with port 0; NULL or empty: none */
	unsigned row;            /* of the server (stats/server_rows.h) */
	uint32_t most;           /* connections to the server, over all workers; 0: any number */
	int64_t keepalive_ms;    /* 0: no probes */
	int64_t user_timeout_ms; /* TCP_USER_TIMEOUT (tcp(7)); 0: the kernel's */
};

enum pair_start {
	PAIR_CONNECTING, /* the hook `connected` tells how it ends */
	PAIR_CONNECTED,  /* at once, as a server on this host is */
	PAIR_FULL,       /* the server has `most` connections */
	PAIR_UNBOUND,    /* the local address cannot be used for it; errno says why */
	PAIR_FAILED,     /* errno says why */
};

/*
 * Begins to connect the client's side in hand, which has no peer. The peer counts as a connection
 * of the server from now on. The connection has no peer when it returns one of the last three.
 */
enum pair_start pair_connect(struct conn *client, const struct pair_target *target);

/*
 * Binds the socket of a connection to come to that local address, if it is of the family of `to`.
 * Its port is chosen at the connect, where it must be free for this server alone
 * (IP_BIND_ADDRESS_NO_PORT in ip(7)). False with errno set.
 */
bool pair_bind_source(int fd, const struct addr *from, const struct addr *to);

/*
 * Why the peer was not connected, or was lost (errno); 0: it is connected. For the hooks connected
 * and lost.
 */
int pair_connect_error(const struct conn *peer);

/* The address that the client has connected to (getsockname(2)). False when it is not known. */
bool pair_local_address(const struct conn *client, struct addr *address);

#endif
