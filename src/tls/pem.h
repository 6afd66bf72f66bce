/* SPDX-License-Identifier: MIT */
/*
 * Files in the format PEM: the certificates in one, and the private key. Messages have the file's
 * path, and no place. Master and -t only; allocates.
 */
#ifndef TLS_PEM_H
#define TLS_PEM_H

#include <openssl/x509.h>

#include "base/err.h"

/*
 * Returns the certificates of the file in their order, at least one; other parts of the file are
 * skipped. NULL with err. pem_free_chain frees them.
 */
STACK_OF(X509) * pem_read_chain(const char *path, struct err *err);
void pem_free_chain(STACK_OF(X509) * chain);

/* Returns the first private key of the file; NULL with err, as for one that has a passphrase. */
EVP_PKEY *pem_read_key(const char *path, struct err *err);

#endif
