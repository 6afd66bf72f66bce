/* SPDX-License-Identifier: MIT */
#include "unit/tls_client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <string.h>

static X509 *sign(EVP_PKEY *key)
{
	X509 *certificate = X509_new();
	X509_NAME *name = X509_get_subject_name(certificate);

	assert_non_null(certificate);
	ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
	X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
	X509_gmtime_adj(X509_getm_notAfter(certificate), 30L * 24 * 3600);
	X509_set_pubkey(certificate, key);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"localhost", -1,
				   -1, 0);
	X509_set_issuer_name(certificate, name);
	assert_true(X509_sign(certificate, key, EVP_sha256()) > 0);
	return certificate;
}

SSL_CTX *tls_client_server_context(void)
{
	SSL_CTX *context = SSL_CTX_new(TLS_server_method());
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *certificate = sign(key);

	SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
					  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_read_ahead(context, 1);
	assert_int_equal(SSL_CTX_use_certificate(context, certificate), 1);
	assert_int_equal(SSL_CTX_use_PrivateKey(context, key), 1);
	X509_free(certificate);
	EVP_PKEY_free(key);
	return context;
}

SSL *tls_client_new(int fd, int version)
{
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());
	SSL *client;

	SSL_CTX_set_min_proto_version(context, version);
	SSL_CTX_set_max_proto_version(context, version);
	client = SSL_new(context);
	SSL_CTX_free(context);
	SSL_set_fd(client, fd);
	SSL_set_connect_state(client);
	return client;
}

size_t tls_client_read(SSL *client, char *to, size_t size)
{
	size_t got = 0;
	int result = SSL_read_ex(client, to, size, &got);

	if (result != 1)
		assert_int_equal(SSL_get_error(client, result), SSL_ERROR_WANT_READ);
	return got;
}

void tls_client_write(SSL *client, const char *text)
{
	size_t put = 0;

	assert_int_equal(SSL_write_ex(client, text, strlen(text), &put), 1);
	assert_int_equal(put, strlen(text));
}

void tls_client_warm(SSL_CTX *context, int version)
{
	SSL *client = tls_client_new(-1, version), *server = SSL_new(context);
	BIO *one, *other;
	char got[10];

	assert_int_equal(BIO_new_bio_pair(&one, 0, &other, 0), 1);
	SSL_set_bio(client, one, one);
	SSL_set_bio(server, other, other);
	SSL_set_accept_state(server);
	for (unsigned i = 0; i < 10; i++) {
		(void)SSL_do_handshake(client);
		(void)SSL_do_handshake(server);
	}
	tls_client_write(client, "x");
	(void)tls_client_read(server, got, sizeof(got));
	tls_client_write(server, "y");
	(void)tls_client_read(client, got, sizeof(got));
	SSL_shutdown(client);
	SSL_shutdown(server);
	SSL_free(client);
	SSL_free(server);
}
