/* SPDX-License-Identifier: MIT */
/*
 * TLS before the start: the certificates of a configuration are read, and every context has had
 * whole handshakes. The master makes what its workers inherit in the same way as -t and the trial
 * of a reload make theirs to look for mistakes.
 */
#ifndef MASTER_TRIAL_PRESTART_TLS_H
#define MASTER_TRIAL_PRESTART_TLS_H

#include "tls/context.h"

/*
 * Returns contexts that are ready for workers, or NULL with err, which has the place. The keys of
 * tickets are borrowed; NULL: it makes some for the handshakes, and then there are none.
 * tls_sites_free frees.
 */
struct tls_sites *prestart_tls(const struct conf *conf, const struct tls_ticket_keys *keys,
			       struct err *err);

/* The same, to look for mistakes only. */
bool prestart_check_tls(const struct conf *conf, struct err *err);

/* Logs what tls_sites_warn has to say. Master. */
void prestart_warn_of_tls(const struct tls_sites *sites);

#endif
