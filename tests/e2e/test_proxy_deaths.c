/* SPDX-License-Identifier: MIT */
/*
 * PROXY headers across the death of a worker and a reload, and what other parts of the server make
 * of the client that they name: programs, refusals for crashes, the status.
 */
#include "harness.h"

#include "client.h"
#include "modules.h"
#include "process.h"
#include "unit/headers.h"

#define CONF     "workers = 2\nlisten \"127.0.0.1:0\" { service = echo\n accept_proxy = yes }\n"
#define CONF_OFF "workers = 2\nlisten \"127.0.0.1:0\" { service = echo }\n"

static const struct header headers[] = { HEADER(HEADER_LINE), HEADER(HEADER_BINARY) };

/* How much of a header each client has sent before the event. */
static const size_t cuts[] = { 0, 1, 5, 11, 12, 15, 16, 20, 28, 32, 40, 43 };

enum { CUTS = sizeof(cuts) / sizeof(*cuts), CLIENTS = 2 * CUTS };

static void open_clients(const struct server *s, int *fds)
{
	for (unsigned i = 0; i < CLIENTS; i++) {
		fds[i] = client_connect(FIRST(s));
		client_send(fds[i], headers[i % 2].bytes, cuts[i / 2]);
	}
}

static void finish_headers(const int *fds)
{
	for (unsigned i = 0; i < CLIENTS; i++) {
		client_send(fds[i], headers[i % 2].bytes + cuts[i / 2],
			    headers[i % 2].size - cuts[i / 2]);
		client_say(fds[i], "payload");
	}
}

static void ask_clients(const int *fds)
{
	for (unsigned i = 0; i < CLIENTS; i++)
		client_hear(fds[i], "payload");
}

static void end_clients(struct server *s, const int *fds)
{
	for (unsigned i = 0; i < CLIENTS; i++)
		close(fds[i]);
	server_wait_count(s, CLIENTS, "connection_ended",
			  "remote=192.0.2.1:12345 ending=client_closed bytes_in=7");
	server_stop(s);
}

static void kill_workers(struct server *s)
{
	for (unsigned i = 0; i < 2; i++) {
		pid_t victim = server_worker(s, i);

		WAIT_UNTIL(s, process_sleeps(victim));
		server_mark(s);
		kill(victim, SIGKILL);
		server_wait_event(s, "connections_recovered", "in_hand=0 damaged=0");
	}
}

static void header__half_sent__goes_on_after_a_kill(void **state)
{
	struct server *s = server_start(&(struct plan){ .conf = CONF });
	int fds[CLIENTS];

	(void)state;
	open_clients(s, fds);
	server_wait_count(s, CLIENTS, "connection_opened", NULL);
	kill_workers(s);
	finish_headers(fds);
	ask_clients(fds);
	kill_workers(s);
	end_clients(s, fds);
}

/* To a configuration that expects no headers any more, and to one that does. */
static void header__half_sent__goes_on_after_a_reload(void **state)
{
	static const char *const confs[] = { CONF, CONF_OFF };

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct server *s = server_start(&(struct plan){ .conf = CONF });
		char said[512];
		int fds[CLIENTS];

		open_clients(s, fds);
		server_wait_count(s, CLIENTS, "connection_opened", NULL);
		server_configure(s, confs[i]);
		assert_int_equal(server_verb(s, "reload", said, sizeof(said)), 0);
		server_wait_event(s, "reload_finished", "moved=24 staying=0");
		finish_headers(fds);
		ask_clients(fds);
		end_clients(s, fds);
	}
}

