/* SPDX-License-Identifier: MIT */
/* Certificates and keys in files, for tests. */
#ifndef UNIT_CERTIFIED_H
#define UNIT_CERTIFIED_H

#include <stdbool.h>

enum certified_key { CERTIFIED_EC, CERTIFIED_RSA, CERTIFIED_ED25519 };

struct certified {
	const char *file;         /* NAME: NAME.pem gets the certificate, NAME.key its key */
	const char *common, *san; /* "www.example", "DNS:a.example, IP:192.0.2.1"; NULL: none */
	enum certified_key key;
	int begin_days, end_days; /* from now; both 0: valid for a year */
	const char *signer;       /* NAME of another one; NULL: signed by itself */
	bool is_ca;
};

/* Writes the two files in the folder; the key can be read by its owner only. */
void certified_write(const char *folder, const struct certified *wish);

/* Makes a file of the contents of others, in that order; `names` ends with NULL. */
void certified_join(const char *folder, const char *file, const char *const *names);

/* Writes NAME.der: a response of an OCSP responder for NAME.pem, good for so many hours. */
void certified_staple(const char *folder, const char *name, int hours);

#endif
