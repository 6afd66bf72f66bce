/* SPDX-License-Identifier: MIT */
/* lame_duck: the server was told to stop, says so to load balancers, and goes on serving. */
#include "harness.h"

#include "client.h"
#include "copy.h"
#include "process.h"

#define STATUS    "127.0.0.1:0=status"
#define LINES     "127.0.0.1:0=ack,framing=line"
#define SECOND(s) ((s)->addresses[1])
#define HEALTH    "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"

static char answer[65536];

/* A server with a lame_duck that ends only by a signal: FIRST is status, SECOND is ack. */
static struct server *start(unsigned workers)
{
	return server_start(&(struct plan){
		.listen = { STATUS, LINES }, .workers = workers, .set = { "lame_duck=10m" } });
}

static void begin_lame_duck(struct server *s)
{
	server_mark(s);
	server_signal(s, SIGTERM);
	server_wait_event(s, "lame_duck_started", NULL);
}

/* Sends the request; the answer must have the part, and the server must end the connection. */
static void expect_last(int fd, const char *request, const char *part)
{
	client_say(fd, request);
	client_drain(fd, answer, sizeof(answer));
	assert_non_null(strstr(answer, part));
	close(fd);
}

static void term__with_lame_duck__serves_while_healthz_is_503(void **state)
{
	struct server *s = start(2);
	int http = client_connect(FIRST(s)), lines = client_connect(SECOND(s)), next;

	(void)state;
	client_say(http, HEALTH);
	client_say(lines, "one\ntw");
	client_hear(lines, ACK "\n");
	begin_lame_duck(s);
	expect_last(client_connect(FIRST(s)), HEALTH, "HTTP/1.1 503 ");
	assert_non_null(strstr(answer, "lame_duck: the server is leaving\n"));
	expect_last(client_connect(FIRST(s)), "GET /status.json HTTP/1.1\r\nHost: x\r\n\r\n",
		    "\"state\":\"lame_duck\"");
	expect_last(http, HEALTH, "\r\nConnection: close\r\n");
	server_wait_count(s, 3, "connection_ended", "ending=drained");
	client_say(lines, "o\nthree\n");
	client_hear(lines, ACK "\n" ACK "\n");
	client_ask(SECOND(s), "x\n", ACK "\n");
	next = client_connect(SECOND(s));
	assert_int_equal(server_count(s, "server_stopping", NULL), 0);
	server_signal(s, SIGTERM);
	server_wait_event(s, "server_stopping", "how=gracefully");
	client_expect_end(lines);
	client_expect_end(next);
	close(lines);
	close(next);
	server_end(s, 0, 0);
}

static void lame_duck__is_over_after_its_time(void **state)
{
	struct server *s =
		server_start(&(struct plan){ .listen = { LINES }, .set = { "lame_duck=400ms" } });
	int fd = client_connect(FIRST(s));
	int64_t told_ms;

	(void)state;
	client_begin_message(fd);
	told_ms = clock_ms();
	begin_lame_duck(s);
	server_wait_event(s, "server_stopping", "how=gracefully");
	assert_true(clock_ms() - told_ms >= 400);
	client_finish_message(fd);
	client_expect_end(fd);
	close(fd);
	server_end(s, 0, 0);
	assert_int_equal(server_count(s, "shutdown_timed_out", NULL), 0);
}

static void term__without_lame_duck__stops_at_once(void **state)
{
	struct server *s = server_start(&(struct plan){ .listen = { LINES } });

	(void)state;
	server_signal(s, SIGTERM);
	server_wait_event(s, "server_stopping", "how=gracefully");
	server_end(s, 0, 0);
	assert_int_equal(server_count(s, "lame_duck_started", NULL), 0);
}

static void term__for_the_third_time__is_fast(void **state)
{
	struct server *s = start(2);
	int fd = client_connect(SECOND(s));

	(void)state;
	client_begin_message(fd);
	begin_lame_duck(s);
	server_signal(s, SIGTERM);
	server_wait_event(s, "server_stopping", "how=gracefully");
	server_signal(s, SIGTERM);
	server_wait_event(s, "server_stopping", "how=fast");
	assert_true(client_ended(fd, WAIT_MS));
	close(fd);
	server_end(s, 0, 0);
}

static void int__in_lame_duck__is_fast(void **state)
{
	struct server *s = start(1);
	int fd = client_connect(SECOND(s));

	(void)state;
	client_begin_message(fd);
	begin_lame_duck(s);
	server_signal(s, SIGINT);
	assert_true(client_ended(fd, WAIT_MS));
	close(fd);
	server_end(s, 0, 0);
	assert_int_equal(server_count(s, "server_stopping", "how=gracefully"), 0);
}

