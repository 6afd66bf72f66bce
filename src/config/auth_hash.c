/* SPDX-License-Identifier: MIT */
/* Checks the form of hashes strictly: one that is cut would lock its user out. It reads no file. */
#include "config/auth_hash.h"

#include <string.h>

/* The methods, by the front of their hashes; what follows the last "$" has a fixed length. */
static const struct method {
	const char *front;
	size_t length;       /* of what follows the last $ */
	unsigned cost_parts; /* how many $ stand before the salt */
} methods[] = {
	{ "$2a$", 53, 3 }, { "$2b$", 53, 3 }, { "$2y$", 53, 3 },
	{ "$y$", 43, 3 },  { "$6$", 86, 2 },  { "$5$", 43, 2 },
};

static const struct method *find_method(const char *hash)
{
	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
		if (strncmp(hash, methods[i].front, strlen(methods[i].front)) == 0)
			return &methods[i];
	return NULL;
}

/* No blank or control character, which would be a slip. */
static bool is_of_hash(const char *text)
{
	static const char known[] = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "abcdefghijklmnopqrstuvwxyz$=,";

	return text[strspn(text, known)] == '\0';
}

/* Other programs' hashes, by their front. */
static const char *find_foreign(const char *hash)
{
	static const char *const fronts[] = { "$apr1$", "$1$",     "$7$",   "$gy$",   "$md5",
					      "$sha1$", "$argon2", "{SHA}", "{SSHA}", "{PLAIN}" };

	for (size_t i = 0; i < sizeof(fronts) / sizeof(fronts[0]); i++)
		if (strncmp(hash, fronts[i], strlen(fronts[i])) == 0)
			return fronts[i];
	return NULL;
}

/* Methods that new passwords should not have, such as SHA-256, are checked all the same. */
static bool is_computable(const char *hash)
{
	int found = crypt_checksalt(hash);

	return found != CRYPT_SALT_INVALID && found != CRYPT_SALT_METHOD_DISABLED;
}

#define HOW_TO "make one with \"mkpasswd\", \"openssl passwd -6\" or \"htpasswd -nB USER\""

bool auth_hash_check(const char *hash, struct err *err)
{
	const struct method *method = find_method(hash);
	const char *foreign = find_foreign(hash), *last = strrchr(hash, '$');

	if (foreign)
		return err_set(err, CODE_CONFIG,
			       "hashes that begin with %s are not taken (" HOW_TO ")", foreign);
	if (!method)
		return err_set(err, CODE_CONFIG,
			       "is plain text, or a hash that crypt cannot check: bcrypt ($2b$), "
			       "yescrypt ($y$), SHA-512 ($6$) or SHA-256 ($5$) is needed (" HOW_TO
			       ")");
	if (strlen(hash) > AUTH_HASH_MOST || !is_of_hash(hash) ||
	    strlen(last + 1) != method->length || !is_computable(hash))
		return err_set(
			err, CODE_CONFIG,
			"is not a whole hash of the form %s that this system can check (" HOW_TO
			")",
			method->front);
	return true;
}

size_t auth_hash_cost_length(const char *hash)
{
	const struct method *method = find_method(hash);
	unsigned left = method ? method->cost_parts : 0;
	const char *at = hash;

	/* $6$rounds=5000$salt$... has a part more than $6$salt$... */
	if (method && method->cost_parts == 2 && strncmp(hash + 3, "rounds=", 7) == 0)
		left++;
	while (left > 0 && (at = strchr(at, '$')) != NULL) {
		at++;
		left--;
	}
	return at ? (size_t)(at - hash) : strlen(hash);
}

bool auth_hash_same(const void *a, const void *b, size_t size)
{
	const volatile unsigned char *x = a, *y = b;
	unsigned char difference = 0;

	for (size_t i = 0; i < size; i++)
		difference |= x[i] ^ y[i];
	return difference == 0;
}

enum auth_match auth_hash_match(const char *hash, const char *password, struct crypt_data *room)
{
	enum auth_match match = AUTH_DIFFERS;
	size_t length = strlen(hash);
	const char *made;

	if (strlen(password) > AUTH_PASSWORD_MOST)
		return AUTH_DIFFERS;
	memset(room, 0, sizeof(*room));
	made = crypt_r(password, hash, room);
	if (made == NULL || made[0] == '*')
		match = AUTH_FAILED;
	else if (strlen(made) == length && auth_hash_same(made, hash, length))
		match = AUTH_MATCHES;
	explicit_bzero(room, sizeof(*room));
	return match;
}
