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
 * One handshake for each certificate of each section and each of its protocols. Returns false with
 * err, which has the place, when a certificate can be used by no client. Master and -t; allocates.
 */
bool tls_warm_up_check(const struct tls_sites *sites, struct err *err);

/*
 * The same for each context, with a message each way and a resumption; each cipher and group once.
 * The master, after tls_sites_use_keys and before a worker starts; allocates.
 */
bool tls_warm_up(const struct tls_sites *sites, struct err *err);

#endif
