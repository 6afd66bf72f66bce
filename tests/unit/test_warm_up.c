/* SPDX-License-Identifier: MIT */
/* After the warm-up, whatever the server's side of a session allocates is freed with it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tls/warm_up.h"
#include "unit/certified.h"
#include "unit/contexts.h"
#include "unit/folder.h"
#include "unit/handshaken.h"

/* Before each block of OpenSSL. */
struct head {
	size_t size;
	bool is_servers;
};
enum { HEAD = 16 };

static bool is_serving;  /* the server's side is at work */
static long servers;     /* blocks that it has allocated, and that are there */
static unsigned counted; /* that it has ever allocated */

static void *take(size_t size, const char *file, int line)
{
	char *block = size > 0 ? malloc(size + HEAD) : NULL;

	(void)file;
	(void)line;
	if (!block)
		return NULL;
	*(struct head *)block = (struct head){ size, is_serving };
	servers += is_serving;
	counted += is_serving;
	return block + HEAD;
}

static void give(void *at, const char *file, int line)
{
	(void)file;
	(void)line;
	if (!at)
		return;
	servers -= ((struct head *)((char *)at - HEAD))->is_servers;
	free((char *)at - HEAD);
}

/* It stays whose it was. */
static void *change(void *at, size_t size, const char *file, int line)
{
	struct head *head = at ? (struct head *)((char *)at - HEAD) : NULL;
	char *more;

	if (!at)
		return take(size, file, line);
	if (size == 0) {
		give(at, file, line);
		return NULL;
	}
	more = realloc(head, size + HEAD);
	if (!more)
		return NULL;
	((struct head *)more)->size = size;
	return more + HEAD;
}

static bool step(SSL *end, bool is_server)
{
	int code;

	is_serving = is_server;
	code = SSL_do_handshake(end);
	code = code == 1 || SSL_get_error(end, code) == SSL_ERROR_WANT_READ;
	is_serving = false;
	return code;
}

static void talk(SSL *client, SSL *server)
{
	char text[64] = "a message";

	for (unsigned i = 0; i < 20; i++)
		if (!step(client, false) || !step(server, true))
			break;
	SSL_write(client, text, sizeof(text));
	is_serving = true;
	SSL_read(server, text, sizeof(text));
	SSL_write(server, text, sizeof(text));
	is_serving = false;
	SSL_read(client, text, sizeof(text));
	SSL_shutdown(client);
	is_serving = true;
	SSL_read(server, text, sizeof(text));
	SSL_shutdown(server);
	is_serving = false;
}

/* The pipe between them is neither's. Returns the client's session. */
static SSL_SESSION *serve(SSL_CTX *context, SSL *client, const char *garbage)
{
	SSL_SESSION *session = NULL;
	BIO *of_client, *of_server;
	SSL *server;

	assert_int_equal(BIO_new_bio_pair(&of_client, 0, &of_server, 0), 1);
	is_serving = true;
	server = SSL_new(context);
	is_serving = false;
	SSL_set_accept_state(server);
	SSL_set_bio(client, of_client, of_client);
	SSL_set_bio(server, of_server, of_server);
	if (garbage) {
		BIO_write(of_client, garbage, (int)strlen(garbage));
		step(server, true);
	} else {
		talk(client, server);
		session = SSL_get1_session(client);
	}
	SSL_free(client);
	is_serving = true;
	SSL_free(server);
	ERR_clear_error();
	is_serving = false;
	return session;
}

static void try_one(SSL_CTX *context, const struct handshaken_wish *wish, const char *garbage,
		    const char *what)
{
	struct handshaken_wish again = *wish;

	again.session = serve(context, handshaken_client(wish), garbage);
	if (servers != 0)
		fail_msg("%ld blocks of \"%s\" are left", servers, what);
	if (again.session && SSL_SESSION_is_resumable(again.session))
		SSL_SESSION_free(serve(context, handshaken_client(&again), NULL));
	if (servers != 0)
		fail_msg("%ld blocks of \"%s\", resumed, are left", servers, what);
	SSL_SESSION_free(again.session);
}

#define TRY(what, ...) try_one(context, &(struct handshaken_wish){ __VA_ARGS__ }, NULL, what)

