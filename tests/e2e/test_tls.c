/* SPDX-License-Identifier: MIT */
/* Sessions that outlive their workers, and what follows a reload. */
#include "harness.h"

#include <sys/socket.h>

#include "client.h"
#include "figures.h"
#include "process.h"
#include "secure.h"

enum { CROWD = 24, ROUNDS = 5 };

static double figure(struct server *s, enum metric metric)
{
	struct figures figures;

	figures_read(s, &figures);
	return figures.of[metric];
}

/* In the middle of a message, from one worker to the next. OpenSSL allocates in sessions alone. */
static void sessions__outlive_their_workers(void **state)
{
	struct server *s = secure_start(SECURE_WORKERS, SECURE_LINES);
	struct secure clients[CROWD];

	(void)state;
	for (unsigned i = 0; i < CROWD; i++) {
		secure_open(&clients[i], FIRST(s), secure_wish(i));
		secure_say(&clients[i], "one\ntw");
		secure_hear(&clients[i], ACK "\n");
	}
	for (unsigned round = 0; round < ROUNDS; round++) {
		secure_kill_workers(s, SECURE_WORKERS);
		for (unsigned i = 0; i < CROWD; i++) {
			secure_say(&clients[i], "o\ntw");
			secure_hear(&clients[i], ACK "\n");
		}
	}
	assert_int_equal(server_count(s, "connections_recovered", "in_hand=0"),
			 ROUNDS * SECURE_WORKERS);
	assert_true(figure(s, METRIC_handshakes_total) == CROWD);
	assert_true(figure(s, METRIC_tls_stray_allocations_total) == 0);
	assert_true(figure(s, METRIC_tls_memory_bytes) >= CROWD * 16 * 1024);
	assert_true(figure(s, METRIC_tls_memory_bytes) <= CROWD * 48 * 1024);
	for (unsigned i = 0; i < CROWD; i++)
		secure_close(&clients[i]);
	server_stop(s);
}

/* The first message of the client in two parts, and a death between them, at each place. */
static void handshake__in_parts__outlives_its_worker(void **state)
{
	static const size_t cuts[] = { 1, 5, 6, 43, 100 };
	struct server *s = secure_start(1, SECURE_LINES);
	char hello[4096];

	(void)state;
	for (unsigned i = 0; i < 2 * sizeof(cuts) / sizeof(*cuts); i++) {
		struct secure c;
		size_t length;

		secure_connect(&c, FIRST(s), secure_wish(i));
		length = secure_hello(&c, hello, sizeof(hello));
		client_send(c.fd, hello, cuts[i / 2]);
		server_wait_count(s, i + 1, "connection_opened", NULL);
		secure_kill_workers(s, 1);
		client_send(c.fd, hello + cuts[i / 2], length - cuts[i / 2]);
		secure_shake_hands_by_hand(&c);
		secure_close(&c);
	}
	server_wait_count(s, 2 * sizeof(cuts) / sizeof(*cuts), "handshake_done", NULL);
	server_stop(s);
}

/* One byte in each record (RFC 8446 5.1), as clients behind odd middleboxes send it. */
static void hello__in_many_records__is_understood(void **state)
{
	struct server *s = secure_start(SECURE_WORKERS, SECURE_LINES);
	char hello[4096], record[6];
	struct secure c;
	size_t length;

	(void)state;
	secure_connect(&c, FIRST(s), secure_wish(1));
	length = secure_hello(&c, hello, sizeof(hello));
	memcpy(record, hello, 3);
	record[3] = 0;
	record[4] = 1;
	for (size_t i = 5; i < length; i++) {
		record[5] = hello[i];
		client_send(c.fd, record, sizeof(record));
	}
	secure_shake_hands_by_hand(&c);
	server_wait_event(s, "handshake_done", NULL);
	secure_close(&c);
	server_stop(s);
}

/* A new certificate is in force at once; an old session goes on where it is, and ends well. */
static void reload__shows_the_new_certificate(void **state)
{
	struct server *s = secure_start(SECURE_WORKERS, SECURE_LINES);
	struct secure old, fresh;
	char out[512];

	(void)state;
	secure_open(&old, FIRST(s), secure_wish(1));
	assert_string_equal(secure_common(&old), "site");
	secure_say(&old, "on");
	secure_make_files("renewed");
	if (server_verb(s, "reload", out, sizeof(out)) != 0)
		server_fail(s, "%s", out);
	secure_open(&fresh, FIRST(s), secure_wish(0));
	assert_string_equal(secure_common(&fresh), "renewed");
	secure_say(&fresh, "one\n");
	secure_hear(&fresh, ACK "\n");
	secure_say(&old, "e\n");
	secure_hear(&old, ACK "\n");
	secure_expect_end(&old);
	secure_close(&old);
	secure_close(&fresh);
	server_stop(s);
}

