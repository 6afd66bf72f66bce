/* SPDX-License-Identifier: MIT */
/* Finds a connection its server (picture: services/proxy/proxy_state.h). Worker only. */
#ifndef SERVICES_PROXY_PROXY_TRY_H
#define SERVICES_PROXY_PROXY_TRY_H

#include "services/proxy/proxy_state.h"
#include "worker/conn_record.h"

/*
 * Tries servers, one after the other, until one is connecting or connected; if none is left, the
 * client waits or is ended, as its upstream says. The client has no peer.
 */
enum verdict proxy_try_servers(struct conn *client);

/* The server that it had failed before anything was sent: drops it, and tries others. */
enum verdict proxy_fail_over(struct conn *client, enum close_reason why);

/* The server has accepted the connection. */
enum verdict proxy_begin_relay(struct conn *client);

/* Passes on what one side has received. */
enum verdict proxy_relay(struct conn *c);

#endif
