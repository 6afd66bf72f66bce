/* SPDX-License-Identifier: MIT */
/*
 * Hashes of passwords as crypt(5) has them: which ones are taken, and whether a password is the
 * right one. No message shows a hash, which may be a password by mistake. Any process; crypt_r(3)
 * maps memory of its own for yescrypt while it computes.
 */
#ifndef CONFIG_AUTH_HASH_H
#define CONFIG_AUTH_HASH_H

#include <crypt.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

enum { AUTH_HASH_MOST = 255, AUTH_PASSWORD_MOST = 511 }; /* bytes */

/*
 * True for a whole hash of bcrypt, yescrypt, SHA-512 or SHA-256. Otherwise false with err, which
 * says how to make one. Pure; computes no hash.
 */
bool auth_hash_check(const char *hash, struct err *err);

/* The bytes at the front of a hash that was checked which determine what its check costs. */
size_t auth_hash_cost_length(const char *hash);

enum auth_match {
	AUTH_MATCHES,
	AUTH_DIFFERS,
	AUTH_FAILED /* the system has no memory for it, or forbids the method */
};

/*
 * Computes the password's hash, which takes as long as the hash's cost says, and compares it in
 * constant time. The password needs a NUL at its end; room is wiped afterwards.
 */
enum auth_match auth_hash_match(const char *hash, const char *password, struct crypt_data *room);

/* True when both are the same; the time does not depend on where they differ. */
bool auth_hash_same(const void *a, const void *b, size_t size);

#endif
