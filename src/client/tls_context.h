/* SPDX-License-Identifier: MIT */
/* What all TLS connections of a run share. Made before the first of them; one process. */
#ifndef CLIENT_TLS_CONTEXT_H
#define CLIENT_TLS_CONTEXT_H

#include "base/err.h"
#include "client/tls_flags.h"

struct tls_context;

/*
 * Reads the trusted certificates, and takes the name to be verified from the flags or from the name
 * of the target (HOST:PORT or unix:PATH). Returns NULL with err (CODE_USAGE, CODE_NOPERM,
 * CODE_OSERR). The caller frees it with tls_context_free, after all its streams.
 */
struct tls_context *tls_context_new(const struct tls_flags *flags, const char *target,
				    struct err *err);
void tls_context_free(struct tls_context *context);

#endif
