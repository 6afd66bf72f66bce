/* SPDX-License-Identifier: MIT */
/* prefork-client --tls: handshakes, what it verifies, and what it says when something is wrong. */
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "base/err.h"
#include "cli/client_peer.h"
#include "cli/tls_peer.h"
#include "e2e/client.h"
#include "e2e/harness.h"
#include "unit/folder.h"

static char ca[512];

/* *state stays the folder, which the group has made. */
static int set_up(void **state)
{
	snprintf(ca, sizeof(ca), "%s/ca.pem", (const char *)*state);
	return client_peer_set_up(state);
}

static SSL *serve(void **state, const char *name, int version)
{
	SSL_CTX *context = tls_peer_context(*state, name, version);
	SSL *peer = tls_peer_accept(context, client_peer_accept());

	SSL_CTX_free(context);
	return peer;
}

/* A handshake that the client ends. */
static void refuse(void **state, const char *name)
{
	SSL_CTX *context = tls_peer_context(*state, name, 0);
	int fd = client_peer_accept();
	SSL *peer = tls_peer_new(context, fd);
	char byte;

	/* of TLS 1.3, the server's part is over before the client's alert */
	assert_true(SSL_do_handshake(peer) != 1 || SSL_read(peer, &byte, 1) <= 0);
	tls_peer_end(peer, 0);
	SSL_CTX_free(context);
}

static void assert_trace(const char *part)
{
	if (strstr(client_peer.client.err, part) == NULL)
		fail_msg("not told: %s\n%s", part, client_peer.client.err);
}

static void answer_over(void **state, int version, const char *protocol)
{
	SSL *peer;

	RUN_CLIENT(&client_peer.client, "-v", "--tls", "--ca", ca, client_peer.address, "hello");
	peer = serve(state, "good", version);
	assert_null(SSL_get_servername(peer, TLSEXT_NAMETYPE_host_name));
	tls_peer_hear(peer, "hello");
	tls_peer_say(peer, "yes");
	tls_peer_end(peer, 1);
	client_process_wait(&client_peer.client);
	assert_string_equal(client_peer.client.out, "yes\n");
	assert_int_equal(client_peer.client.code, CODE_OK);
	assert_trace("TLS: full handshake in ");
	assert_trace(protocol);
	assert_trace("TLS: certificate for good.example, 127.0.0.1, ::1\n");
	assert_trace("TLS: certificate issued by CN=ca, valid until 20");
	assert_trace("TLS: the certificate is verified\n");
	assert_trace("TLS: session ticket, which may be resumed within 2h\n");
	assert_trace("recv: close_notify: the peer has closed its side\n");
}

static void message__over_tls_1_3__is_answered(void **state)
{
	answer_over(state, TLS1_3_VERSION, "us: TLSv1.3, TLS_");
}

static void message__over_tls_1_2__is_answered(void **state)
{
	answer_over(state, TLS1_2_VERSION, "us: TLSv1.2, ECDHE-");
}

static void name__of_sni__is_asked_for_and_verified(void **state)
{
	SSL *peer;

	RUN_CLIENT(&client_peer.client, "-v", "--tls", "--ca", ca, "--sni", "other.example",
		   client_peer.address, "hello");
	peer = serve(state, "other", 0);
	assert_string_equal(SSL_get_servername(peer, TLSEXT_NAMETYPE_host_name), "other.example");
	tls_peer_hear(peer, "hello");
	tls_peer_say(peer, "yes");
	tls_peer_expect_end(peer);
	tls_peer_end(peer, 1);
	client_process_wait(&client_peer.client);
	assert_int_equal(client_peer.client.code, CODE_OK);
	assert_trace("TLS: server name asked for: other.example\n");
	assert_trace("TLS: close_notify sent\n");
}

static void certificate__of_an_unknown_issuer__is_refused(void **state)
{
	RUN_CLIENT(&client_peer.client, "--tls", "--ca", ca, client_peer.address, "x");
	refuse(state, "alone");
	client_peer_assert(CODE_UNAVAILABLE, "",
			   "the certificate for 127.0.0.1 is not trusted: self-signed certificate "
			   "(--ca FILE trusts its issuer, --insecure goes on without "
			   "verification)");
}

static void certificate__without_ca__is_checked_against_the_system(void **state)
{
	RUN_CLIENT(&client_peer.client, "--tls", client_peer.address, "x");
	refuse(state, "good");
	client_process_wait(&client_peer.client);
	assert_int_equal(client_peer.client.code, CODE_UNAVAILABLE);
	assert_trace("is not trusted: unable to get local issuer certificate (--ca FILE");
}