static void worker__killed_in_lame_duck__is_replaced(void **state)
{
	struct server *s = start(1);
	int fd = client_connect(SECOND(s));

	(void)state;
	client_begin_message(fd);
	begin_lame_duck(s);
	kill(server_worker(s, 0), SIGKILL);
	server_wait_event(s, "worker_ready", "worker=0");
	client_finish_message(fd);
	client_ask(SECOND(s), "x\n", ACK "\n");
	expect_last(client_connect(FIRST(s)), HEALTH, "HTTP/1.1 503 ");
	server_signal(s, SIGTERM);
	client_expect_end(fd);
	close(fd);
	server_end(s, 0, 0);
}

static void reload__in_lame_duck__is_refused_and_changes_nothing(void **state)
{
	struct server *s = start(1);
	char out[1024];

	(void)state;
	begin_lame_duck(s);
	s->errors[0] = "reload_failed";
	assert_int_equal(server_verb(s, "reload", out, sizeof(out)), 1);
	assert_non_null(strstr(out, "the server was told to stop"));
	server_wait_event(s, "reload_failed", "message=\"the server was told to stop\"");
	client_ask(SECOND(s), "x\n", ACK "\n");
	server_signal(s, SIGTERM);
	server_end(s, 0, 0);
	assert_int_equal(server_count(s, "reload_started", NULL), 0);
}

static void term__during_a_reload__serves_on_with_either_configuration(void **state)
{
	struct server *s = start(2);

	(void)state;
	s->errors[0] = "reload_failed"; /* it was told to stop */
	server_signal(s, SIGHUP);
	begin_lame_duck(s);
	client_ask(SECOND(s), "x\n", ACK "\n");
	expect_last(client_connect(FIRST(s)), HEALTH, "HTTP/1.1 503 ");
	server_signal(s, SIGTERM);
	server_end(s, 0, 0);
}

static void ttin_and_usr1__in_lame_duck__do_their_work(void **state)
{
	struct server *s = start(1);
	char out[1024];

	(void)state;
	begin_lame_duck(s);
	server_signal(s, SIGTTIN);
	server_wait_event(s, "workers_changed", "workers=2");
	server_wait_event(s, "worker_ready", "worker=1");
	if (server_verb(s, "reopen", out, sizeof(out)) != 0)
		server_fail(s, "-s reopen: %s", out);
	server_signal(s, SIGTERM);
	server_end(s, 0, 0);
}

static void copies__are_told_to_end_when_lame_duck_is_over(void **state)
{
	struct server *s = copy_server(
		&(struct copy_plan){ .words = { "ready" }, .main = "lame_duck = 10m\n" });
	pid_t pid = copy_pid(FIRST(s));

	(void)state;
	begin_lame_duck(s);
	assert_int_equal(copy_pid(FIRST(s)), pid);
	assert_int_equal(server_count(s, "program_retired", NULL), 0);
	server_signal(s, SIGTERM);
	server_wait_event(s, "program_retired", NULL);
	server_end(s, 0, 0);
}

static void verb_quit__waits_for_lame_duck_too(void **state)
{
	struct server *s =
		server_start(&(struct plan){ .set = { "lame_duck=400ms", "shutdown_timeout=1s" } });
	int64_t told_ms = clock_ms();
	char out[1024];

	(void)state;
	if (server_verb(s, "quit", out, sizeof(out)) != 0)
		server_fail(s, "-s quit: %s", out);
	assert_true(clock_ms() - told_ms >= 400);
	server_end(s, 0, 0);
	assert_int_equal(server_count(s, "lame_duck_started", "lame_duck_ms=400"), 1);
}

static void verb_stop__leaves_lame_duck_out(void **state)
{
	struct server *s = start(1);
	char out[1024];

	(void)state;
	if (server_verb(s, "stop", out, sizeof(out)) != 0)
		server_fail(s, "-s stop: %s", out);
	server_end(s, 0, 0);
	assert_int_equal(server_count(s, "lame_duck_started", NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		E2E(term__with_lame_duck__serves_while_healthz_is_503),
		E2E(lame_duck__is_over_after_its_time),
		E2E(term__without_lame_duck__stops_at_once),
		E2E(term__for_the_third_time__is_fast),
		E2E(int__in_lame_duck__is_fast),
		E2E(worker__killed_in_lame_duck__is_replaced),
		E2E(reload__in_lame_duck__is_refused_and_changes_nothing),
		E2E(term__during_a_reload__serves_on_with_either_configuration),
		E2E(ttin_and_usr1__in_lame_duck__do_their_work),
		E2E(copies__are_told_to_end_when_lame_duck_is_over),
		E2E(verb_quit__waits_for_lame_duck_too),
		E2E(verb_stop__leaves_lame_duck_out),
	};

	return E2E_RUN(tests);
}
