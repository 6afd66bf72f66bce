/* SPDX-License-Identifier: MIT */
/* Shared by the tests of TLS. */
#include "unit/certified.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <openssl/evp.h>
#include <openssl/ocsp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "tls/library.h"

enum { PATH = 512, DAY_S = 24 * 60 * 60 };

static FILE *open_file(const char *folder, const char *name, const char *end, const char *mode)
{
	char path[PATH];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s%s", folder, name, end);
	file = fopen(path, mode);
	assert_non_null(file);
	return file;
}

static EVP_PKEY *make_key(enum certified_key kind)
{
	EVP_PKEY *key = kind == CERTIFIED_EC  ? EVP_EC_gen("P-256") :
			kind == CERTIFIED_RSA ? EVP_RSA_gen(2048) :
						EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");

	assert_non_null(key);
	return key;
}

static void add_extension(X509 *one, int nid, const char *value)
{
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

	assert_non_null(extension);
	assert_int_equal(X509_add_ext(one, extension, -1), 1);
	X509_EXTENSION_free(extension);
}

static void sign(X509 *one, EVP_PKEY *key)
{
	bool needs_hash = EVP_PKEY_get_base_id(key) != EVP_PKEY_ED25519;

	assert_true(X509_sign(one, key, needs_hash ? EVP_sha256() : NULL) > 0);
}

static X509 *read_certificate(const char *folder, const char *name)
{
	FILE *file = open_file(folder, name, ".pem", "r");
	X509 *one = PEM_read_X509(file, NULL, NULL, NULL);

	assert_non_null(one);
	fclose(file);
	return one;
}

static EVP_PKEY *read_key(const char *folder, const char *name)
{
	FILE *file = open_file(folder, name, ".key", "r");
	EVP_PKEY *key = PEM_read_PrivateKey(file, NULL, NULL, NULL);

	assert_non_null(key);
	fclose(file);
	return key;
}

static void sign_by(X509 *one, const char *folder, const char *signer)
{
	X509 *ca = read_certificate(folder, signer);
	EVP_PKEY *key = read_key(folder, signer);

	assert_int_equal(X509_set_issuer_name(one, X509_get_subject_name(ca)), 1);
	sign(one, key);
	EVP_PKEY_free(key);
	X509_free(ca);
}

static X509 *make_certificate(const struct certified *wish, EVP_PKEY *key)
{
	static long serial;
	bool is_default = wish->begin_days == 0 && wish->end_days == 0;
	X509 *one = X509_new();
	X509_NAME *name = X509_get_subject_name(one);

	X509_set_version(one, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(one), ++serial);
	X509_gmtime_adj(X509_getm_notBefore(one), (long)wish->begin_days * DAY_S);
	/* half a day more: the test does not know how long it takes */
	X509_gmtime_adj(X509_getm_notAfter(one),
			is_default ? 365L * DAY_S : (long)wish->end_days * DAY_S + DAY_S / 2);
	X509_set_pubkey(one, key);
	if (wish->common)
		X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const uint8_t *)wish->common,
					   -1, -1, 0);
	if (wish->san)
		add_extension(one, NID_subject_alt_name, wish->san);
	if (wish->is_ca)
		add_extension(one, NID_basic_constraints, "critical,CA:TRUE");
	return one;
}

void certified_write(const char *folder, const struct certified *wish)
{
	EVP_PKEY *key;
	X509 *one;
	struct err err;
	FILE *file;

	/* the library must not have allocated anything before it starts */
	if (!tls_library_start(&err))
		fail_msg("%s", err.text);
	key = make_key(wish->key);
	one = make_certificate(wish, key);

	if (wish->signer) {
		sign_by(one, folder, wish->signer);
	} else {
		X509_set_issuer_name(one, X509_get_subject_name(one));
		sign(one, key);
	}
	file = open_file(folder, wish->file, ".pem", "w");
	assert_int_equal(PEM_write_X509(file, one), 1);
	fclose(file);
	file = open_file(folder, wish->file, ".key", "w");
	fchmod(fileno(file), 0600);
	assert_int_equal(PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL), 1);
	fclose(file);
	X509_free(one);
	EVP_PKEY_free(key);
}

void certified_join(const char *folder, const char *file, const char *const *names)
{
	FILE *to = open_file(folder, file, "", "w");

	fchmod(fileno(to), 0600);
	for (size_t i = 0; names[i]; i++) {
		FILE *from = open_file(folder, names[i], "", "r");

		for (int byte; (byte = getc(from)) != EOF;)
			putc(byte, to);
		fclose(from);
	}
	fclose(to);
}

void certified_staple(const char *folder, const char *name, int hours)
{
	X509 *one = read_certificate(folder, name);
	EVP_PKEY *key = read_key(folder, name);
	OCSP_BASICRESP *basic = OCSP_BASICRESP_new();
	ASN1_TIME *begin = X509_gmtime_adj(NULL, -DAY_S);
	ASN1_TIME *end = X509_gmtime_adj(NULL, hours * 3600L);
	OCSP_CERTID *id = OCSP_cert_to_id(EVP_sha1(), one, one);
	OCSP_RESPONSE *response;
	FILE *file = open_file(folder, name, ".der", "w");
	uint8_t *bytes = NULL;
	int size;

	assert_non_null(
		OCSP_basic_add1_status(basic, id, V_OCSP_CERTSTATUS_GOOD, 0, NULL, begin, end));
	assert_int_equal(OCSP_basic_sign(basic, one, key, EVP_sha256(), NULL, 0), 1);
	response = OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic);
	size = i2d_OCSP_RESPONSE(response, &bytes);
	assert_true(size > 0);
	assert_int_equal(fwrite(bytes, 1, (size_t)size, file), size);
	fclose(file);
	OPENSSL_free(bytes);
	OCSP_RESPONSE_free(response);
	OCSP_CERTID_free(id);
	ASN1_TIME_free(begin);
	ASN1_TIME_free(end);
	OCSP_BASICRESP_free(basic);
	EVP_PKEY_free(key);
	X509_free(one);
}
