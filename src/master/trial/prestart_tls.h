/* SPDX-License-Identifier: MIT */
/*
 * TLS before the start: the certificates of a configuration are read, and tried in handshakes. -t
 * and the trial of a reload look for mistakes; the master makes what its workers inherit.
 */
#ifndef MASTER_TRIAL_PRESTART_TLS_H
#define MASTER_TRIAL_PRESTART_TLS_H

#include "tls/context.h"

/*
 * Returns contexts in which every certificate can be used by a client, or NULL with err, which has
 * the place. They are for a look, not for workers. tls_sites_free frees.
 */
struct tls_sites *prestart_try_tls(const struct conf *conf, struct err *err);

/* The same, freed at once: returns whether there was no mistake. */
bool prestart_check_tls(const struct conf *conf, struct err *err);

/*
 * Returns contexts that workers can inherit: warmed up, with those keys of tickets, which are
 * borrowed. NULL with err. The master, before it forks a worker.
 */
struct tls_sites *prestart_tls(const struct conf *conf, const struct tls_ticket_keys *keys,
			       struct err *err);

/* Logs what tls_sites_warn has to say. Master. */
void prestart_warn_of_tls(const struct tls_sites *sites);

#endif
