/* SPDX-License-Identifier: MIT */
/* Certificates, chains and keys: what is read, refused, and warned of. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <openssl/pem.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "config/conf_tls.h"
#include "tls/certificate.h"
#include "unit/certified.h"
#include "unit/configured.h"
#include "unit/folder.h"

/* A section of these files in the folder; chain may be NULL. */
static struct conf *load(const char *folder, const char *certificate, const char *key,
			 const char *chain)
{
	char text[2048], more[512] = "";

	if (chain)
		snprintf(more, sizeof(more), "chain = \"%s/%s\"", folder, chain);
	snprintf(text, sizeof(text),
		 "tls a { certificate = \"%s/%s\"  key = \"%s/%s\"  %s }\n"
		 "listen 1 { service = echo  tls = a }\n",
		 folder, certificate, folder, key, more);
	return configured_load_good(folder, text);
}

static void refuse(const char *folder, const char *certificate, const char *key, const char *why)
{
	struct conf *conf = load(folder, certificate, key, NULL);
	struct tls_certificate one;
	struct err err;

	assert_false(tls_certificate_read(&conf->tls[0], 0, &one, &err));
	if (!strstr(err.text, why))
		fail_msg("%s", err.text);
	assert_true(strncmp(err.text, "x.conf:1: tls.", 14) == 0);
	conf_free(conf);
}

static void pairs__are_read_with_their_chain_and_names(void **state)
{
	static const char *const bundle[] = { "site.key", "site.pem", "middle.pem", NULL };
	struct tls_certificate one;
	struct conf *conf;
	struct err err;

	certified_join(*state, "bundle", bundle);
	conf = load(*state, "bundle", "bundle", NULL);
	if (!tls_certificate_read(&conf->tls[0], 0, &one, &err))
		fail_msg("%s", err.text);
	assert_int_equal(sk_X509_num(one.chain), 1);
	assert_int_equal(one.names.count, 2);
	assert_true(tls_names_has(&one.names, "www.example"));
	assert_true(tls_names_has(&one.names, "*.example"));
	assert_false(tls_names_has(&one.names, "common.example"));
	assert_true(one.has_addresses);
	assert_true(one.not_after > time(NULL) && one.not_before <= time(NULL));
	tls_certificate_free(&one);
	conf_free(conf);
	conf = load(*state, "site.pem", "site.key", "middle.pem");
	assert_true(tls_certificate_read(&conf->tls[0], 0, &one, &err));
	assert_int_equal(sk_X509_num(one.chain), 1);
	tls_certificate_free(&one);
	conf_free(conf);
}

static void common_name__counts_only_without_alternative_names(void **state)
{
	struct conf *conf = load(*state, "old.pem", "old.key", NULL);
	struct tls_certificate one;
	struct err err;

	assert_true(tls_certificate_read(&conf->tls[0], 0, &one, &err));
	assert_int_equal(one.names.count, 1);
	assert_true(tls_names_has(&one.names, "old.example"));
	tls_certificate_free(&one);
	conf_free(conf);
}

static void files__that_are_wrong__are_refused_with_what_is_wrong(void **state)
{
	static const char *const reversed[] = { "middle.pem", "site.pem", NULL };
	static const char damaged[] = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END "
				      "CERTIFICATE-----\n";
	static const char secret[] = "-----BEGIN ENCRYPTED PRIVATE KEY-----\n"
				     "MIHsMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAg=\n"
				     "-----END ENCRYPTED PRIVATE KEY-----\n";

	certified_join(*state, "reversed", reversed);
	folder_write(*state, "empty", "");
	folder_write(*state, "damaged", damaged);
	folder_write(*state, "secret", secret);
	refuse(*state, "none", "site.key", "/none\" cannot be opened: No such file");
	refuse(*state, "site.pem", "none", "/none\" cannot be opened: No such file");
	refuse(*state, ".", "site.key", "is not a regular file");
	refuse(*state, "empty", "site.key", "/empty\" has no certificate (PEM");
	refuse(*state, "site.pem", "empty", "/empty\" has no private key (PEM");
	refuse(*state, "damaged", "site.key", "/damaged\": certificate 1 is damaged: ");
	refuse(*state, "site.pem", "site.pem", "has no private key");
	refuse(*state, "site.pem", "old.key", "was only one of them replaced?");
	refuse(*state, "reversed", "site.key", "(put that one first)");
}

/* The question would go to the terminal. */
static void key__with_a_passphrase__is_refused_without_a_question(void **state)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	char path[512];
	FILE *file;

	snprintf(path, sizeof(path), "%s/locked.key", (char *)*state);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(PEM_write_PrivateKey(file, key, EVP_aes_256_cbc(), NULL, 0, NULL, "x"), 1);
	fclose(file);
	EVP_PKEY_free(key);
	refuse(*state, "site.pem", "locked.key", "has a passphrase");
}

/* The wait before the next look: now the file is there. */
static struct replacing {
	const char *from, *to;
} replacing;

int __wrap_poll(struct pollfd *fds, nfds_t count, int timeout_ms);
int __wrap_poll(struct pollfd *fds, nfds_t count, int timeout_ms)
{
	(void)fds;
	(void)count;
	(void)timeout_ms;
	if (replacing.from)
		assert_int_equal(rename(replacing.from, replacing.to), 0);
	return 0;
}

