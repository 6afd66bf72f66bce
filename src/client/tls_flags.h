/* SPDX-License-Identifier: MIT */
/*
 * The flags of TLS that the client and its bench share. Pure; a program without TLS refuses them
 * all.
 */
#ifndef CLIENT_TLS_FLAGS_H
#define CLIENT_TLS_FLAGS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/* The letters of these flags in both tables of flags. */
enum tls_flag {
	TLS_FLAG_TLS = 20,
	TLS_FLAG_CA,
	TLS_FLAG_INSECURE,
	TLS_FLAG_SNI,
	TLS_FLAG_ALPN,
	TLS_FLAG_RESUME
};

enum { TLS_ALPN_MOST = 256, TLS_TEXT = 256 }; /* bytes of protocols, of a name */

struct tls_flags {
	bool is_wanted;   /* --tls, or an address that begins with https:// */
	bool is_insecure; /* a certificate that cannot be verified is accepted */
	bool resumes;     /* a connection resumes the session of the last one in its place */
	const char *ca;   /* file of trusted certificates; NULL: those of the system */
	const char *sni;  /* the name that the certificate must be for; NULL: the target's host */
	const char *alpn; /* protocols to offer, separated by commas; NULL: none */
};

/* True when the letter is one of enum tls_flag. */
static inline bool tls_flags_own(int letter)
{
	return letter >= TLS_FLAG_TLS && letter <= TLS_FLAG_RESUME;
}

/* Takes one flag. Returns false with err (CODE_USAGE). */
bool tls_flags_read(struct tls_flags *flags, enum tls_flag letter, const char *value,
		    struct err *err);

/* Checks the flags once all are known. Returns false with err (CODE_USAGE). */
bool tls_flags_check(const struct tls_flags *flags, struct err *err);

/*
 * Writes the protocols as TLS sends them (RFC 7301, 3.1) to `to`, of TLS_ALPN_MOST bytes, and
 * returns their length; 0: a protocol is empty, or all together are too long.
 */
size_t tls_flags_write_alpn(const char *alpn, unsigned char *to);

#endif
