/* SPDX-License-Identifier: MIT */
/*
 * One certificate of a section tls with its key and chain: reading, checking, and what the user is
 * warned of. Master and -t only; allocates.
 */
#ifndef TLS_CERTIFICATE_H
#define TLS_CERTIFICATE_H

#include <openssl/x509.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "config/conf_fields.h"
#include "tls/names.h"
#include "tls/warner.h"

struct tls_certificate {
	X509 *leaf; /* the server's own */
	EVP_PKEY *key;
	STACK_OF(X509) * chain; /* from its issuer on; may be empty */
	struct tls_names names;
	bool has_addresses;            /* among its names are addresses */
	int64_t not_before, not_after; /* seconds since 1970 */
};

/*
 * Reads the section's certificate of that index. Files are not replaced at the same moment: if one
 * is missing or they do not belong together, all are read once more after a moment. Returns false
 * with err, which has the place. tls_certificate_free frees what was read.
 */
bool tls_certificate_read(const struct tls_conf *tls, size_t index,
			  struct tls_certificate *certificate, struct err *err);
void tls_certificate_free(struct tls_certificate *certificate);

/* Returns false with err, which has the place and the date, outside of its time. */
bool tls_certificate_check_time(const struct tls_conf *tls, size_t index,
				const struct tls_certificate *certificate, int64_t now_s,
				struct err *err);

/*
 * Warns of a time that has passed or soon will, of a chain that is not in order, and of a key that
 * others can read.
 */
void tls_certificate_warn(const struct tls_conf *tls, size_t index,
			  const struct tls_certificate *certificate, int64_t now_s,
			  const struct tls_warner *warner);

#endif
