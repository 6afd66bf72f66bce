/* SPDX-License-Identifier: MIT */
/*
 * The OCSP response that a section has for one of its certificates (RFC 6066, section 8). Master
 * and -t read it; any process sends it.
 */
#ifndef TLS_STAPLE_H
#define TLS_STAPLE_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "config/conf_fields.h"
#include "tls/certificate.h"

struct tls_staple {
	uint8_t *bytes; /* owned; NULL: there is none */
	size_t size;
	const X509 *leaf;      /* the certificate that it is for */
	int64_t next_update_s; /* seconds since 1970 */
};

/*
 * Reads the section's response, if it has one, for one of these certificates, which are borrowed.
 * Returns false with err, which has the place. tls_staple_free frees.
 */
bool tls_staple_read(const struct tls_conf *tls, const struct tls_certificate *certificates,
		     size_t count, struct tls_staple *staple, struct err *err);
void tls_staple_free(struct tls_staple *staple);

/* Warns of one that has expired or is about to. */
void tls_staple_warn(const struct tls_conf *tls, const struct tls_staple *staple, int64_t now_s,
		     const struct tls_warner *warner);

/*
 * The context sends it to clients that ask, with that certificate, until it expires: a client
 * refuses one that has expired, and can do without.
 */
void tls_staple_use(SSL_CTX *context, struct tls_staple *staple);

#endif
