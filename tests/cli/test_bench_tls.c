/* SPDX-License-Identifier: MIT */
/* prefork-client bench over TLS: handshakes, resumption, and what counts as an error. */
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "cli/bench_peer.h"
#include "cli/tls_peer.h"
#include "e2e/client.h"
#include "e2e/harness.h"
#include "unit/folder.h"

static char ca[512];

static int set_up(void **state)
{
	snprintf(ca, sizeof(ca), "%s/ca.pem", (const char *)*state);
	return bench_peer_set_up(state);
}

/* Answers one message of 4 bytes on a new connection; returns whether its session was resumed. */
static int echo_once(SSL_CTX *context)
{
	SSL *peer = tls_peer_accept(context, bench_peer_accept());
	int is_resumed = SSL_session_reused(peer);

	tls_peer_hear(peer, "ping");
	tls_peer_say(peer, "ping");
	tls_peer_expect_end(peer);
	tls_peer_end(peer, 1);
	return is_resumed;
}

static void resume_over(void **state, int version, const char *flag, int expected)
{
	SSL_CTX *context = tls_peer_context(*state, "good", version);

	SSL_CTX_set_session_id_context(context, (const unsigned char *)"test", 4);
	BENCH("-c", "1", "-n", "2", "-k", "1", "-m", "ping", "--tls", "--ca", ca,
	      bench_peer_address, flag);
	assert_int_equal(echo_once(context), 0);
	assert_int_equal(echo_once(context), expected);
	bench_peer_assert_counts(CODE_OK, "answers", 2, 0);
	assert_true(bench_peer_value("handshakes") == 2);
	assert_true(bench_peer_value("resumed") == expected);
	assert_true(bench_peer_value("handshake_p50_us") > 0);
	SSL_CTX_free(context);
}

static void connection__with_resume__resumes_the_last_session(void **state)
{
	resume_over(state, TLS1_3_VERSION, "--resume", 1);
}

static void connection__with_resume__resumes_tls_1_2(void **state)
{
	resume_over(state, TLS1_2_VERSION, "--resume", 1);
}

static void connection__without_resume__makes_a_full_handshake(void **state)
{
	resume_over(state, 0, NULL, 0);
}

static void certificate__that_is_not_trusted__ends_the_bench(void **state)
{
	SSL_CTX *context = tls_peer_context(*state, "alone", 0);
	SSL *peer;
	char byte;

	BENCH("-c", "1", "--tls", "--ca", ca, bench_peer_address);
	peer = tls_peer_new(context, bench_peer_accept());
	assert_true(SSL_do_handshake(peer) != 1 || SSL_read(peer, &byte, 1) <= 0);
	client_process_wait(&bench_client);
	assert_int_equal(bench_client.code, CODE_UNAVAILABLE);
	assert_non_null(strstr(bench_client.err,
			       ": the certificate for 127.0.0.1 is not trusted: self-signed "
			       "certificate (--ca FILE trusts its issuer, "));
	tls_peer_end(peer, 0);
	SSL_CTX_free(context);
}

static void answer_until_end(void **state, int notifies, const char *name, int code)
{
	SSL_CTX *context = tls_peer_context(*state, "good", 0);
	SSL *peer;

	BENCH("-c", "1", "-n", "1", "-m", "ping", "-a", "end", "--tls", "--ca", ca,
	      bench_peer_address);
	peer = tls_peer_accept(context, bench_peer_accept());
	tls_peer_hear(peer, "ping");
	tls_peer_say(peer, "yes");
	tls_peer_end(peer, notifies);
	bench_peer_assert_counts(code, name, 1, code == CODE_OK ? 0 : 1);
	SSL_CTX_free(context);
}

static void answer__that_ends_with_close_notify__is_whole(void **state)
{
	answer_until_end(state, 1, "answers", CODE_OK);
}

static void answer__that_ends_without_close_notify__is_an_error(void **state)
{
	answer_until_end(state, 0, "closed", CODE_FAILED);
}

static void record__that_was_changed__is_an_error_of_tls(void **state)
{
	SSL_CTX *context = tls_peer_context(*state, "good", 0);
	SSL *peer;

	BENCH("-c", "1", "-n", "1", "-m", "ping", "--tls", "--ca", ca, bench_peer_address);
	peer = tls_peer_accept(context, bench_peer_accept());
	tls_peer_hear(peer, "ping");
	client_send(SSL_get_fd(peer), "\27\3\3\0\21 sixteen and more", 5 + 17);
	bench_peer_assert_counts(CODE_FAILED, "tls", 1, 1);
	tls_peer_end(peer, 0);
	SSL_CTX_free(context);
}

static void prefork_srv__serves_https_to_a_bench(void **state)
{
	const char *folder = *state;
	char conf[2048], url[256];
	struct server *server;

	snprintf(conf, sizeof(conf),
		 "tls \"a\" { certificate = \"%s/good.pem\"  key = \"%s/good.key\" }\n"
		 "listen \"127.0.0.1:0\" { service = http  root = \"%s\"  tls = \"a\" }\n",
		 folder, folder, folder);
	server = server_start(&(struct plan){ .conf = conf });
	snprintf(url, sizeof(url), "https://%s/ca.pem", FIRST(server));
	BENCH("-c", "8", "-t", "2", "-n", "400", "--ca", ca, url);
	bench_peer_assert_counts(CODE_OK, "answers", 400, 0);
	assert_true(bench_peer_value("handshakes") == 8);
	BENCH("-c", "4", "-n", "40", "-k", "2", "--resume", "--ca", ca, url);
	bench_peer_assert_counts(CODE_OK, "answers", 40, 0);
	assert_true(bench_peer_value("resumed") >= 4);
	server_stop(server);
}

/* Each message, and each answer, is many records, and neither fits the sockets. */
static void big_messages__to_prefork_srv__come_back_whole(void **state)
{
	const char *folder = *state;
	struct server *server;
	char conf[2048];

	snprintf(conf, sizeof(conf),
		 "tls \"a\" { certificate = \"%s/good.pem\"  key = \"%s/good.key\" }\n"
		 "listen \"127.0.0.1:0\" { service = echo  tls = \"a\" }\n",
		 folder, folder);
	server = server_start(&(struct plan){ .conf = conf });
	BENCH("-c", "3", "-n", "6", "-s", "6m", "-f", "length", "--verify", "--tls", "--ca", ca,
	      FIRST(server));
	bench_peer_assert_counts(CODE_OK, "answers", 6, 0);
	server_stop(server);
}

#define TLS_CASE(name) cmocka_unit_test_setup_teardown(name, set_up, bench_peer_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TLS_CASE(connection__with_resume__resumes_the_last_session),
		TLS_CASE(connection__with_resume__resumes_tls_1_2),
		TLS_CASE(connection__without_resume__makes_a_full_handshake),
		TLS_CASE(certificate__that_is_not_trusted__ends_the_bench),
		TLS_CASE(answer__that_ends_with_close_notify__is_whole),
		TLS_CASE(answer__that_ends_without_close_notify__is_an_error),
		TLS_CASE(record__that_was_changed__is_an_error_of_tls),
		TLS_CASE(prefork_srv__serves_https_to_a_bench),
		TLS_CASE(big_messages__to_prefork_srv__come_back_whole),
	};

	return cmocka_run_group_tests(tests, tls_peer_make_files, folder_remove);
}
