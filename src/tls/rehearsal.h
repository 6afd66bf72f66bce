/* SPDX-License-Identifier: MIT */
/*
 * One whole handshake in memory, with a client of its own, a message each way and the end. Master
 * and -t; allocates.
 */
#ifndef TLS_REHEARSAL_H
#define TLS_REHEARSAL_H

#include <openssl/ssl.h>
#include <stdbool.h>

#include "tls/site.h"

/* The certificate of a client, signed by itself. */
struct tls_identity {
	X509 *certificate;
	EVP_PKEY *key;
};

/* What the client is like; what is NULL is OpenSSL's default, or not there. */
struct tls_rehearsal {
	SSL_CTX *context;            /* the server's */
	const struct tls_site *site; /* the one whose context it is */
	int version;                 /* TLS1_2_VERSION or TLS1_3_VERSION */
	const char *signatures;      /* which the client can verify */
	const char *cipher, *group, *name;
	const struct tls_identity *identity;
	SSL_SESSION *session; /* to resume */
};

/*
 * Returns true when the handshake has succeeded and both messages have arrived; else OpenSSL's
 * queue of errors has why. A client's certificate is taken whoever has signed it. *session, if not
 * NULL, is then one to resume, or NULL; SSL_SESSION_free frees it.
 */
bool tls_rehearse(const struct tls_rehearsal *wish, SSL_SESSION **session);

#endif