static void try_version(SSL_CTX *context, const char *folder, int version)
{
	static const char *const kinds[] = { "client", "rsa", "ed" };
	char identity[512];

	TRY("a plain one", .version = version);
	TRY("a name", .version = version, .name = "other.example");
	TRY("a name that none has", .version = version, .name = "none.example");
	TRY("an address", .version = version, .name = "192.0.2.1");
	TRY("a protocol", .version = version, .alpn = "\x02h2");
	TRY("a protocol that is refused", .version = version, .alpn = "\x02hx");
	TRY("a staple", .version = version, .asks_for_staple = true);
	TRY("RSA", .version = version, .signatures = "rsa_pss_rsae_sha256:RSA+SHA256");
	TRY("no kind of key", .version = version, .signatures = "ed448");
	TRY("a certificate that lacks", .version = version, .name = "a.wild.example");
	for (size_t i = 0; i < 3; i++) {
		snprintf(identity, sizeof(identity), "%s/%s", folder, kinds[i]);
		TRY(kinds[i], .version = version, .name = "a.wild.example", .identity = identity);
	}
	for (unsigned i = 0; i < 50; i++)
		TRY("one of many", .version = version,
		    .signatures = "rsa_pss_rsae_sha256:RSA+SHA256");
}

static void try_kinds(SSL_CTX *context)
{
	static const char *const groups[] = { "X25519", "P-256",     "P-384",    "P-521",
					      "X448",   "ffdhe2048", "ffdhe3072" };
	static const char *const suites[] = { "TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384",
					      "TLS_CHACHA20_POLY1305_SHA256" };
	static const char *const ciphers[] = { "ECDHE-ECDSA-AES128-GCM-SHA256",
					       "ECDHE-RSA-AES256-GCM-SHA384",
					       "ECDHE-RSA-CHACHA20-POLY1305", "AES128-SHA" };

	for (size_t i = 0; i < sizeof(groups) / sizeof(*groups); i++) {
		TRY(groups[i], .version = TLS1_3_VERSION, .group = groups[i]);
		TRY(groups[i], .version = TLS1_2_VERSION, .group = groups[i]);
	}
	for (size_t i = 0; i < sizeof(suites) / sizeof(*suites); i++)
		TRY(suites[i], .version = TLS1_3_VERSION, .suite = suites[i]);
	for (size_t i = 0; i < sizeof(ciphers) / sizeof(*ciphers); i++)
		TRY(ciphers[i], .version = TLS1_2_VERSION, .ciphers = ciphers[i]);
	try_one(context, &(struct handshaken_wish){ .name = NULL }, "GET / HTTP/1.1\r\n\r\n",
		"HTTP");
	try_one(context, &(struct handshaken_wish){ .name = NULL }, "\x16\x03\x01\x7f\x7f\x01\x02",
		"garbage");
	try_one(context, &(struct handshaken_wish){ .name = NULL }, "\x80\x2e\x01\x03\x01",
		"SSL 2");
}

static void sessions__after_the_warm_up__leave_nothing_behind(void **state)
{
	struct contexts set;
	SSL_CTX *context;

	certified_staple(*state, "first", 2);
	contexts_open(&set, *state,
		      "tls first { certificate = {\"@/first.pem\", \"@/rsa.pem\"}  key = "
		      "{\"@/first.key\", \"@/rsa.key\"}  alpn = h2  ocsp_staple = \"@/first.der\" "
		      "}\n" SECTION("wild", "wild",
				    "client_verify = yes  client_ca = \"@/ca.pem\" ")
			      SECTION("other", "other", "ciphers = \"ECDHE+AESGCM\" ")
				      LISTEN("{first, wild, other}"));
	context = tls_sites_context(set.sites, 0);
	servers = 0;
	try_version(context, *state, TLS1_2_VERSION);
	try_version(context, *state, TLS1_3_VERSION);
	try_kinds(context);
	is_serving = true;
	for (unsigned i = 0; i < 2 * ERR_NUM_ERRORS; i++)
		ERR_raise_data(ERR_LIB_SSL, ERR_R_INTERNAL_ERROR, "a text of %d characters", 22);
	ERR_clear_error();
	is_serving = false;
	if (servers != 0)
		fail_msg("%ld blocks of errors are left", servers);
	if (counted == 0)
		skip();
	contexts_close(&set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sessions__after_the_warm_up__leave_nothing_behind),
	};

	CRYPTO_set_mem_functions(take, change, give);
	return cmocka_run_group_tests(tests, contexts_make_files, folder_remove);
}
