/* SPDX-License-Identifier: MIT */
/* How sessions end, what comes before them, and what is no session. */
#include "harness.h"

#include "client.h"
#include "secure.h"

static void plain_request__gets_a_plain_answer(void **state)
{
	struct server *s = secure_start(SECURE_WORKERS, SECURE_LINES);
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
	struct server *s = secure_start(SECURE_WORKERS, SECURE_LINES);
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
	struct server *s = secure_start(SECURE_WORKERS,
					"listen \"127.0.0.1:0\" { service = ack\n tls = \"site\"\n "
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
	struct server *s = secure_start(
		SECURE_WORKERS,
		"listen \"127.0.0.1:0\" { service = ack\n tls = \"site\"\n }\n" SECURE_LINES);
	struct secure c;

	(void)state;
	secure_open(&c, FIRST(s), secure_wish(1));
	secure_say(&c, "x");
	client_half_close(c.fd);
	secure_hear(&c, ACK);
	secure_expect_end(&c);
	secure_close(&c);
	server_wait_event(s, "connection_ended", "ending=client_closed");
	server_mark(s);
	secure_open(&c, s->addresses[1], secure_wish(0));
	secure_say(&c, "half a li");
	client_half_close(c.fd);
	server_wait_event(s, "connection_ended", "ending=message_incomplete");
	secure_close(&c);
	server_stop(s);
}

/* A silent client does not hold up a stop, nor does one whose handshake has stopped. */
static void stop__does_not_wait_for_handshakes(void **state)
{
	struct server *s = secure_start(SECURE_WORKERS, SECURE_LINES);
	char hello[4096];
	struct secure c;
	int fd;

	(void)state;
	fd = client_connect(FIRST(s));
	secure_connect(&c, FIRST(s), secure_wish(1));
	(void)secure_hello(&c, hello, sizeof(hello));
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
	struct server *s = secure_start(
		SECURE_WORKERS, "listen \"127.0.0.1:0\" { service = ack\n framing = line\n tls = "
				"\"site\"\n accept_proxy = yes\n trusted = {\"127.0.0.1\"}\n }\n");
	struct secure c;

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		char hello[4096];
		size_t length;

		secure_connect(&c, FIRST(s), secure_wish(i));
		length = secure_hello(&c, hello + sizeof(header) - 1,
				      sizeof(hello) - sizeof(header));
		memcpy(hello, header, sizeof(header) - 1);
		client_send(c.fd, hello, sizeof(header) - 1 + length);
		secure_shake_hands_by_hand(&c);
		server_wait_event(s, "handshake_done", "remote=192.0.2.7:5555");
		server_mark(s);
		secure_close(&c);
	}
	server_stop(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		E2E(plain_request__gets_a_plain_answer),
		E2E(rubbish__is_refused_at_once),
		E2E(silence__ends_after_handshake_timeout),
		E2E(ends__are_said__and_told_apart),
		E2E(stop__does_not_wait_for_handshakes),
		E2E(proxy_header__comes_before_the_handshake),
	};

	return E2E_RUN(tests);
}
