/* SPDX-License-Identifier: MIT */
/* Shared by the tests of contexts. */
#include "unit/handshaken.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <openssl/err.h>
#include <stdio.h>
#include <string.h>

static int last_alert;

static void note_alert(const SSL *ssl, int where, int code)
{
	(void)ssl;
	if ((where & SSL_CB_READ_ALERT) == SSL_CB_READ_ALERT && (code & 0xff) != 0)
		last_alert = code & 0xff;
}

/* The name is put there as it is: SSL_set_tlsext_host_name knows what a text is, no more. */
SSL *handshaken_client(const struct handshaken_wish *wish)
{
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());
	char path[512];
	SSL *client;

	if (wish->version) {
		SSL_CTX_set_min_proto_version(context, wish->version);
		SSL_CTX_set_max_proto_version(context, wish->version);
	}
	if (wish->ciphers)
		assert_int_equal(SSL_CTX_set_cipher_list(context, wish->ciphers), 1);
	if (wish->suite)
		assert_int_equal(SSL_CTX_set_ciphersuites(context, wish->suite), 1);
	if (wish->group)
		assert_int_equal(SSL_CTX_set1_groups_list(context, wish->group), 1);
	if (wish->signatures)
		assert_int_equal(SSL_CTX_set1_sigalgs_list(context, wish->signatures), 1);
	if (wish->identity) {
		snprintf(path, sizeof(path), "%s.pem", wish->identity);
		assert_int_equal(SSL_CTX_use_certificate_chain_file(context, path), 1);
		snprintf(path, sizeof(path), "%s.key", wish->identity);
		assert_int_equal(SSL_CTX_use_PrivateKey_file(context, path, SSL_FILETYPE_PEM), 1);
	}
	client = SSL_new(context);
	SSL_CTX_free(context);
	SSL_set_connect_state(client);
	SSL_set_info_callback(client, note_alert);
	if (wish->name)
		assert_int_equal(SSL_set_tlsext_host_name(client, wish->name), 1);
	if (wish->alpn)
		assert_int_equal(SSL_set_alpn_protos(client, (const uint8_t *)wish->alpn,
						     (unsigned)strlen(wish->alpn)),
				 0);
	if (wish->asks_for_staple)
		SSL_set_tlsext_status_type(client, TLSEXT_STATUSTYPE_ocsp);
	if (wish->session)
		assert_int_equal(SSL_set_session(client, wish->session), 1);
	return client;
}

static bool step(SSL *end)
{
	int code = SSL_do_handshake(end);

	return code == 1 || SSL_get_error(end, code) == SSL_ERROR_WANT_READ;
}

/* With TLS 1.3 the server may refuse what the client has taken for done. */
static bool play(SSL *client, SSL *server)
{
	char byte = 'a';

	for (unsigned i = 0; i < 20; i++) {
		bool is_good = step(client);

		if (!is_good || !step(server)) {
			SSL_read(client, &byte, 1);
			return false;
		}
	}
	return SSL_write(client, &byte, 1) == 1 && SSL_read(server, &byte, 1) == 1 &&
	       SSL_write(server, &byte, 1) == 1 && SSL_read(client, &byte, 1) == 1;
}

static void note_result(SSL *client, SSL *server, struct handshaken *result)
{
	const uint8_t *bytes;
	unsigned length;
	X509 *one = SSL_get1_peer_certificate(client);

	if (one)
		X509_NAME_get_text_by_NID(X509_get_subject_name(one), NID_commonName,
					  result->common, sizeof(result->common));
	X509_free(one);
	SSL_get0_alpn_selected(client, &bytes, &length);
	snprintf(result->alpn, sizeof(result->alpn), "%.*s", (int)length, (const char *)bytes);
	snprintf(result->cipher, sizeof(result->cipher), "%s", SSL_get_cipher_name(client));
	result->version = SSL_version(client);
	result->is_resumed = SSL_session_reused(client) && SSL_session_reused(server);
	result->staple = SSL_get_tlsext_status_ocsp_resp(client, &bytes);
	result->session = SSL_get1_session(client);
}

void handshaken_try(SSL_CTX *context, const struct handshaken_wish *wish, struct handshaken *result)
{
	SSL *client = handshaken_client(wish), *server = SSL_new(context);
	BIO *of_client, *of_server;

	*result = (struct handshaken){ .staple = -1 };
	last_alert = 0;
	SSL_set_accept_state(server);
	assert_int_equal(BIO_new_bio_pair(&of_client, 0, &of_server, 0), 1);
	SSL_set_bio(client, of_client, of_client);
	SSL_set_bio(server, of_server, of_server);
	result->is_good = play(client, server);
	result->alert = last_alert;
	if (result->is_good)
		note_result(client, server, result);
	SSL_shutdown(client);
	SSL_shutdown(server);
	SSL_free(client);
	SSL_free(server);
	ERR_clear_error();
}

void handshaken_pass(SSL_CTX *context, const struct handshaken_wish *wish,
		     struct handshaken *result)
{
	handshaken_try(context, wish, result);
	if (!result->is_good)
		fail_msg("alert %d", result->alert);
	SSL_SESSION_free(result->session);
	result->session = NULL;
}