/* A pair that does not fit is refused as a whole, and the server goes on with the last one. */
static void reload__with_another_key__changes_nothing(void **state)
{
	struct server *s = secure_start(SECURE_WORKERS, SECURE_LINES);
	struct secure c;
	char out[1024], path[160], aside[160];

	(void)state;
	snprintf(path, sizeof(path), "%s/site.key", secure_folder);
	snprintf(aside, sizeof(aside), "%s/aside", secure_folder);
	assert_int_equal(rename(path, aside), 0);
	secure_make_files("renewed");
	assert_int_equal(rename(aside, path), 0);
	s->errors[0] = "reload_failed";
	assert_true(figure(s, METRIC_handshakes_failed_total) == 0);
	close(client_connect(FIRST(s)));
	WAIT_UNTIL(s, figure(s, METRIC_handshakes_failed_total) == 1);
	assert_int_equal(server_verb(s, "reload", out, sizeof(out)), 1);
	assert_non_null(strstr(out, "site.key"));
	secure_open(&c, FIRST(s), secure_wish(0));
	assert_string_equal(secure_common(&c), "site");
	secure_close(&c);
	server_stop(s);
}

/* Resumes a session that the server has given; returns whether it could. */
static bool resume(struct server *s, const struct handshaken_wish *wish, SSL_SESSION **session)
{
	struct handshaken_wish again = *wish;
	struct secure c;
	bool is_resumed;

	again.session = *session;
	secure_open(&c, FIRST(s), &again);
	secure_say(&c, "one\n");
	secure_hear(&c, ACK "\n"); /* TLS 1.3: the ticket comes behind the handshake */
	is_resumed = SSL_session_reused(c.ssl);
	if (wish->version == TLS1_3_VERSION && *session) /* each ticket serves once */
		assert_true(SSL_get0_session(c.ssl) != *session);
	SSL_SESSION_free(*session);
	*session = SSL_get1_session(c.ssl);
	(void)SSL_shutdown(c.ssl);
	secure_close(&c);
	return is_resumed;
}

/* By any worker, after a crash and after a reload. */
static void tickets__are_good_everywhere(void **state)
{
	struct server *s = secure_start(SECURE_WORKERS, SECURE_LINES);
	char out[512];

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		SSL_SESSION *session = NULL;

		assert_false(resume(s, secure_wish(i), &session));
		for (unsigned k = 0; k < 10; k++)
			assert_true(resume(s, secure_wish(i), &session));
		secure_kill_workers(s, SECURE_WORKERS);
		assert_true(resume(s, secure_wish(i), &session));
		if (server_verb(s, "reload", out, sizeof(out)) != 0)
			server_fail(s, "%s", out);
		assert_true(resume(s, secure_wish(i), &session));
		SSL_SESSION_free(session);
	}
	assert_true(figure(s, METRIC_handshakes_resumed_total) == 24);
	server_stop(s);
}

/* Bytes that pass from one side to the other in both directions, and the end of each. */
static void streams__pass_through_a_proxy(void **state)
{
	struct server *behind = server_start(&(struct plan){ .listen = { "127.0.0.1:0=echo" } });
	struct server *s;
	struct secure c;
	static char sent[400000], got[sizeof(sent)];
	char lines[512];

	(void)state;
	snprintf(lines, sizeof(lines),
		 "listen \"127.0.0.1:0\" { service = proxy\n to = {\"%s\"}\n tls = \"site\"\n }\n",
		 FIRST(behind));
	s = secure_start(SECURE_WORKERS, lines);
	for (size_t i = 0; i < sizeof(sent); i++)
		sent[i] = (char)(i * 7 + i / 251);
	for (unsigned i = 0; i < 2; i++) {
		size_t put = 0, at = 0;

		secure_open(&c, FIRST(s), secure_wish(i));
		while (at < sizeof(sent)) {
			size_t piece = sizeof(sent) - put < 50000 ? sizeof(sent) - put : 50000;
			int n;

			if (piece > 0)
				assert_int_equal(SSL_write(c.ssl, sent + put, (int)piece), piece);
			put += piece;
			for (; at < put; at += (size_t)n) {
				n = SSL_read(c.ssl, got + at, (int)(put - at));
				assert_true(n > 0);
			}
			if (put % 150000 == 0)
				secure_kill_workers(s, SECURE_WORKERS);
		}
		assert_memory_equal(sent, got, sizeof(sent));
		assert_int_equal(SSL_shutdown(c.ssl), 0);
		secure_expect_end(&c);
		secure_close(&c);
	}
	server_stop(s);
	server_stop(behind);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		E2E(sessions__outlive_their_workers),
		E2E(handshake__in_parts__outlives_its_worker),
		E2E(hello__in_many_records__is_understood),
		E2E(reload__shows_the_new_certificate),
		E2E(reload__with_another_key__changes_nothing),
		E2E(tickets__are_good_everywhere),
		E2E(streams__pass_through_a_proxy),
	};

	return E2E_RUN(tests);
}
