/* SPDX-License-Identifier: MIT */
/*
 * Long messages that are on their way when their connection moves to another worker, and limits
 * that a reload changes meanwhile: they apply from the next message.
 */
#include "harness.h"

#include <poll.h>
#include <sys/socket.h>

#include "client.h"
#include "figures.h"
#include "traffic.h"

#define CONF(options) "workers = 2\nlisten \"127.0.0.1:0\" { " options " }\n"

/* A client that sends a long stream, and receives one, a part at a time. */
struct stream {
	int fd;
	uint64_t to_send, sent, got; /* bytes */
};

enum { PART = 65536, RELOADS = 10 };

/* The bytes of the stream from that place on: the number of each word. */
static void number_bytes(uint8_t *bytes, uint64_t at, size_t n)
{
	for (size_t i = 0; i < n; i++)
		bytes[i] = (uint8_t)((at + i) / 8 >> 8 * ((at + i) % 8));
}

static void send_part(struct stream *s, uint64_t to)
{
	uint8_t bytes[PART];
	size_t n = to - s->sent < PART ? (size_t)(to - s->sent) : PART;
	ssize_t sent;

	number_bytes(bytes, s->sent, n);
	sent = n > 0 ? send(s->fd, bytes, n, MSG_DONTWAIT | MSG_NOSIGNAL) : 0;
	assert_true(sent >= 0 || errno == EAGAIN);
	s->sent += sent > 0 ? (uint64_t)sent : 0;
}

static void receive_part(struct stream *s, uint64_t to)
{
	uint8_t bytes[PART], wanted[PART];
	size_t n = to - s->got < PART ? (size_t)(to - s->got) : PART;
	ssize_t got = n > 0 ? recv(s->fd, bytes, n, MSG_DONTWAIT) : 0;

	if (n == 0 || (got < 0 && errno == EAGAIN))
		return;
	assert_true(got > 0);
	number_bytes(wanted, s->got, (size_t)got);
	assert_memory_equal(bytes, wanted, (size_t)got);
	s->got += (uint64_t)got;
}

static bool has_sent(struct stream *s, uint64_t to)
{
	send_part(s, to);
	return s->sent == to;
}

static bool has_echoed(struct stream *s, uint64_t to)
{
	send_part(s, s->to_send);
	receive_part(s, to);
	return s->got == to;
}

static void reload(struct server *s)
{
	char said[512];

	if (server_verb(s, "reload", said, sizeof(said)) != 0 ||
	    !strstr(said, " 1 connection moved\n"))
		server_fail(s, "-s reload: %s", said);
}

/* The server has sent what the client's side takes, and waits, at each second reload. */
static void echo__of_64_MiB__goes_on_through_reloads(void **state)
{
	struct server *s = server_start(&(struct plan){ .conf = CONF("service = echo") });
	struct stream stream = { .fd = client_connect(FIRST(s)), .to_send = 64 << 20 };
	struct traffic_verb verb;
	struct traffic *none = traffic_new(s);

	(void)state;
	for (unsigned i = 1; i <= RELOADS; i++) {
		uint64_t to = stream.to_send / (RELOADS + 1) * i;

		if (i % 2 == 0)
			reload(s);
		else
			traffic_begin_verb(none, "reload", &verb);
		WAIT_UNTIL(s, has_echoed(&stream, to));
		if (i % 2 != 0 && traffic_end_verb(none, &verb) != 0)
			server_fail(s, "-s reload: %s", verb.said);
	}
	WAIT_UNTIL(s, has_echoed(&stream, stream.to_send));
	traffic_close(none);
	close(stream.fd);
	server_stop(s);
}

static void message__of_10_MB__goes_on_through_reloads(void **state)
{
	static const uint8_t head[] = { 0, 10000000 >> 16, 10000000 >> 8 & 0xff, 10000000 & 0xff };
	struct server *s =
		server_start(&(struct plan){ .conf = CONF("service = ack\n framing = length\n"
							  " max_message = 16m\n reply = ok\n") });
	struct stream stream = { .fd = client_connect(FIRST(s)), .to_send = 10000000 };

	(void)state;
	client_send(stream.fd, head, 2);
	reload(s); /* even within the header */
	client_send(stream.fd, head + 2, 2);
	for (unsigned i = 1; i <= RELOADS; i++) {
		uint64_t to = stream.to_send / (RELOADS + 1) * i;

		WAIT_UNTIL(s, has_sent(&stream, to));
		reload(s);
	}
	WAIT_UNTIL(s, has_sent(&stream, stream.to_send));
	client_expect(stream.fd, "\0\0\0\2ok", 6);
	client_say(stream.fd, "more");
	close(stream.fd);
	server_stop(s);
}