static void certificate__of_another_address__is_refused(void **state)
{
	RUN_CLIENT(&client_peer.client, "--tls", "--ca", ca, client_peer.address, "x");
	refuse(state, "other");
	client_peer_assert(CODE_UNAVAILABLE, "",
			   "the certificate is for other.example, not for 127.0.0.1 (--sni NAME "
			   "asks for another name, --insecure goes on without verification)");
}

static void certificate__of_another_name__is_refused(void **state)
{
	RUN_CLIENT(&client_peer.client, "--tls", "--ca", ca, "--sni", "good.example.",
		   client_peer.address, "x");
	refuse(state, "other");
	client_process_wait(&client_peer.client);
	assert_int_equal(client_peer.client.code, CODE_UNAVAILABLE);
	assert_trace("the certificate is for other.example, not for good.example (");
}

static void certificate__that_has_expired__is_refused(void **state)
{
	RUN_CLIENT(&client_peer.client, "--tls", "--ca", ca, client_peer.address, "x");
	refuse(state, "old");
	client_peer_assert(CODE_UNAVAILABLE, "",
			   "the certificate for 127.0.0.1 is not trusted: certificate has expired "
			   "(--insecure goes on without verification)");
}

static void insecure__accepts_any_certificate_and_says_what_is_wrong(void **state)
{
	SSL *peer;

	RUN_CLIENT(&client_peer.client, "-v", "--tls", "--insecure", client_peer.address, "x");
	peer = serve(state, "alone", 0);
	tls_peer_hear(peer, "x");
	tls_peer_say(peer, "yes");
	tls_peer_end(peer, 1);
	client_process_wait(&client_peer.client);
	assert_int_equal(client_peer.client.code, CODE_OK);
	assert_trace(
		"TLS: the certificate is not verified (--insecure): self-signed certificate\n");
}

static int choose_second(SSL *ssl, const unsigned char **chosen, unsigned char *size,
			 const unsigned char *offered, unsigned length, void *owner)
{
	(void)ssl;
	(void)owner;
	assert_int_equal(length, 12);
	assert_memory_equal(offered, "\2h2\10http/1.1", 12);
	*chosen = offered + 4;
	*size = 8;
	return SSL_TLSEXT_ERR_OK;
}

static void alpn__is_offered_in_order_and_the_choice_is_told(void **state)
{
	SSL_CTX *context = tls_peer_context(*state, "good", 0);
	SSL *peer;

	SSL_CTX_set_alpn_select_cb(context, choose_second, NULL);
	RUN_CLIENT(&client_peer.client, "-v", "--tls", "--ca", ca, "--alpn", "h2,http/1.1",
		   client_peer.address, "x");
	peer = tls_peer_accept(context, client_peer_accept());
	tls_peer_hear(peer, "x");
	tls_peer_say(peer, "yes");
	tls_peer_end(peer, 1);
	client_process_wait(&client_peer.client);
	assert_int_equal(client_peer.client.code, CODE_OK);
	assert_trace("TLS: of the protocols h2,http/1.1, the server has chosen http/1.1\n");
	SSL_CTX_free(context);
}

static void server__that_speaks_no_tls__is_told_of(void **state)
{
	char hello[16];
	int fd;

	(void)state;
	RUN_CLIENT(&client_peer.client, "--tls", client_peer.address, "x");
	fd = client_peer_accept();
	assert_int_equal(recv(fd, hello, 1, 0), 1);
	client_say(fd, "HTTP/1.1 400 Bad Request\r\n\r\n");
	client_peer_assert(CODE_UNAVAILABLE, "",
			   "the server does not speak TLS: its answer is no TLS record");
	close(fd);
}

static void server__that_closes_in_the_handshake__is_told_of(void **state)
{
	int fd;

	(void)state;
	RUN_CLIENT(&client_peer.client, "--tls", client_peer.address, "x");
	fd = client_peer_accept();
	client_half_close(fd);
	client_peer_assert(CODE_UNAVAILABLE, "",
			   "the server has closed the connection in the handshake");
	close(fd);
}

static void server__that_is_silent_in_the_handshake__times_out(void **state)
{
	int fd;

	(void)state;
	RUN_CLIENT(&client_peer.client, "--tls", "-w", "0.15", client_peer.address, "x");
	fd = client_peer_accept();
	client_peer_assert(CODE_UNAVAILABLE, "", "the TLS handshake timed out (150ms)");
	close(fd);
}

static void server__that_refuses_by_an_alert__is_told_of(void **state)
{
	SSL_CTX *context = tls_peer_context(*state, "good", TLS1_2_VERSION);
	SSL *peer;

	SSL_CTX_set_cipher_list(context, "DHE-RSA-AES256-SHA256");
	RUN_CLIENT(&client_peer.client, "--tls", client_peer.address, "x");
	peer = tls_peer_new(context, client_peer_accept());
	assert_true(SSL_do_handshake(peer) != 1);
	client_peer_assert(CODE_UNAVAILABLE, "",
			   "the server has sent the alert: handshake failure");
	tls_peer_end(peer, 0);
	SSL_CTX_free(context);
}

