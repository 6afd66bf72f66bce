/* SPDX-License-Identifier: MIT */
/*
 * Clients that send nothing, never finish, do not read or do not leave: each ends with its own
 * reason.
 */
#include "harness.h"

#include <poll.h>
#include <sys/socket.h>

#include "accessbook.h"
#include "client.h"
#include "upstream.h"

enum { TIMEOUT_MS = 2000 };

#define PROXY_HEADER "PROXY TCP4 192.0.2.1 192.0.2.2 1111 80\r\n"

static void idle__for_idle_timeout__is_ended(void **state)
{
	struct server *s =
		server_start(&(struct plan){ .listen = { "127.0.0.1:0=ack,idle_timeout=300ms" } });
	int silent = client_connect(FIRST(s)), once = client_connect(FIRST(s));

	(void)state;
	client_say(once, "x");
	client_hear(once, ACK);
	client_expect_end(silent);
	client_expect_end(once);
	close(silent);
	close(once);
	server_wait_count(s, 2, "connection_ended", "ending=idle_timeout");
	server_stop(s);
}

static void message__begun_and_not_ended__is_ended(void **state)
{
	struct server *s = server_start(&(struct plan){
		.listen = { "127.0.0.1:0=ack,framing=line,message_timeout=300ms" } });
	int fd = client_connect(FIRST(s));

	(void)state;
	client_say(fd, "never e");
	assert_true(client_ended(fd, WAIT_MS));
	close(fd);
	server_wait_event(s, "connection_ended", "ending=message_timeout");
	server_stop(s);
}

static void message__that_trickles__is_ended_all_the_same(void **state)
{
	struct server *s = server_start(&(struct plan){
		.listen = { "127.0.0.1:0=ack,framing=length,message_timeout=500ms" } });
	int fd = client_connect(FIRST(s));
	int64_t until_ms = clock_ms() + WAIT_MS;

	(void)state;
	client_send(fd, "\0\0\377\377", 4);
	while (!client_ended(fd, 20)) {
		assert_true(clock_ms() < until_ms);
		send(fd, "x", 1, MSG_NOSIGNAL);
	}
	close(fd);
	server_wait_event(s, "connection_ended", "ending=message_timeout");
	server_stop(s);
}

/* It is not begun again by what the kernel still takes of it. */
static void expect_end_in_time(struct server *s, int64_t begun_ms, const char *ending)
{
	server_wait_event(s, "connection_ended", ending);
	assert_in_range(clock_ms() - begun_ms, TIMEOUT_MS, TIMEOUT_MS + TIMEOUT_MS / 2);
}

static void answer__that_nobody_takes__is_ended(void **state)
{
	struct server *s = server_start(
		&(struct plan){ .listen = { "127.0.0.1:0=chargen,message_timeout=2s" } });
	int64_t begun_ms = clock_ms();
	int fd = client_connect(FIRST(s));

	(void)state;
	expect_end_in_time(s, begun_ms, "ending=send_timeout");
	close(fd);
	server_stop(s);
}

static void pour(int fd)
{
	static const char bytes[64 * 1024];

	while (send(fd, bytes, sizeof(bytes), MSG_NOSIGNAL | MSG_DONTWAIT) > 0)
		;
}

/* What comes behind one that takes nothing must not put off its end. */
static void stream__that_one_side_does_not_take__is_ended(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct upstream u;
		struct server *s;
		int64_t begun_ms;
		int client, server;

		upstream_open(&u);
		s = server_start(&(struct plan){
			.conf = upstream_conf(&u, "", "message_timeout = 2s", "") });
		client = client_connect(FIRST(s));
		server = upstream_accept(&u);
		begun_ms = clock_ms();
		while (server_count(s, "connection_ended", NULL) == 0 &&
		       clock_ms() - begun_ms < TIMEOUT_MS / 4)
			pour(i == 0 ? client : server);
		expect_end_in_time(s, begun_ms,
				   i == 0 ? "ending=upstream_stalled" : "ending=send_timeout");
		close(client);
		close(server);
		upstream_close(&u);
		server_stop(s);
	}
}

