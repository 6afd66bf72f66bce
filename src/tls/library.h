/* SPDX-License-Identifier: MIT */
/* The start of OpenSSL, and its errors in one sentence. Master and -t only; allocates. */
#ifndef TLS_LIBRARY_H
#define TLS_LIBRARY_H

#include <stdbool.h>

#include "base/err.h"

/*
 * Before any other call of OpenSSL; a second call does nothing. No configuration file is read, and
 * nothing runs at exit: several processes share what the master has made. Returns false with err.
 */
bool tls_library_start(struct err *err);

/*
 * As err_set, with ": " and what OpenSSL reported first behind it, if anything. Forgets all that it
 * has reported. Returns false.
 */
bool tls_library_blame(struct err *err, enum exit_code code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
