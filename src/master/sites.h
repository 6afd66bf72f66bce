/* SPDX-License-Identifier: MIT */
/*
 * What the master holds for TLS: the contexts of each generation, which its workers inherit, and
 * the keys of session tickets, which all workers of the server share. Master only.
 */
#ifndef MASTER_SITES_H
#define MASTER_SITES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "config/conf.h"
#include "tls/context.h"

/*
 * Reads certificates and keys, and makes everything that sessions share: whole handshakes in memory
 * see to it that nothing is left to be made in a worker. The first call makes the keys of tickets.
 * *sites is NULL when no listener has TLS. Returns false with err.
 */
bool sites_take(struct tls_sites **sites, const struct conf *conf, int64_t now_ms, struct err *err);

/* Rotates the keys of tickets when they are due by the options of conf. */
void sites_step(const struct conf *conf, int64_t now_ms);

/* The process will not need the keys: none is left in its memory. */
void sites_wipe(void);

#endif
