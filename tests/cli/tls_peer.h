/* SPDX-License-Identifier: MIT */
/* A test that is the TLS server of prefork-client. */
#ifndef CLI_TLS_PEER_H
#define CLI_TLS_PEER_H

#include <openssl/ssl.h>

/*
 * Writes certificates to the folder (unit/folder.h): of the authority "ca", "good" for
 * good.example, 127.0.0.1 and ::1, "other" for other.example, and "old", which has expired; and
 * "alone", which has signed itself.
 */
int tls_peer_make_files(void **state);

/* A server's context with that certificate, of that version alone (0: all). */
SSL_CTX *tls_peer_context(const char *folder, const char *name, int version);

/* A server on the connection, before its handshake. Its calls wait for WAIT_MS at most. */
SSL *tls_peer_new(SSL_CTX *context, int fd);

/* The same, with the handshake. */
SSL *tls_peer_accept(SSL_CTX *context, int fd);

void tls_peer_say(SSL *peer, const char *text);
void tls_peer_hear(SSL *peer, const char *text);

/* Expects close_notify. */
void tls_peer_expect_end(SSL *peer);

/* Sends close_notify, if wanted, and closes the socket. */
void tls_peer_end(SSL *peer, int notifies);

#endif
