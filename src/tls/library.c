/* SPDX-License-Identifier: MIT */
/* Starts OpenSSL. It knows no certificate and no connection. */
#include "tls/library.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdarg.h>
#include <stdio.h>

#include "tls/memory.h"
#include "tls/session.h"

bool tls_library_start(struct err *err)
{
	static bool has_started; /* only here is it written */
	/* the system's openssl.cnf could weaken or replace what the options say */
	const uint64_t wish = OPENSSL_INIT_NO_ATEXIT | OPENSSL_INIT_NO_LOAD_CONFIG |
			      OPENSSL_INIT_LOAD_SSL_STRINGS | OPENSSL_INIT_LOAD_CRYPTO_STRINGS;

	if (!has_started &&
	    (!memory_install() || OPENSSL_init_ssl(wish, NULL) != 1 || !session_prepare()))
		return err_set(err, CODE_OSERR, "OpenSSL cannot start");
	has_started = true;
	return true;
}

bool tls_library_blame(struct err *err, enum exit_code code, const char *format, ...)
{
	const char *reason = ERR_reason_error_string(ERR_peek_error());
	char text[sizeof(err->text)];
	va_list parameters;

	va_start(parameters, format);
	vsnprintf(text, sizeof(text), format, parameters);
	va_end(parameters);
	err_set(err, code, "%s%s%s", text, reason ? ": " : "", reason ? reason : "");
	ERR_clear_error();
	return false;
}
