/* SPDX-License-Identifier: MIT */
/* A TLS client, and a server's context with a certificate of its own, for tests. */
#ifndef TESTS_UNIT_TLS_CLIENT_H
#define TESTS_UNIT_TLS_CLIENT_H

#include <openssl/ssl.h>

/* A context with a new key and a certificate for localhost that it has signed itself. */
SSL_CTX *tls_client_server_context(void);

/* A client of that version alone on the socket, which is non-blocking. */
SSL *tls_client_new(int fd, int version);

/* A whole handshake with it in memory, so that nothing shared is made later. */
void tls_client_warm(SSL_CTX *context, int version);

/* The next call on it fails the test unless it waits or moves: returns the bytes. */
size_t tls_client_read(SSL *client, char *to, size_t size);
void tls_client_write(SSL *client, const char *text);

#endif