static void proxy_header__goes_before_the_handshake(void **state)
{
	SSL_CTX *context = tls_peer_context(*state, "good", 0);
	SSL *peer;
	int fd;

	RUN_CLIENT(&client_peer.client, "-P", "v1,192.0.2.1:7,192.0.2.2:8", "--tls", "--ca", ca,
		   client_peer.address, "x");
	fd = client_peer_accept();
	client_hear(fd, "PROXY TCP4 192.0.2.1 192.0.2.2 7 8\r\n");
	peer = tls_peer_accept(context, fd);
	tls_peer_hear(peer, "x");
	tls_peer_say(peer, "yes");
	tls_peer_end(peer, 1);
	client_peer_assert(CODE_OK, "yes\n", NULL);
	SSL_CTX_free(context);
}

static void prefork_srv__is_a_server_of_tls(void **state)
{
	const char *folder = *state;
	struct server *server;
	char conf[2048];

	snprintf(conf, sizeof(conf),
		 "tls \"a\" { certificate = \"%s/good.pem\"  key = \"%s/good.key\" }\n"
		 "listen \"127.0.0.1:0\" { service = echo  tls = \"a\" }\n",
		 folder, folder);
	server = server_start(&(struct plan){ .conf = conf });
	client_peer.client.input = "hello";
	RUN_CLIENT(&client_peer.client, "-vN", "--tls", "--ca", ca, FIRST(server));
	client_process_wait(&client_peer.client);
	assert_string_equal(client_peer.client.out, "hello");
	assert_int_equal(client_peer.client.code, CODE_OK);
	assert_trace("TLS: the certificate is verified\n");
	assert_trace("recv: close_notify: the peer has closed its side\n");
	server_stop(server);
}

static void flags__that_are_wrong__are_refused(void **state)
{
	static const struct {
		const char *arguments[8];
		const char *message;
	} rows[] = {
		{ { "--insecure", "127.0.0.1", "1" }, "--insecure: goes with --tls" },
		{ { "--alpn", "h2", "127.0.0.1", "1" }, "--alpn: goes with --tls" },
		{ { "--tls", "--alpn", "h2,,x", "127.0.0.1", "1" },
		  "--alpn \"h2,,x\": is no list of protocols such as h2,http/1.1 (of at most 255 "
		  "bytes)" },
		{ { "--tls", "--sni", "", "127.0.0.1", "1" }, "--sni: the value is empty" },
		{ { "--tls", "--insecure", "--ca", "x", "127.0.0.1", "1" },
		  "--ca and --insecure do not go together" },
		{ { "--tls", "--ca", "/none", "127.0.0.1", "1" },
		  "--ca \"/none\": No such file or directory" },
		{ { "--tls", "--ca", "/dev/null", "127.0.0.1", "1" },
		  "--ca \"/dev/null\": holds no certificate in the format PEM" },
		{ { "--tls", "unix:/none", "x" },
		  "--tls on unix:/none: no name is known that the certificate must be for: --sni "
		  "NAME gives one, --insecure goes on without verification" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char message[512];

		snprintf(message, sizeof(message), "prefork-client: %s\n", rows[i].message);
		client_process_reset(&client_peer.client);
		client_process_start(&client_peer.client, rows[i].arguments);
		client_process_wait(&client_peer.client);
		assert_string_equal(client_peer.client.err, message);
		assert_int_equal(client_peer.client.code, CODE_USAGE);
	}
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, client_peer_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(message__over_tls_1_3__is_answered),
		CASE(message__over_tls_1_2__is_answered),
		CASE(name__of_sni__is_asked_for_and_verified),
		CASE(certificate__of_an_unknown_issuer__is_refused),
		CASE(certificate__without_ca__is_checked_against_the_system),
		CASE(certificate__of_another_address__is_refused),
		CASE(certificate__of_another_name__is_refused),
		CASE(certificate__that_has_expired__is_refused),
		CASE(insecure__accepts_any_certificate_and_says_what_is_wrong),
		CASE(alpn__is_offered_in_order_and_the_choice_is_told),
		CASE(server__that_speaks_no_tls__is_told_of),
		CASE(server__that_closes_in_the_handshake__is_told_of),
		CASE(server__that_is_silent_in_the_handshake__times_out),
		CASE(server__that_refuses_by_an_alert__is_told_of),
		CASE(proxy_header__goes_before_the_handshake),
		CASE(prefork_srv__is_a_server_of_tls),
		CASE(flags__that_are_wrong__are_refused),
	};

	return cmocka_run_group_tests(tests, tls_peer_make_files, folder_remove);
}