/* In a stream that is silent, the one that spoke last waits for the other. */
static void silence__is_the_fault_of_the_side_that_owes(void **state)
{
	static const struct {
		const char *header; /* of a proxy: it says nothing of the client */
		const char *client, *server;
		bool ends; /* the client ends its stream */
		const char *line;
	} rows[] = {
		{ "", "question", "", false, "ending=idle_timeout state=sR" },
		{ "", "question", "", true, "ending=half_close_timeout state=sR" },
		{ "", "", "welcome", false, "ending=idle_timeout state=cR" },
		{ "", "question", "answer", false, "ending=idle_timeout state=cR" },
		{ "", "", "", false, "ending=idle_timeout state=cR" },
		{ PROXY_HEADER, "", "", false, "ending=idle_timeout state=cR" },
		{ PROXY_HEADER, "question", "", false, "ending=idle_timeout state=sR" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const char *listen = rows[i].header[0] != '\0' ? "accept_proxy = yes" : "";
		struct upstream u;
		struct server *s;
		int client, server;
		char first[128];

		upstream_open(&u);
		s = accessbook_start((struct plan){
			.conf = upstream_conf(&u,
					      "idle_timeout = 500ms  half_close_timeout = 500ms",
					      listen, "") });
		client = client_connect(FIRST(s));
		snprintf(first, sizeof(first), "%s%s", rows[i].header, rows[i].client);
		client_say(client, first);
		server = upstream_accept(&u);
		client_hear(server, rows[i].client);
		client_say(server, rows[i].server);
		client_hear(client, rows[i].server);
		if (rows[i].ends)
			client_half_close(client);
		WAIT_UNTIL(s, accessbook_count(accessbook_read(accessbook_path), "ending=") == 1);
		accessbook_expect(s, rows[i].line);
		close(client);
		close(server);
		upstream_close(&u);
		server_stop(s);
	}
}

static void client__that_never_leaves__is_left_after_linger_timeout(void **state)
{
	struct server *s = server_start(
		&(struct plan){ .listen = { "127.0.0.1:0=daytime,linger_timeout=300ms" } });
	int fd = client_connect(FIRST(s));
	char line[128];

	(void)state;
	assert_true(client_drain(fd, line, sizeof(line)) > 0);
	server_wait_event(s, "connection_ended", "ending=service_finished");
	close(fd);
	server_stop(s);
}

static void client__that_talks_on_after_our_end__still_reads_the_answer(void **state)
{
	struct server *s = server_start(&(struct plan){ .listen = { "127.0.0.1:0=daytime" } });
	int fd = client_connect(FIRST(s));
	char line[128];

	(void)state;
	for (int i = 0; i < 20; i++)
		send(fd, "and more", 8, MSG_NOSIGNAL);
	assert_in_range(client_drain(fd, line, sizeof(line)), 10, 100);
	close(fd);
	server_wait_event(s, "connection_ended", "ending=service_finished");
	server_stop(s);
}

static void slow_senders__do_not_disturb_others(void **state)
{
	enum { SLOW = 200 };
	struct server *s = server_start(
		&(struct plan){ .listen = { "127.0.0.1:0=ack,framing=line,message_timeout=2s" } });
	int fds[SLOW];

	(void)state;
	for (int i = 0; i < SLOW; i++) {
		fds[i] = client_connect(FIRST(s));
		client_say(fds[i], "s");
	}
	for (int i = 0; i < 50; i++)
		client_ask(FIRST(s), "quick\n", ACK "\n");
	server_wait_count(s, SLOW, "connection_ended", "ending=message_timeout");
	for (int i = 0; i < SLOW; i++)
		close(fds[i]);
	server_stop(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		E2E(idle__for_idle_timeout__is_ended),
		E2E(message__begun_and_not_ended__is_ended),
		E2E(message__that_trickles__is_ended_all_the_same),
		E2E(answer__that_nobody_takes__is_ended),
		E2E(stream__that_one_side_does_not_take__is_ended),
		E2E(silence__is_the_fault_of_the_side_that_owes),
		E2E(client__that_never_leaves__is_left_after_linger_timeout),
		E2E(client__that_talks_on_after_our_end__still_reads_the_answer),
		E2E(slow_senders__do_not_disturb_others),
	};

	return E2E_RUN(tests);
}
