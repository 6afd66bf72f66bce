/* SPDX-License-Identifier: MIT */
/* The PROXY header that a server gets first (option send_proxy). Worker, and the checker. */
#ifndef SERVICES_PROXY_SEND_HEADER_H
#define SERVICES_PROXY_SEND_HEADER_H

#include <stddef.h>

#include "base/proxy_header.h"
#include "services/proxy/upstream.h"
#include "worker/conn_record.h"

/*
 * Puts the header of the client to the empty output of its peer: with the client's address, that
 * which it had connected to, and, in version 2, all that the header of its own connection said of
 * it. Returns its bytes; 0: the upstream wants none.
 */
size_t send_header_put(struct conn *client, const struct upstream *upstream);

/* Writes that of a check, which has no client, to text (PROXY_BUILD_MOST bytes); likewise. */
size_t send_header_of_check(const struct upstream *upstream, char *text);

#endif
