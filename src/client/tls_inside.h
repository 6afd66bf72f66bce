/* SPDX-License-Identifier: MIT */
/* What the files that know OpenSSL share. */
#ifndef CLIENT_TLS_INSIDE_H
#define CLIENT_TLS_INSIDE_H

#include <openssl/ssl.h>

#include "client/tls_flags.h"

struct tls_context {
	SSL_CTX *ctx;
	BIO_METHOD *method; /* of sockets */
	bool is_insecure, resumes;
	bool is_address;     /* host is an IP address, which is no server name (RFC 6066, 3) */
	char host[TLS_TEXT]; /* the certificate must be for it; "": none was given */
};

/* Makes the methods of a stream's socket; NULL: no memory. */
BIO_METHOD *tls_stream_method(void);

/* Notes on its stream what is wrong with a certificate, and a session that may be resumed. */
int tls_stream_on_verify(int is_good, X509_STORE_CTX *store);
int tls_stream_on_session(SSL *ssl, SSL_SESSION *session);

/* The names of a certificate, separated by commas; control characters become "?". */
void tls_describe_names(X509 *certificate, char *text, size_t size);

#endif