static void pair__that_is_being_replaced__is_read_once_more(void **state)
{
	struct conf *conf = load(*state, "new.pem", "new.key", NULL);
	struct tls_certificate one;
	struct err err;
	char from[512], to[512];

	/* the certificate of the new pair, with the key of the old one */
	certified_write(*state, &(struct certified){ .file = "new", .san = "DNS:other.example" });
	certified_write(*state, &(struct certified){ .file = "late", .san = "DNS:new.example" });
	snprintf(to, sizeof(to), "%s/new.pem", (char *)*state);
	snprintf(from, sizeof(from), "%s/late.pem", (char *)*state);
	assert_int_equal(rename(from, to), 0);
	snprintf(to, sizeof(to), "%s/new.key", (char *)*state);
	snprintf(from, sizeof(from), "%s/late.key", (char *)*state);
	replacing = (struct replacing){ from, to };
	if (!tls_certificate_read(&conf->tls[0], 0, &one, &err))
		fail_msg("%s", err.text);
	replacing = (struct replacing){ NULL, NULL };
	assert_true(tls_names_has(&one.names, "new.example"));
	tls_certificate_free(&one);
	conf_free(conf);
}

static char told[4][1024];
static size_t told_count;

static void note(void *context, const char *text)
{
	(void)context;
	assert_true(told_count < 4);
	snprintf(told[told_count++], sizeof(told[0]), "%s", text);
}

/* All warnings of the pair; each has its part. */
static void expect(const char *folder, const char *certificate, const char *key, const char *chain,
		   const char *const *parts)
{
	static const struct tls_warner warner = { .tell = note };
	struct conf *conf = load(folder, certificate, key, chain);
	struct tls_certificate one;
	struct err err;
	size_t count = 0;

	told_count = 0;
	if (!tls_certificate_read(&conf->tls[0], 0, &one, &err))
		fail_msg("%s", err.text);
	tls_certificate_warn(&conf->tls[0], 0, &one, time(NULL), &warner);
	for (; parts[count]; count++)
		if (count >= told_count || !strstr(told[count], parts[count]))
			fail_msg("%s: %s", certificate, told_count > count ? told[count] : "none");
	assert_int_equal(told_count, count);
	tls_certificate_free(&one);
	conf_free(conf);
}

#define EXPECT(certificate, key, chain, ...) \
	expect(*state, certificate, key, chain, (const char *const[]){ __VA_ARGS__, NULL })

static void warnings__tell_of_times_order_and_modes(void **state)
{
	static const char *const wrong[] = { "middle.pem", "old.pem", NULL };
	char path[512];

	certified_join(*state, "wrong", wrong);
	certified_write(*state,
			&(struct certified){
				.file = "gone", .san = "DNS:a", .begin_days = -9, .end_days = -4 });
	certified_write(*state,
			&(struct certified){ .file = "soon", .san = "DNS:a", .end_days = 13 });
	certified_write(*state,
			&(struct certified){ .file = "fine", .san = "DNS:a", .end_days = 15 });
	certified_write(*state,
			&(struct certified){
				.file = "early", .san = "DNS:a", .begin_days = 2, .end_days = 99 });
	expect(*state, "fine.pem", "fine.key", NULL, (const char *const[]){ NULL });
	expect(*state, "site.pem", "site.key", "middle.pem", (const char *const[]){ NULL });
	EXPECT("gone.pem", "gone.key", NULL, "expired 3 days ago: clients refuse it (renew it)");
	EXPECT("soon.pem", "soon.key", NULL, "expires in 13 days (renew it)");
	EXPECT("early.pem", "early.key", NULL, "is not valid yet");
	EXPECT("site.pem", "site.key", "wrong",
	       "not in order: \"/CN=old.example\" has not signed the certificate before it");
	snprintf(path, sizeof(path), "%s/fine.key", (char *)*state);
	assert_int_equal(chmod(path, 0640), 0);
	EXPECT("fine.pem", "fine.key", NULL, "a group may read");
	assert_int_equal(chmod(path, 0644), 0);
	EXPECT("fine.pem", "fine.key", NULL, "every user may read");
	assert_int_equal(chmod(path, 0666), 0);
	EXPECT("fine.pem", "fine.key", NULL, "every user may change");
}

static int make_files(void **state)
{
	if (folder_make(state) != 0)
		return -1;
	certified_write(*state,
			&(struct certified){ .file = "root", .common = "root", .is_ca = true });
	certified_write(*state, &(struct certified){ .file = "middle",
						     .common = "middle",
						     .signer = "root",
						     .is_ca = true });
	certified_write(*state, &(struct certified){ .file = "site",
						     .common = "common.example",
						     .san = "DNS:WWW.example,DNS:*.example,IP:::1",
						     .signer = "middle" });
	certified_write(*state, &(struct certified){ .file = "old",
						     .common = "old.example",
						     .key = CERTIFIED_RSA });
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pairs__are_read_with_their_chain_and_names),
		cmocka_unit_test(common_name__counts_only_without_alternative_names),
		cmocka_unit_test(files__that_are_wrong__are_refused_with_what_is_wrong),
		cmocka_unit_test(key__with_a_passphrase__is_refused_without_a_question),
		cmocka_unit_test(pair__that_is_being_replaced__is_read_once_more),
		cmocka_unit_test(warnings__tell_of_times_order_and_modes),
	};

	return cmocka_run_group_tests(tests, make_files, folder_remove);
}
