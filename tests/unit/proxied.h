/* SPDX-License-Identifier: MIT */
/* A served listener that expects a PROXY header of each connection (accept_proxy). */
#ifndef UNIT_PROXIED_H
#define UNIT_PROXIED_H

#include "unit/headers.h"
#include "unit/own_service.h"
#include "unit/served.h"

/*
 * Starts with that service, whose name is "proxied". The header has an hour, a connection may be
 * idle for 20, and 10.0.0.0/8 is denied.
 */
void proxied_start(struct served *s, const struct service *service);

/* Closes the only client, asserts that the connection has ended for that, and stops. */
void proxied_end(struct served *s, int client);

/* The hook input of a service that returns what it gets. */
enum verdict proxied_return_input(struct conn *c);

#endif
