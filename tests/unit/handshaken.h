/* SPDX-License-Identifier: MIT */
/* A handshake in memory with a context of a listener, and what has come of it, for tests. */
#ifndef UNIT_HANDSHAKEN_H
#define UNIT_HANDSHAKEN_H

#include <openssl/ssl.h>
#include <stdbool.h>

/* What the client asks for; what is NULL or 0 is the default. */
struct handshaken_wish {
	const char *name; /* SNI, of any bytes */
	int version;      /* TLS1_2_VERSION or TLS1_3_VERSION */
	const char *suite, *group;
	const char *ciphers; /* of TLS 1.2 */
	const char *signatures;
	const char *alpn;     /* "\x02h2", as a handshake has it */
	const char *identity; /* FOLDER/NAME of a certificate and key of the client */
	SSL_SESSION *session; /* to resume */
	bool asks_for_staple;
};

struct handshaken {
	bool is_good;
	char common[64]; /* the common name in the server's certificate */
	char alpn[32], cipher[64];
	int version;
	bool is_resumed;
	long staple;          /* bytes; -1: none */
	int alert;            /* the last that the client was sent; 0: none */
	SSL_SESSION *session; /* to be resumed, or NULL; SSL_SESSION_free frees it */
};

/* A client like that, without a connection. SSL_free frees it. */
SSL *handshaken_client(const struct handshaken_wish *wish);

void handshaken_try(SSL_CTX *context, const struct handshaken_wish *wish,
		    struct handshaken *result);

/* The same; fails the test if the handshake fails, and frees the session. */
void handshaken_pass(SSL_CTX *context, const struct handshaken_wish *wish,
		     struct handshaken *result);

#endif
