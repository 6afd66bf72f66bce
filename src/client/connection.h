/* SPDX-License-Identifier: MIT */
/* Connects to the first address of a target that answers. One process. */
#ifndef CLIENT_CONNECTION_H
#define CLIENT_CONNECTION_H

#include <stdbool.h>

#include "base/addr.h"
#include "base/err.h"
#include "client/story.h"
#include "client/target.h"

/* A connection, and what is to be known of it at its end. */
struct connection {
	int fd; /* non-blocking */
	struct addr local, remote;
	bool peer_closed;  /* nothing more will come: its end, or an error */
	bool is_shut_down; /* this side has ended sending */
	bool closed_first; /* this side ended before the peer did */
	bool is_reset;     /* the peer, or the system, has broken it off */
};

/*
 * Tries the addresses in turn, each for at most timeout_ms, from the source (NULL: the system
 * chooses). False with err, which tells of each why not: CODE_UNAVAILABLE, CODE_NOPERM, or
 * CODE_OSERR. farewell closes the link.
 */
bool connection_open(struct connection *connection, const struct target *target,
		     const struct addr *source, int timeout_ms, const struct trace *trace,
		     struct err *err);

#endif
