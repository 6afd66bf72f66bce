/* SPDX-License-Identifier: MIT */
/* Which hashes are taken, what they cost, and that a password is found right or wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "config/auth_hash.h"

/* All of the password "secret", of the least cost. */
#define BCRYPT   "$2b$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW"
#define YESCRYPT "$y$j75$abcdefgh$uMUXG79B2cFpoAYyDccUnsaH/aGTyBYMlnQidzyag01"
#define SHA256   "$5$abcdefgh$gruCpC7VkOTspMQTTSAR8mtlO9Upms.fwqE5y16JVM."
#define SHA512                                                                            \
	"$6$abcdefgh$ltjgWl6579NluT/Vi1nwEvcil.G5Nbc4NiXZaNGStk8PSwGfQv72N2CKPPrVACtLtip" \
	"/cZ/1GM/O6IND4WQhG."

static const char *const hashes[] = { BCRYPT, YESCRYPT, SHA256, SHA512 };

static void hash__of_each_method__is_taken_and_matches_its_password(void **state)
{
	static struct crypt_data room;
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof(hashes) / sizeof(hashes[0]); i++) {
		if (!auth_hash_check(hashes[i], &err))
			fail_msg("%s: %s", hashes[i], err.text);
		assert_int_equal(auth_hash_match(hashes[i], "secret", &room), AUTH_MATCHES);
		assert_int_equal(auth_hash_match(hashes[i], "Secret", &room), AUTH_DIFFERS);
		assert_int_equal(auth_hash_match(hashes[i], "", &room), AUTH_DIFFERS);
	}
}

static void password__that_is_too_long__differs(void **state)
{
	static char password[AUTH_PASSWORD_MOST + 2];
	static struct crypt_data room;

	(void)state;
	memset(password, 'a', AUTH_PASSWORD_MOST);
	assert_int_equal(auth_hash_match(SHA512, password, &room), AUTH_DIFFERS);
	password[AUTH_PASSWORD_MOST] = 'a';
	assert_int_equal(auth_hash_match(SHA512, password, &room), AUTH_DIFFERS);
}

static void match__leaves_nothing_of_the_password(void **state)
{
	static const struct crypt_data none;
	static struct crypt_data room;

	(void)state;
	auth_hash_match(SHA512, "secret", &room);
	assert_memory_equal(&room, &none, sizeof(room));
}

static void hash_of_bcrypt__of_other_programs__is_taken(void **state)
{
	char hash[] = BCRYPT;
	struct err err;

	(void)state;
	hash[2] = 'y'; /* as htpasswd writes it */
	assert_true(auth_hash_check(hash, &err));
	hash[2] = 'a';
	assert_true(auth_hash_check(hash, &err));
	hash[2] = 'x';
	assert_false(auth_hash_check(hash, &err));
}

static void text__that_is_no_hash__is_refused_and_not_shown(void **state)
{
	static const char *const rows[] = {
		"secret",
		"",
		"$",
		"$6$",
		"$2b$",
		"$2b$04$abcdefghijklmnopqrstuu",
		"$y$j75$abcdefgh$",
		"$apr1$abcdefgh$secret",
		"$1$abcdefgh$secret",
		"{SHA}secret",
		"{PLAIN}secret",
		"$6$abcdefgh$secret",
		BCRYPT "x",
		BCRYPT " ",
		SHA512 "\n",
		SHA256 ":",
		"abJnggxhB/yWI",
	};
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (auth_hash_check(rows[i], &err))
			fail_msg("\"%s\" is taken", rows[i]);
		if (strstr(err.text, "secret") || !strstr(err.text, "openssl passwd -6"))
			fail_msg("\"%s\": %s", rows[i], err.text);
	}
}

static void hash__that_is_cut__is_refused(void **state)
{
	struct err err;
	char cut[AUTH_HASH_MOST];

	(void)state;
	for (size_t i = 0; i < sizeof(hashes) / sizeof(hashes[0]); i++)
		for (size_t n = 0; n < strlen(hashes[i]); n++) {
			memcpy(cut, hashes[i], n);
			cut[n] = '\0';
			if (auth_hash_check(cut, &err))
				fail_msg("\"%s\" is taken", cut);
		}
}

static void cost__is_the_front_of_a_hash(void **state)
{
	(void)state;
	assert_int_equal(auth_hash_cost_length(BCRYPT), strlen("$2b$04$"));
	assert_int_equal(auth_hash_cost_length(YESCRYPT), strlen("$y$j75$"));
	assert_int_equal(auth_hash_cost_length(SHA512), strlen("$6$"));
	assert_int_equal(auth_hash_cost_length("$5$rounds=9000$abcdefgh$x"),
			 strlen("$5$rounds=9000$"));
}

static void same__looks_at_every_byte(void **state)
{
	(void)state;
	assert_true(auth_hash_same("abcd", "abcd", 4));
	assert_true(auth_hash_same("abcd", "abce", 3));
	assert_false(auth_hash_same("abcd", "abce", 4));
	assert_false(auth_hash_same("abcd", "Abcd", 4));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hash__of_each_method__is_taken_and_matches_its_password),
		cmocka_unit_test(password__that_is_too_long__differs),
		cmocka_unit_test(match__leaves_nothing_of_the_password),
		cmocka_unit_test(hash_of_bcrypt__of_other_programs__is_taken),
		cmocka_unit_test(text__that_is_no_hash__is_refused_and_not_shown),
		cmocka_unit_test(hash__that_is_cut__is_refused),
		cmocka_unit_test(cost__is_the_front_of_a_hash),
		cmocka_unit_test(same__looks_at_every_byte),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
