/* SPDX-License-Identifier: MIT */
/* Sessions that outlive their workers, how they end, and what is no session. */
#include "harness.h"

#include <sys/socket.h>

#include "client.h"
#include "figures.h"
#include "process.h"
#include "secure.h"

enum { CROWD = 24, ROUNDS = 5, WORKERS = 2 };

#define LINES "listen \"127.0.0.1:0\" { service = ack\n framing = line\n tls = \"site\"\n }\n"

static const struct handshaken_wish wishes[] = { { .version = TLS1_2_VERSION },
						 { .version = TLS1_3_VERSION } };

static const struct handshaken_wish *wish_of(unsigned i)
{
	return &wishes[i % 2];
}

/* Each worker dies while it waits: then nothing is in hand. */
static void kill_workers(struct server *s, unsigned count)
{
	unsigned ready = server_count(s, "worker_ready", NULL);

	for (unsigned i = 0; i < count; i++) {
		pid_t victim = server_worker(s, i);

		WAIT_UNTIL(s, process_stop_waiting(victim));
		kill(victim, SIGKILL);
	}
	server_wait_count(s, ready + count, "worker_ready", NULL);
}

static double figure(struct server *s, enum metric metric)
{
	struct figures figures;

	figures_read(s, &figures);
	return figures.of[metric];
}

static struct server *start_with(unsigned workers, const char *lines)
{
	char conf[4096];

	secure_make_folder();
	secure_make_files("site");
	snprintf(conf, sizeof(conf), "workers = %u\n%s", workers, secure_conf(lines));
	return server_start(&(struct plan){ .conf = conf });
}

static struct server *start(const char *lines)
{
	return start_with(WORKERS, lines);
}

/* In the middle of a message, from one worker to the next. OpenSSL allocates in sessions alone. */
static void sessions__outlive_their_workers(void **state)
{
	struct server *s = start(LINES);
	struct secure clients[CROWD];

	(void)state;
	for (unsigned i = 0; i < CROWD; i++) {
		secure_open(&clients[i], FIRST(s), wish_of(i));
		secure_say(&clients[i], "one\ntw");
		secure_hear(&clients[i], ACK "\n");
	}
	for (unsigned round = 0; round < ROUNDS; round++) {
		kill_workers(s, WORKERS);
		for (unsigned i = 0; i < CROWD; i++) {
			secure_say(&clients[i], "o\ntw");
			secure_hear(&clients[i], ACK "\n");
		}
	}
	assert_int_equal(server_count(s, "connections_recovered", "in_hand=0"), ROUNDS * WORKERS);
	assert_true(figure(s, METRIC_handshakes_total) == CROWD);
	assert_true(figure(s, METRIC_tls_stray_allocations_total) == 0);
	for (unsigned i = 0; i < CROWD; i++)
		secure_close(&clients[i]);
	server_stop(s);
}

/* The bytes of a whole first flight. */
static size_t make_hello(struct secure *c, char *to, size_t size)
{
	BIO *out = BIO_new(BIO_s_mem()), *in = BIO_new(BIO_s_mem());
	int length;

	BIO_set_mem_eof_return(in, -1);
	SSL_set_bio(c->ssl, in, out);
	(void)SSL_connect(c->ssl);
	length = BIO_read(out, to, (int)size);
	assert_true(length > 100);
	return (size_t)length;
}

/* What waits in the BIO of the client goes to the server, and the other way round. */
static void shake_hands_by_hand(struct secure *c)
{
	char bytes[16384];

	for (;;) {
		bool is_over = SSL_connect(c->ssl) == 1;
		int length = BIO_read(SSL_get_wbio(c->ssl), bytes, sizeof(bytes));

		if (length > 0)
			client_send(c->fd, bytes, (size_t)length);
		if (is_over)
			return;
		length = (int)recv(c->fd, bytes, sizeof(bytes), 0);
		assert_true(length > 0);
		BIO_write(SSL_get_rbio(c->ssl), bytes, length);
	}
}

/* The first message of the client in two parts, and a death between them, at each place. */
static void handshake__in_parts__outlives_its_worker(void **state)
{
	static const size_t cuts[] = { 1, 5, 6, 43, 100 };
	struct server *s = start_with(1, LINES);
	char hello[4096];

	(void)state;
	for (unsigned i = 0; i < 2 * sizeof(cuts) / sizeof(*cuts); i++) {
		struct secure c;
		size_t length;

		secure_connect(&c, FIRST(s), wish_of(i));
		length = make_hello(&c, hello, sizeof(hello));
		client_send(c.fd, hello, cuts[i / 2]);
		server_wait_count(s, i + 1, "connection_opened", NULL);
		kill_workers(s, 1);
		client_send(c.fd, hello + cuts[i / 2], length - cuts[i / 2]);
		shake_hands_by_hand(&c);
		secure_close(&c);
	}
	server_wait_count(s, 2 * sizeof(cuts) / sizeof(*cuts), "handshake_done", NULL);
	server_stop(s);
}