#define LIMITS(options) CONF("service = ack\n framing = line\n reply = ok\n" options)

static double bytes_in(struct server *s)
{
	struct figures now;

	figures_read(s, &now);
	return now.of[METRIC_bytes_in_total];
}

/* Says a part of a message, and waits until the server has it. */
static void say_part(struct server *s, int fd, const char *part)
{
	double before = bytes_in(s);

	client_say(fd, part);
	WAIT_UNTIL(s, bytes_in(s) == before + (double)strlen(part));
}

/* A client in the middle of its message. */
static int begin_message(struct server *s, const char *part)
{
	int fd = client_connect(FIRST(s));

	client_say(fd, "first\n");
	client_hear(fd, "ok\n");
	say_part(s, fd, part);
	return fd;
}

static void apply(struct server *s, const char *conf)
{
	server_configure(s, conf);
	reload(s);
}

static void max_message__made_smaller__applies_from_the_next_message(void **state)
{
	struct server *s = server_start(&(struct plan){ .conf = LIMITS("max_message = 64\n") });
	int fd = begin_message(s, "twenty bytes are more");

	(void)state;
	apply(s, LIMITS("max_message = 10\n"));
	client_say(fd, " than ten\n");
	client_hear(fd, "ok\n");
	client_say(fd, "ten bytes.\n");
	client_hear(fd, "ok\n");
	client_say(fd, "eleven bytes");
	client_expect_end(fd);
	close(fd);
	server_wait_event(s, "connection_ended", "ending=message_too_long");
	server_stop(s);
}

/* Waits until the server ends a message that began under the options of now. */
static void wait_for_a_timeout(struct server *s)
{
	int fd = begin_message(s, "a part");

	client_expect_end(fd);
	close(fd);
}

static void message_timeout__made_shorter__applies_from_the_next_message(void **state)
{
	struct server *s =
		server_start(&(struct plan){ .conf = LIMITS("message_timeout = 30s\n") });
	int fd = begin_message(s, "one"), other = begin_message(s, "on");

	(void)state;
	server_configure(s, LIMITS("message_timeout = 200ms\n"));
	server_signal(s, SIGHUP);
	server_wait_event(s, "reload_finished", "moved=2");
	say_part(s, other, "e more"); /* of the same message */
	wait_for_a_timeout(s);
	client_say(fd, " message\n");
	client_hear(fd, "ok\n");
	client_say(other, " message\n");
	client_hear(other, "ok\n");
	client_say(fd, "the next one");
	client_say(other, "the next one");
	client_expect_end(fd);
	client_expect_end(other);
	close(fd);
	close(other);
	server_wait_count(s, 3, "connection_ended", "ending=message_timeout");
	server_stop(s);
}

static void idle_timeout__made_shorter__applies_from_the_next_message(void **state)
{
	struct server *s = server_start(&(struct plan){ .conf = LIMITS("idle_timeout = 5m\n") });
	int fd = begin_message(s, ""), fresh;

	(void)state;
	apply(s, LIMITS("idle_timeout = 200ms\n"));
	fresh = begin_message(s, "");
	client_expect_end(fresh);
	close(fresh);
	client_say(fd, "second\n");
	client_hear(fd, "ok\n");
	client_expect_end(fd);
	close(fd);
	server_wait_count(s, 2, "connection_ended", "ending=idle_timeout");
	server_stop(s);
}

/* A limit that did not hold before does not hold for the message in progress either. */
static void limits__set_where_there_were_none__apply_from_the_next_message(void **state)
{
	struct server *s = server_start(
		&(struct plan){ .conf = LIMITS("message_timeout = off\n idle_timeout = off\n") });
	int fd = begin_message(s, "one");

	(void)state;
	apply(s, LIMITS("message_timeout = 200ms\n idle_timeout = 200ms\n"));
	say_part(s, fd, " mess");
	wait_for_a_timeout(s);
	reload(s); /* the second move keeps what the first one noted */
	wait_for_a_timeout(s);
	client_say(fd, "age\n");
	client_hear(fd, "ok\n");
	client_expect_end(fd);
	close(fd);
	server_stop(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		E2E(echo__of_64_MiB__goes_on_through_reloads),
		E2E(message__of_10_MB__goes_on_through_reloads),
		E2E(max_message__made_smaller__applies_from_the_next_message),
		E2E(message_timeout__made_shorter__applies_from_the_next_message),
		E2E(idle_timeout__made_shorter__applies_from_the_next_message),
		E2E(limits__set_where_there_were_none__apply_from_the_next_message),
	};

	return E2E_RUN(tests);
}
