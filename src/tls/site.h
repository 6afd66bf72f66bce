/* SPDX-License-Identifier: MIT */
/*
 * One section tls, read: its certificates, and the contexts that are made of it. The master makes
 * it before workers start; in the workers it is read only.
 */
#ifndef TLS_SITE_H
#define TLS_SITE_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "config/conf_tls.h"
#include "tls/certificate.h"
#include "tls/staple.h"
#include "tls/ticket_keys.h"

struct tls_site {
	const struct tls_conf *conf; /* borrowed */
	struct tls_certificate certificates[CONF_TLS_CERTIFICATES];
	size_t certificate_count;
	STACK_OF(X509) * client_cas; /* NULL: no client is asked */
	struct tls_staple staple;
	uint8_t *alpn; /* as a handshake has it: each protocol behind its length; NULL: none */
	size_t alpn_size;
	/*
	 * Which sessions may be resumed: those of a section that asks clients for the same
	 * certificates. What a section does not ask for, a session of it does not prove.
	 */
	uint8_t session_id[32];
	int64_t session_s; /* for how long a session can be resumed; 0: no section has tickets */
	SSL_CTX *context;  /* owned: what a client's name leads to */
};

/*
 * Reads all files of the section and makes its context. Returns false with err, which has the
 * place; tls_site_close frees then too. The tickets are borrowed.
 */
bool tls_site_open(struct tls_site *site, const struct tls_conf *conf, int64_t session_s,
		   struct tls_tickets *tickets, struct err *err);
void tls_site_close(struct tls_site *site);

/*
 * Returns a further context of the section, or NULL with err. It refers to the site and to the
 * tickets. SSL_CTX_free frees it.
 */
SSL_CTX *tls_site_new_context(struct tls_site *site, struct tls_tickets *tickets, struct err *err);

/* How the names of all its certificates cover the name. */
enum tls_cover tls_site_cover(const struct tls_site *site, const char *name);

#endif
