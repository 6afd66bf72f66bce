/* SPDX-License-Identifier: MIT */
/*
 * Handshakes in memory. OpenSSL makes much of what it shares when it is needed first; here that
 * happens before a worker starts, so that a connection's memory holds nothing that outlives it. And
 * a section with which no client could connect is found before clients find it.
 */
#ifndef TLS_WARM_UP_H
#define TLS_WARM_UP_H

#include <stdbool.h>

#include "base/err.h"
#include "tls/context.h"

/*
 * Each certificate of each context in each of its protocols, with a message each way and a
 * resumption; each cipher and group once. Returns false with err, which has the place, when a
 * certificate can be used by no client. Master and -t, after tls_sites_use_keys; allocates.
 */
bool tls_warm_up(const struct tls_sites *sites, struct err *err);

#endif
