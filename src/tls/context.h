/* SPDX-License-Identifier: MIT */
/*
 * All that a configuration's listeners need of TLS: the contexts of OpenSSL, made by the master
 * before workers start, and the choice among a listener's sections by the name that a client asks
 * for (SNI). In a program without TLS there is never any.
 */
#ifndef TLS_CONTEXT_H
#define TLS_CONTEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "config/conf.h"
#include "tls/ticket_keys.h"
#include "tls/warner.h"

struct ssl_ctx_st; /* SSL_CTX */
struct tls_sites;

/*
 * Reads the files of all sections and makes the contexts; starts the library, if any listener has
 * TLS. conf is borrowed. Returns NULL with err, which has the place. Master and -t; allocates.
 */
struct tls_sites *tls_sites_new(const struct conf *conf, struct err *err);
void tls_sites_free(struct tls_sites *sites);

/*
 * The context for the connections of that listener of conf; NULL: it has no TLS. What the client
 * asks for is looked up in the handshake, which keeps no memory of it.
 */
struct ssl_ctx_st *tls_sites_context(const struct tls_sites *sites, size_t listen_index);

/*
 * From now on there are tickets, by those keys, which are borrowed: memory that the workers share
 * with the master, who rotates them every conf_tls_rotation_ms.
 */
void tls_sites_use_keys(struct tls_sites *sites, const struct tls_ticket_keys *keys);

/*
 * Every context, by a number from 0 on, with the section that it is made of; NULL behind the last.
 * For the warm-up.
 */
struct tls_site;
struct ssl_ctx_st *tls_sites_get(const struct tls_sites *sites, size_t number,
				 const struct tls_site **site);

/* When the first certificate of that section of conf expires, in seconds since 1970. */
int64_t tls_sites_expiry(const struct tls_sites *sites, size_t tls_index);

/*
 * Returns false with err, which has the place, when a certificate is outside of its time, unless
 * its section serves the very same one in `served` (NULL: nothing is served): a reload must not
 * make anything worse, and what is as before is no reason to refuse the rest of it.
 */
bool tls_sites_check_times(const struct tls_sites *sites, const struct tls_sites *served,
			   int64_t now_s, struct err *err);

/*
 * Warns of certificates, keys and names that are unlikely to do what is wanted, at the time now_s
 * (seconds since 1970). Master and -t.
 */
void tls_sites_warn(const struct tls_sites *sites, int64_t now_s, const struct tls_warner *warner);

#endif
