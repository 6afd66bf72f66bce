/* SPDX-License-Identifier: MIT */
/*
 * Server name indication: which of a listener's sections serves the name that a client asks for.
 * The callbacks run in workers, allocate nothing of their own, and keep nothing.
 */
#ifndef TLS_SNI_H
#define TLS_SNI_H

#include "tls/site.h"

/* A listener with TLS. */
struct tls_front {
	const struct tls_site **sites; /* owned array of borrowed sites, at least one; 0: default */
	size_t count;
	SSL_CTX *context; /* owned; NULL: the listener has no TLS */
};

/* Sessions of the context switch to that of the section which serves the client's name. */
void tls_sni_use(SSL_CTX *context, struct tls_front *front);

#endif
