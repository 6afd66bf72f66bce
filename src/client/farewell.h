/* SPDX-License-Identifier: MIT */
/* The end of a connection, and what the kernel keeps of it. One process. */
#ifndef CLIENT_FAREWELL_H
#define CLIENT_FAREWELL_H

#include "client/connection.h"
#include "client/story.h"

/*
 * Closes the link. A story that is told goes on to the state that is left, for which it waits a
 * moment.
 */
void connection_close(struct connection *connection, const struct trace *trace);

#endif
