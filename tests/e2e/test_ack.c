/* SPDX-License-Identifier: MIT */
/* ack: every framing, with messages in pieces, in one piece, cut off and too long. */
#include "harness.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "client.h"
#include "process.h"

#define LINE   "127.0.0.1:0=ack,framing=line,max_message=64"
#define LENGTH "127.0.0.1:0=ack,framing=length,max_message=64"

static const char framed_ack[] = "\0\0\0\017" ACK; /* fifteen bytes of UTF-8 */
enum { FRAMED = sizeof(framed_ack) - 1 };

/* A client each of whose sends leaves at once. */
static int connect_nodelay(const struct server *s)
{
	int fd = client_connect(FIRST(s)), on = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	return fd;
}

static void raw__each_message__gets_the_bare_reply(void **state)
{
	struct server *s = server_start(&(struct plan){ 0 });
	int fd = client_connect(FIRST(s));

	(void)state;
	for (int i = 0; i < 10; i++) {
		client_say(fd, "I am client");
		client_hear(fd, ACK);
	}
	client_half_close(fd);
	client_expect_end(fd);
	close(fd);
	server_stop(s);
}

static void raw__message_and_end_together__are_answered(void **state)
{
	struct server *s = server_start(&(struct plan){ 0 });

	(void)state;
	for (int i = 0; i < 20; i++) {
		int fd = client_connect(FIRST(s));

		client_say(fd, "I am client");
		client_half_close(fd);
		client_hear(fd, ACK);
		client_expect_end(fd);
		close(fd);
	}
	server_stop(s);
}

static void reply__of_the_listener__is_given(void **state)
{
	struct server *s =
		server_start(&(struct plan){ .listen = { "127.0.0.1:0=ack,reply=got it" } });

	(void)state;
	client_ask(FIRST(s), "x", "got it");
	server_stop(s);
}

static void line__byte_by_byte__is_put_together(void **state)
{
	static const char text[] = "one\r\n\ntwo and more\n";
	struct server *s = server_start(&(struct plan){ .listen = { LINE } });
	int fd = connect_nodelay(s);

	(void)state;
	for (const char *at = text; *at; at++) {
		client_send(fd, at, 1);
		if (*at == '\n')
			client_hear(fd, ACK "\n");
	}
	client_half_close(fd);
	client_expect_end(fd);
	close(fd);
	server_stop(s);
}

static void line__split_at_every_place__is_answered_once_each(void **state)
{
	static const char text[] = "first\nsecond\r\nthird\n";
	struct server *s = server_start(&(struct plan){ .listen = { LINE } });

	(void)state;
	for (size_t split = 1; split < sizeof(text) - 1; split++) {
		int fd = connect_nodelay(s);

		client_send(fd, text, split);
		client_send(fd, text + split, sizeof(text) - 1 - split);
		client_half_close(fd);
		client_hear(fd, ACK "\n" ACK "\n" ACK "\n");
		client_expect_end(fd);
		close(fd);
	}
	server_stop(s);
}

static void line__many_glued__are_all_answered(void **state)
{
	enum { MESSAGES = 20000 };
	struct server *s = server_start(&(struct plan){ .listen = { LINE } });
	char *text = malloc(MESSAGES * 2);
	int fd = client_connect(FIRST(s));
	pid_t writer;

	(void)state;
	for (int i = 0; i < MESSAGES; i++)
		memcpy(text + i * 2, "x\n", 2);
	writer = fork();
	if (writer == 0) {
		client_send(fd, text, MESSAGES * 2);
		client_half_close(fd);
		_exit(0);
	}
	for (int i = 0; i < MESSAGES; i++)
		client_hear(fd, ACK "\n");
	client_expect_end(fd);
	WAIT_UNTIL(s, !process_lives(writer));
	process_reap(writer);
	close(fd);
	free(text);
	server_stop(s);
}

static void line__cut_off_by_the_end__is_incomplete(void **state)
{
	struct server *s = server_start(&(struct plan){ .listen = { LINE } });
	int fd = client_connect(FIRST(s));

	(void)state;
	client_say(fd, "whole\ncut o");
	client_half_close(fd);
	client_hear(fd, ACK "\n");
	client_expect_end(fd);
	close(fd);
	server_wait_event(s, "connection_ended", "ending=message_incomplete");
	server_stop(s);
}

static void line__as_long_as_may_be__is_answered(void **state)
{
	struct server *s = server_start(&(struct plan){ .listen = { LINE } });
	char text[66];

	(void)state;
	memset(text, 'x', sizeof(text));
	snprintf(text + 64, 2, "\n");
	client_ask(FIRST(s), text, ACK "\n");
	server_stop(s);
}

