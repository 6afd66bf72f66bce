/* SPDX-License-Identifier: MIT */
/* Plays both ends of a connection. It does not know what is rehearsed for. */
#include "tls/rehearsal.h"

#include <string.h>

enum { ROUNDS_MOST = 32 };

static int take_any(int is_good, X509_STORE_CTX *store)
{
	(void)is_good;
	(void)store;
	return 1;
}

static bool set_cipher(SSL_CTX *client, const struct tls_rehearsal *wish)
{
	if (wish->cipher == NULL)
		return true;
	return wish->version == TLS1_3_VERSION ?
		       SSL_CTX_set_ciphersuites(client, wish->cipher) == 1 :
		       SSL_CTX_set_cipher_list(client, wish->cipher) == 1;
}

static bool set_client(SSL_CTX *client, const struct tls_rehearsal *wish)
{
	SSL_CTX_set_security_level(client, 0);
	if (SSL_CTX_set_min_proto_version(client, wish->version) != 1 ||
	    SSL_CTX_set_max_proto_version(client, wish->version) != 1 || !set_cipher(client, wish))
		return false;
	if (wish->signatures && SSL_CTX_set1_sigalgs_list(client, wish->signatures) != 1)
		return false;
	if (wish->group && SSL_CTX_set1_groups_list(client, wish->group) != 1)
		return false;
	return wish->identity == NULL ||
	       (SSL_CTX_use_certificate(client, wish->identity->certificate) == 1 &&
		SSL_CTX_use_PrivateKey(client, wish->identity->key) == 1);
}

static SSL *open_client(const struct tls_rehearsal *wish)
{
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());
	SSL *client = context && set_client(context, wish) ? SSL_new(context) : NULL;
	const struct tls_site *site = wish->site;

	/* the session has a reference */
	SSL_CTX_free(context);
	if (client == NULL)
		return NULL;
	SSL_set_connect_state(client);
	SSL_set_tlsext_status_type(client, TLSEXT_STATUSTYPE_ocsp);
	if ((wish->name == NULL || SSL_set_tlsext_host_name(client, wish->name) == 1) &&
	    (site->alpn == NULL ||
	     SSL_set_alpn_protos(client, site->alpn, (unsigned)site->alpn_size) == 0) &&
	    (wish->session == NULL || SSL_set_session(client, wish->session) == 1))
		return client;
	SSL_free(client);
	return NULL;
}

static SSL *open_server(const struct tls_rehearsal *wish)
{
	SSL *server = SSL_new(wish->context);

	if (server == NULL)
		return NULL;
	SSL_set_accept_state(server);
	if (SSL_get_verify_mode(server) != SSL_VERIFY_NONE)
		SSL_set_verify(server, SSL_VERIFY_PEER, take_any);
	/* the client's key may be a short one */
	if (wish->identity)
		SSL_set_security_level(server, 0);
	return server;
}

static bool connect_ends(SSL *client, SSL *server)
{
	BIO *of_client, *of_server;

	if (BIO_new_bio_pair(&of_client, 0, &of_server, 0) != 1)
		return false;
	SSL_set_bio(client, of_client, of_client);
	SSL_set_bio(server, of_server, of_server);
	return true;
}

/* One step of one end. False: it has failed for good. */
static bool step(SSL *end)
{
	int code = SSL_do_handshake(end);

	return code == 1 || SSL_get_error(end, code) == SSL_ERROR_WANT_READ;
}

static bool shake_hands(SSL *client, SSL *server)
{
	for (unsigned i = 0; i < ROUNDS_MOST; i++) {
		if (!step(client) || !step(server))
			return false;
		if (SSL_is_init_finished(client) && SSL_is_init_finished(server))
			return true;
	}
	return false;
}

static bool pass(SSL *from, SSL *to)
{
	static const char message[] = "a message";
	char got[sizeof(message)];

	return SSL_write(from, message, sizeof(message)) == (int)sizeof(message) &&
	       SSL_read(to, got, sizeof(got)) == (int)sizeof(got) &&
	       memcmp(got, message, sizeof(message)) == 0;
}

static bool play(SSL *client, SSL *server, SSL_SESSION **session)
{
	/* the tickets of TLS 1.3 come before the server's message */
	if (!connect_ends(client, server) || !shake_hands(client, server) ||
	    !pass(client, server) || !pass(server, client))
		return false;
	if (session)
		*session = SSL_get1_session(client);
	SSL_shutdown(client);
	SSL_shutdown(server);
	SSL_shutdown(client);
	return true;
}

bool tls_rehearse(const struct tls_rehearsal *wish, SSL_SESSION **session)
{
	SSL *client = open_client(wish), *server = open_server(wish);
	bool is_good;

	if (session)
		*session = NULL;
	is_good = client && server && play(client, server, session);
	SSL_free(client);
	SSL_free(server);
	return is_good;
}