/* One byte in each record (RFC 8446 5.1), as clients behind odd middleboxes send it. */
static void hello__in_many_records__is_understood(void **state)
{
	struct server *s = start(LINES);
	char hello[4096], record[6];
	struct secure c;
	size_t length;

	(void)state;
	secure_connect(&c, FIRST(s), wish_of(1));
	length = make_hello(&c, hello, sizeof(hello));
	memcpy(record, hello, 3);
	record[3] = 0;
	record[4] = 1;
	for (size_t i = 5; i < length; i++) {
		record[5] = hello[i];
		client_send(c.fd, record, sizeof(record));
	}
	shake_hands_by_hand(&c);
	server_wait_event(s, "handshake_done", NULL);
	secure_close(&c);
	server_stop(s);
}

static void plain_request__gets_a_plain_answer(void **state)
{
	struct server *s = start(LINES);
	int fd = client_connect(FIRST(s));
	char text[512];

	(void)state;
	client_say(fd, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
	client_drain(fd, text, sizeof(text));
	close(fd);
	assert_memory_equal(text, "HTTP/1.1 400 ", 13);
	assert_non_null(strstr(text, "https://"));
	server_wait_event(s, "handshake_failed", "reason=\"http request\"");
	server_wait_event(s, "connection_ended", "ending=handshake_failed");
	assert_int_equal(server_count(s, "worker_crashed", NULL), 0);
	server_stop(s);
}

/* What is no handshake, and the alert that it gets; "": the end alone. */
static void rubbish__is_refused_at_once(void **state)
{
	static const char *const rubbish[] = { "SSH-2.0-OpenSSH_9.2p1\r\n", "\x80\x2e\x01\x00\x02",
					       "\x16\x03\x01\x00\x05hello", "\n\n\n\n\n\n\n\n" };
	struct server *s = start(LINES);
	char text[512];

	(void)state;
	for (unsigned i = 0; i < sizeof(rubbish) / sizeof(*rubbish); i++) {
		int fd = client_connect(FIRST(s));

		if (i == 1 || i == 2)
			client_send(fd, rubbish[i], i == 1 ? 5 : 10);
		else
			client_say(fd, rubbish[i]);
		client_half_close(fd);
		(void)client_drain(fd, text, sizeof(text));
		close(fd);
		server_wait_count(s, i + 1, "handshake_failed", NULL);
	}
	server_stop(s);
}

static void silence__ends_after_handshake_timeout(void **state)
{
	struct server *s = start("listen \"127.0.0.1:0\" { service = ack\n tls = \"site\"\n "
				 "handshake_timeout = 200ms\n }\n");
	int fd = client_connect(FIRST(s));

	(void)state;
	client_expect_end(fd);
	close(fd);
	server_wait_event(s, "connection_ended", "ending=handshake_timeout");
	server_stop(s);
}

/* The server says that it ends; an end of the client without a notice is no fault of its own. */
static void ends__are_said__and_told_apart(void **state)
{
	struct server *s =
		start("listen \"127.0.0.1:0\" { service = ack\n tls = \"site\"\n }\n" LINES);
	struct secure c;

	(void)state;
	secure_open(&c, FIRST(s), wish_of(1));
	secure_say(&c, "x");
	client_half_close(c.fd);
	secure_hear(&c, ACK);
	secure_expect_end(&c);
	secure_close(&c);
	server_wait_event(s, "connection_ended", "ending=client_closed");
	server_mark(s);
	secure_open(&c, s->addresses[1], wish_of(0));
	secure_say(&c, "half a li");
	client_half_close(c.fd);
	server_wait_event(s, "connection_ended", "ending=message_incomplete");
	secure_close(&c);
	server_stop(s);
}

/* A new certificate is in force at once; an old session goes on where it is, and ends well. */
static void reload__shows_the_new_certificate(void **state)
{
	struct server *s = start(LINES);
	struct secure old, fresh;
	char out[512];

	(void)state;
	secure_open(&old, FIRST(s), wish_of(1));
	assert_string_equal(secure_common(&old), "site");
	secure_say(&old, "on");
	secure_make_files("renewed");
	if (server_verb(s, "reload", out, sizeof(out)) != 0)
		server_fail(s, "%s", out);
	secure_open(&fresh, FIRST(s), wish_of(0));
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
	struct server *s = start(LINES);
	struct secure c;
	char out[1024], path[160], aside[160];

	(void)state;
	snprintf(path, sizeof(path), "%s/site.key", secure_folder);
	snprintf(aside, sizeof(aside), "%s/aside", secure_folder);
	assert_int_equal(rename(path, aside), 0);
	secure_make_files("renewed");
	assert_int_equal(rename(aside, path), 0);
	s->errors[0] = "reload_failed";
	assert_int_equal(server_verb(s, "reload", out, sizeof(out)), 1);
	assert_non_null(strstr(out, "site.key"));
	secure_open(&c, FIRST(s), wish_of(0));
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
	SSL_SESSION_free(*session);
	*session = SSL_get1_session(c.ssl);
	(void)SSL_shutdown(c.ssl);
	secure_close(&c);
	return is_resumed;
}

/* By any worker, after a crash and after a reload. */
static void tickets__are_good_everywhere(void **state)
{
	struct server *s = start(LINES);
	char out[512];

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		SSL_SESSION *session = NULL;

		assert_false(resume(s, &wishes[i], &session));
		for (unsigned k = 0; k < 10; k++)
			assert_true(resume(s, &wishes[i], &session));
		kill_workers(s, WORKERS);
		assert_true(resume(s, &wishes[i], &session));
		if (server_verb(s, "reload", out, sizeof(out)) != 0)
			server_fail(s, "%s", out);
		assert_true(resume(s, &wishes[i], &session));
		SSL_SESSION_free(session);
	}
	assert_true(figure(s, METRIC_handshakes_resumed_total) == 24);
	server_stop(s);
}