/* The access log of the last worker has what the first one has read. */
static void authority__of_a_header__outlives_a_kill_and_a_reload(void **state)
{
	struct server *s =
		server_start(&(struct plan){ .conf = CONF, .set = { "log.access=stderr" } });
	char said[512];
	int fd = client_connect(FIRST(s));

	(void)state;
	client_send(fd, HEADER_BINARY, sizeof(HEADER_BINARY) - 1);
	client_say(fd, "one");
	client_hear(fd, "one");
	kill_workers(s);
	assert_int_equal(server_verb(s, "reload", said, sizeof(said)), 0);
	client_say(fd, "two");
	client_hear(fd, "two");
	close(fd);
	WAIT_UNTIL(s, server_count(s, "connection_ended", NULL) == 1);
	server_stop(s);
	assert_non_null(strstr(s->log, "ending=client_closed state=-- authority=a.b.com"));
}

static void program__is_told_both_ends_of_the_header(void **state)
{
	char text[4096], listen[200] = "127.0.0.1:0", conf[600];

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct server *s;
		int fd;

		if (i == 1)
			snprintf(listen, sizeof(listen), "unix:%s/s", harness_folder());
		snprintf(conf, sizeof(conf),
			 "listen \"%s\" { service = exec  accept_proxy = yes  command = {/bin/sh, "
			 "\"-c\", \"env | grep -E '^(PROTO|TCP)'; exec cat\"} }\n",
			 listen);
		s = server_start(&(struct plan){ .conf = conf });
		fd = client_connect(FIRST(s));
		client_send(fd, HEADER_LINE, sizeof(HEADER_LINE) - 1);
		client_say(fd, "PROXY payload\n");
		client_half_close(fd);
		client_drain(fd, text, sizeof(text));
		close(fd);
		assert_non_null(strstr(text, "PROTO=TCP\n"));
		assert_non_null(strstr(text, "TCPREMOTEIP=192.0.2.1\n"));
		assert_non_null(strstr(text, "TCPREMOTEPORT=12345\n"));
		assert_non_null(strstr(text, "TCPLOCALIP=198.51.100.2\n"));
		assert_non_null(strstr(text, "TCPLOCALPORT=443\n"));
		assert_non_null(strstr(text, "PROXY payload\n"));
		server_wait_event(s, "exec_exited", "remote=192.0.2.1:12345");
		server_stop(s);
	}
}

static int connect_as(const struct server *s, const char *client)
{
	char header[128];
	int fd = client_connect(FIRST(s));

	snprintf(header, sizeof(header), "PROXY TCP4 %s 198.51.100.2 12345 443\r\n", client);
	client_say(fd, header);
	return fd;
}

/* Neither the proxy nor its other clients pay for what one client does. */
static void crashes__are_counted_against_the_client(void **state)
{
	static char said[16384];
	struct server *s;
	int other;

	(void)state;
	modules_begin("faulty");
	s = server_start(&(struct plan){ .listen = { modules_listen(",accept_proxy=yes") } });
	for (unsigned i = 0; i < 3; i++) {
		int fd = connect_as(s, "192.0.2.1");

		client_say(fd, "first\n");
		client_hear(fd, "1 first\n");
		client_say(fd, "null\n");
		assert_true(client_ended(fd, WAIT_MS));
		close(fd);
		server_wait_count(s, i + 1, "crash_reported", "remote=192.0.2.1:12345");
		server_wait_count(s, i + 1, "connections_recovered", "in_hand=1");
	}
	server_wait_event(s, "address_penalized", "remote=192.0.2.1");
	(void)server_verb(s, "status", said, sizeof(said));
	assert_non_null(strstr(said, "192.0.2.1:12345"));
	assert_null(strstr(said, "127.0.0.1:12345"));
	client_expect_end(connect_as(s, "192.0.2.1"));
	server_wait_event(s, "connection_refused", "reason=penalty");
	other = connect_as(s, "192.0.2.2");
	client_say(other, "one\n");
	client_hear(other, "1 one\n");
	close(other);
	server_stop(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		E2E(header__half_sent__goes_on_after_a_kill),
		E2E(header__half_sent__goes_on_after_a_reload),
		E2E(authority__of_a_header__outlives_a_kill_and_a_reload),
		E2E(program__is_told_both_ends_of_the_header),
		E2E(crashes__are_counted_against_the_client),
	};

	return E2E_RUN(tests);
}
