/* SPDX-License-Identifier: MIT */
/*
 * The sections tls of a configuration and the listeners that have them. It reads no certificate,
 * and is there in a program without TLS too. Master only, except conf_tls_of, which allocates
 * nothing.
 */
#ifndef CONFIG_CONF_TLS_H
#define CONFIG_CONF_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "config/conf_fields.h"

/* The most certificates of one section, each of another kind of key. */
enum { CONF_TLS_CERTIFICATES = 4 };

/* The listener's section of that index, below listen->tls.count; 0 is its default. */
const struct tls_conf *conf_tls_of(const struct conf *conf, const struct listen_conf *listen,
				   size_t index);

/* True when a listener has that section. */
bool conf_tls_has_listener(const struct conf *conf, const struct tls_conf *tls);

/* Frees the sections that have no listener: -l has replaced the file's. */
void conf_tls_drop_unused(struct conf *conf);

/* True when the section's `protocols` have that version ("TLSv1.2"). */
bool conf_tls_speaks(const struct tls_conf *tls, const char *protocol);

/* The shortest ticket_rotation of the sections with tickets; 0: no section has tickets. */
int64_t conf_tls_rotation_ms(const struct conf *conf);

/* Puts the place and the full name of the option before err. Returns false. */
bool conf_tls_blame(const struct tls_conf *tls, const char *option, struct err *err);

/*
 * Returns false with err when a listener names no section, or cannot have one; when a section has
 * no listener, lacks an option, or has options that contradict each other; and when there is a
 * section in a program without TLS.
 */
bool conf_tls_check(const struct conf *conf, struct err *err);

#endif