/* A silent client does not hold up a stop, nor does one whose handshake has stopped. */
static void stop__does_not_wait_for_handshakes(void **state)
{
	struct server *s = start(LINES);
	char hello[4096];
	struct secure c;
	int fd;

	(void)state;
	fd = client_connect(FIRST(s));
	secure_connect(&c, FIRST(s), wish_of(1));
	(void)make_hello(&c, hello, sizeof(hello));
	client_send(c.fd, hello, 50);
	server_wait_count(s, 2, "connection_opened", NULL);
	server_signal(s, SIGTERM);
	client_expect_end(fd);
	client_expect_end(c.fd);
	close(fd);
	secure_close(&c);
	server_end(s, 0, 0);
	assert_int_equal(server_count(s, "connection_ended", "ending=drained"), 2);
}

/* The proxy's header comes first, in the clear. */
static void proxy_header__comes_before_the_handshake(void **state)
{
	static const char header[] = "PROXY TCP4 192.0.2.7 192.0.2.1 5555 443\r\n";
	struct server *s = start("listen \"127.0.0.1:0\" { service = ack\n framing = line\n tls = "
				 "\"site\"\n accept_proxy = yes\n trusted = {\"127.0.0.1\"}\n }\n");
	struct secure c;

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		char hello[4096];
		size_t length;

		secure_connect(&c, FIRST(s), wish_of(i));
		length = make_hello(&c, hello + sizeof(header) - 1, sizeof(hello) - sizeof(header));
		memcpy(hello, header, sizeof(header) - 1);
		client_send(c.fd, hello, sizeof(header) - 1 + length);
		shake_hands_by_hand(&c);
		server_wait_event(s, "handshake_done", "remote=192.0.2.7:5555");
		server_mark(s);
		secure_close(&c);
	}
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
	s = start(lines);
	for (size_t i = 0; i < sizeof(sent); i++)
		sent[i] = (char)(i * 7 + i / 251);
	for (unsigned i = 0; i < 2; i++) {
		size_t put = 0, at = 0;

		secure_open(&c, FIRST(s), wish_of(i));
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
				kill_workers(s, WORKERS);
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
		E2E(plain_request__gets_a_plain_answer),
		E2E(rubbish__is_refused_at_once),
		E2E(silence__ends_after_handshake_timeout),
		E2E(ends__are_said__and_told_apart),
		E2E(reload__shows_the_new_certificate),
		E2E(reload__with_another_key__changes_nothing),
		E2E(tickets__are_good_everywhere),
		E2E(stop__does_not_wait_for_handshakes),
		E2E(proxy_header__comes_before_the_handshake),
		E2E(streams__pass_through_a_proxy),
	};

	return E2E_RUN(tests);
}