static void line__too_long__ends_the_connection(void **state)
{
	struct server *s = server_start(&(struct plan){ .listen = { LINE } });
	int fd = client_connect(FIRST(s));
	char text[256] = "short\n";

	(void)state;
	memset(text + 6, 'x', sizeof(text) - 7);
	client_say(fd, text);
	client_hear(fd, ACK "\n");
	assert_true(client_ended(fd, WAIT_MS));
	close(fd);
	server_wait_event(s, "connection_ended", "ending=message_too_long");
	server_stop(s);
}

static void length__byte_by_byte__is_put_together(void **state)
{
	static const char bytes[] = "\0\0\0\005hello\0\0\0\0\0\0\0\001x";
	static const size_t ends[] = { 9, 13, 18 };
	struct server *s = server_start(&(struct plan){ .listen = { LENGTH } });
	int fd = connect_nodelay(s);

	(void)state;
	for (size_t i = 0, message = 0; i < sizeof(bytes) - 1; i++) {
		client_send(fd, bytes + i, 1);
		if (i + 1 == ends[message]) {
			client_expect(fd, framed_ack, FRAMED);
			message++;
		}
	}
	client_half_close(fd);
	client_expect_end(fd);
	close(fd);
	server_stop(s);
}

static void length__split_at_every_place__is_answered_once_each(void **state)
{
	static const char bytes[] = "\0\0\0\005hello\0\0\0\001x";
	struct server *s = server_start(&(struct plan){ .listen = { LENGTH } });

	(void)state;
	for (size_t split = 1; split < sizeof(bytes) - 1; split++) {
		int fd = connect_nodelay(s);

		client_send(fd, bytes, split);
		client_send(fd, bytes + split, sizeof(bytes) - 1 - split);
		client_expect(fd, framed_ack, FRAMED);
		client_expect(fd, framed_ack, FRAMED);
		client_half_close(fd);
		client_expect_end(fd);
		close(fd);
	}
	server_stop(s);
}

static void length__announcing_too_much__ends_at_once(void **state)
{
	static const char *const heads[] = { "\0\0\0\101", "\377\377\377\377", "\200\0\0\0" };
	struct server *s = server_start(&(struct plan){ .listen = { LENGTH } });

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		int fd = client_connect(FIRST(s));

		client_send(fd, heads[i], 4);
		assert_true(client_ended(fd, WAIT_MS));
		close(fd);
		server_wait_count(s, i + 1, "connection_ended", "ending=message_too_long");
	}
	server_stop(s);
}

static void length__cut_off__is_incomplete(void **state)
{
	static const char bytes[] = "\0\0\0\005hel";
	struct server *s = server_start(&(struct plan){ .listen = { LENGTH } });

	(void)state;
	for (unsigned n = 1; n < sizeof(bytes); n++) {
		int fd = client_connect(FIRST(s));

		client_send(fd, bytes, n);
		client_half_close(fd);
		assert_true(client_ended(fd, WAIT_MS));
		close(fd);
		server_wait_count(s, n, "connection_ended", "ending=message_incomplete");
	}
	server_stop(s);
}

static void length__larger_than_any_buffer__is_answered(void **state)
{
	enum { BODY = 8 << 20 };
	struct server *s = server_start(
		&(struct plan){ .listen = { "127.0.0.1:0=ack,framing=length,max_message=16m" } });
	int fd = client_connect(FIRST(s));
	char *body = calloc(1, BODY);

	(void)state;
	client_send(fd, "\0\200\0\0", 4);
	client_send(fd, body, BODY);
	client_expect(fd, framed_ack, FRAMED);
	client_half_close(fd);
	client_expect_end(fd);
	close(fd);
	free(body);
	server_stop(s);
}

static void client__that_resets__is_named_so(void **state)
{
	struct server *s = server_start(&(struct plan){ .listen = { LINE } });
	int fd = client_connect(FIRST(s));

	(void)state;
	client_say(fd, "x\n");
	client_hear(fd, ACK "\n");
	client_reset(fd);
	server_wait_event(s, "connection_ended", "ending=client_reset");
	server_stop(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		E2E(raw__each_message__gets_the_bare_reply),
		E2E(raw__message_and_end_together__are_answered),
		E2E(reply__of_the_listener__is_given),
		E2E(line__byte_by_byte__is_put_together),
		E2E(line__split_at_every_place__is_answered_once_each),
		E2E(line__many_glued__are_all_answered),
		E2E(line__cut_off_by_the_end__is_incomplete),
		E2E(line__as_long_as_may_be__is_answered),
		E2E(line__too_long__ends_the_connection),
		E2E(length__byte_by_byte__is_put_together),
		E2E(length__split_at_every_place__is_answered_once_each),
		E2E(length__announcing_too_much__ends_at_once),
		E2E(length__cut_off__is_incomplete),
		E2E(length__larger_than_any_buffer__is_answered),
		E2E(client__that_resets__is_named_so),
	};

	return E2E_RUN(tests);
}
