/* SPDX-License-Identifier: MIT */
/* The clients of a server that stops: with a message in flight, idle, or too slow. */
#include "harness.h"

#include "client.h"
#include "process.h"

#define LINES "127.0.0.1:0=ack,framing=line"

/* Sends TERM and waits until the master has logged that the server stops. */
static void begin_quit(struct server *s)
{
	server_mark(s);
	server_signal(s, SIGTERM);
	server_wait_event(s, "server_stopping", NULL);
}

static void quit__with_a_message_in_flight__answers_it(void **state)
{
	struct server *s = server_start(&(struct plan){ .listen = { LINES } });
	int fd = client_connect(FIRST(s));

	(void)state;
	client_begin_message(fd);
	begin_quit(s);
	client_finish_message(fd);
	client_expect_end(fd);
	close(fd);
	server_end(s, 0, 0);
	assert_int_equal(server_count(s, "shutdown_timed_out", NULL), 0);
}

static void quit__between_messages__ends_at_once(void **state)
{
	struct server *s = server_start(&(struct plan){ .listen = { LINES } });
	int fd = client_connect(FIRST(s));
	int64_t begun_ms;

	(void)state;
	client_say(fd, "first\n");
	client_hear(fd, ACK "\n");
	begun_ms = clock_ms();
	begin_quit(s);
	client_expect_end(fd);
	close(fd);
	server_end(s, 0, 0);
	assert_true(clock_ms() - begun_ms < 15000);
	assert_int_equal(server_count(s, "connection_ended", "ending=drained"), 1);
}

static void quit__with_a_silent_connection__ends_it_soon(void **state)
{
	struct server *s = server_start(&(struct plan){ .listen = { LINES } });
	int fd = client_connect(FIRST(s));

	(void)state;
	server_wait_event(s, "connection_opened", NULL);
	begin_quit(s);
	client_expect_end(fd);
	close(fd);
	server_end(s, 0, 0);
	assert_int_equal(server_count(s, "shutdown_timed_out", NULL), 0);
}

static void quit__refuses_new_connections(void **state)
{
	struct server *s = server_start(&(struct plan){ .listen = { LINES } });
	int fd = client_connect(FIRST(s)), next;

	(void)state;
	client_begin_message(fd);
	begin_quit(s);
	WAIT_UNTIL(s, (next = client_try(FIRST(s))) < 0 || (close(next), false));
	client_finish_message(fd);
	close(fd);
	server_end(s, 0, 0);
}

static void quit__after_shutdown_timeout__cuts_what_is_left(void **state)
{
	struct server *s = server_start(
		&(struct plan){ .listen = { LINES }, .set = { "shutdown_timeout=300ms" } });
	int fd = client_connect(FIRST(s));

	(void)state;
	client_begin_message(fd);
	begin_quit(s);
	assert_true(client_ended(fd, WAIT_MS));
	close(fd);
	server_end(s, 0, 0);
	assert_int_equal(server_count(s, "connection_ended", "ending=shutdown_timeout") +
					 (server_count(s, "shutdown_timed_out", NULL) > 0) >
				 0,
			 1);
}

static void quit__twice__is_fast(void **state)
{
	struct server *s = server_start(&(struct plan){ .listen = { LINES }, .workers = 2 });
	int fd = client_connect(FIRST(s));

	(void)state;
	client_begin_message(fd);
	begin_quit(s);
	server_signal(s, SIGTERM);
	assert_true(client_ended(fd, WAIT_MS));
	close(fd);
	server_end(s, 0, 0);
	assert_int_equal(server_count(s, "shutdown_timed_out", NULL), 0);
}

static void stop__is_fast(void **state)
{
	struct server *s = server_start(&(struct plan){ .listen = { LINES }, .workers = 2 });
	int fd = client_connect(FIRST(s));

	(void)state;
	client_begin_message(fd);
	server_signal(s, SIGINT);
	assert_true(client_ended(fd, WAIT_MS));
	close(fd);
	server_end(s, 0, 0);
	assert_int_equal(server_count(s, "connection_ended", "ending=stopped"), 1);
}

static void stop__twice_with_a_stopped_worker__kills_it(void **state)
{
	struct server *s = server_start(&(struct plan){ .listen = { LINES } });

	(void)state;
	kill(server_worker(s, 0), SIGSTOP);
	server_signal(s, SIGINT);
	server_wait_event(s, "server_stopping", NULL);
	server_signal(s, SIGINT);
	server_end(s, 0, 0);
}

static void quit__with_a_stopped_worker__is_bounded(void **state)
{
	struct server *s = server_start(
		&(struct plan){ .listen = { LINES }, .set = { "shutdown_timeout=300ms" } });

	(void)state;
	kill(server_worker(s, 0), SIGSTOP);
	server_end(s, SIGTERM, 0);
	assert_true(server_count(s, "shutdown_timed_out", NULL) > 0);
}

static void verb_quit__waits_for_the_end(void **state)
{
	struct server *s = server_start(&(struct plan){ .workers = 2 });
	char out[1024];

	(void)state;
	if (server_verb(s, "quit", out, sizeof(out)) != 0)
		server_fail(s, "-s quit: %s", out);
	assert_int_equal(access(s->pid_file, F_OK), -1);
	server_end(s, 0, 0);
}

static void verb_stop__waits_for_the_end(void **state)
{
	struct server *s = server_start(&(struct plan){ .listen = { LINES }, .workers = 2 });
	int fd = client_connect(FIRST(s));
	char out[1024];

	(void)state;
	client_begin_message(fd);
	if (server_verb(s, "stop", out, sizeof(out)) != 0)
		server_fail(s, "-s stop: %s", out);
	assert_int_equal(access(s->pid_file, F_OK), -1);
	close(fd);
	server_end(s, 0, 0);
}

static void verbs__without_a_server__fail_and_say_so(void **state)
{
	static const char *const verbs[] = { "stop", "quit", "reload", "reopen" };
	struct server *s = server_start(&(struct plan){ 0 });
	char out[1024];

	(void)state;
	server_stop(s);
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(server_verb(s, verbs[i], out, sizeof(out)), 1);
		assert_non_null(strstr(out, s->pid_file));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		E2E(quit__with_a_message_in_flight__answers_it),
		E2E(quit__between_messages__ends_at_once),
		E2E(quit__with_a_silent_connection__ends_it_soon),
		E2E(quit__refuses_new_connections),
		E2E(quit__after_shutdown_timeout__cuts_what_is_left),
		E2E(quit__twice__is_fast),
		E2E(stop__is_fast),
		E2E(stop__twice_with_a_stopped_worker__kills_it),
		E2E(quit__with_a_stopped_worker__is_bounded),
		E2E(verb_quit__waits_for_the_end),
		E2E(verb_stop__waits_for_the_end),
		E2E(verbs__without_a_server__fail_and_say_so),
	};

	return E2E_RUN(tests);
}
