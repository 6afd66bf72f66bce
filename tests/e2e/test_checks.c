/* SPDX-License-Identifier: MIT */
/* Active checks: how many a server gets, how they end, and one verdict for all workers. */
#include "harness.h"

#include <poll.h>
#include <sys/socket.h>

#include "client.h"
#include "process.h"
#include "upstream.h"

enum { INTERVAL_MS = 200, WORKERS = 16 };

#define CHECKED(check) "check = " check "  check_interval = 200ms  check_timeout = 1s"

/* Connections that come within ms, each of which must end with the stream's end, not a reset. */
static unsigned count_checks(const struct upstream *u, int64_t ms)
{
	int64_t until_ms = clock_ms() + ms;
	unsigned count = 0;

	for (int64_t left_ms = ms; left_ms > 0; left_ms = until_ms - clock_ms()) {
		int fd;

		if (!upstream_has(u, (int)left_ms))
			break;
		fd = upstream_accept(u);
		client_expect_end(fd);
		close(fd);
		count++;
	}
	return count;
}

/* Those that came before. */
static void drop_checks(const struct upstream *u)
{
	while (upstream_has(u, 0))
		close(upstream_accept(u));
}

static void open_checked(struct upstream *u, struct server **s, const char *lines)
{
	char main[64];

	upstream_open(u);
	snprintf(main, sizeof(main), "workers = %d\nworker_connections = 16", WORKERS);
	*s = server_start(&(struct plan){ .conf = upstream_conf(u, lines, "", main) });
}

static void close_checked(struct upstream *u, struct server *s)
{
	server_stop(s);
	upstream_close(u);
}

/* At least half of them, on a machine that is busy. */
static void assert_rate(struct server *s, unsigned count, int64_t ms)
{
	unsigned wanted = (unsigned)(ms / INTERVAL_MS);

	if (count < wanted / 2 || count > wanted + 2)
		server_fail(s, "%u checks in %d ms", count, (int)ms);
}

static void assert_checks(struct server *s, const struct upstream *u, int64_t ms)
{
	drop_checks(u);
	assert_rate(s, count_checks(u, ms), ms);
}

/* Whatever the number of workers; also after the death of the process that checks, and a reload. */
static void checks__of_many_workers__come_once_an_interval(void **state)
{
	enum { WHILE_MS = 3000 };
	struct upstream u;
	struct server *s;

	(void)state;
	open_checked(&u, &s, CHECKED("connect"));
	assert_checks(s, &u, WHILE_MS);
	kill(server_helper(s, "checker"), SIGKILL);
	assert_true(count_checks(&u, INTERVAL_MS) <= 2);
	server_wait_count(s, 2, "helper_ready", "service=checker");
	assert_checks(s, &u, WHILE_MS);
	upstream_reload(s);
	assert_checks(s, &u, WHILE_MS);
	assert_int_equal(server_count(s, "upstream_failed", NULL), 0);
	close_checked(&u, s);
}

/* The server takes its time to end its side: the checks do not wait for it. */
static void checks__that_the_server_ends_late__keep_their_interval(void **state)
{
	enum { WHILE_MS = 3000 };
	unsigned count = 0;
	int64_t until_ms;
	int held[64];
	struct upstream u;
	struct server *s;

	(void)state;
	open_checked(&u, &s, CHECKED("connect"));
	drop_checks(&u);
	for (until_ms = clock_ms() + WHILE_MS; clock_ms() < until_ms && count < 64;)
		if (upstream_has(&u, 100))
			held[count++] = upstream_accept(&u);
	assert_rate(s, count, WHILE_MS);
	for (unsigned i = 0; i < count; i++)
		close(held[i]);
	close_checked(&u, s);
}

/* While old and new processes overlap, in many reloads. */
static void checks__under_reloads__are_not_doubled(void **state)
{
	int64_t begun_ms;
	unsigned count = 0;
	struct upstream u;
	struct server *s;

	(void)state;
	open_checked(&u, &s, CHECKED("connect"));
	drop_checks(&u);
	begun_ms = clock_ms();
	for (unsigned i = 0; i < 6; i++) {
		count += count_checks(&u, 1);
		upstream_reload(s);
		count += count_checks(&u, 2 * INTERVAL_MS);
	}
	assert_rate(s, count, clock_ms() - begun_ms);
	close_checked(&u, s);
}

/* It gets none, and the process that checks the others does not wait for its turn in a loop. */
static void checks__of_a_server_that_is_down__are_not_made(void **state)
{
	enum { WHILE_MS = 2000 };
	struct upstream down, lives;
	char servers[256];
	int64_t begun_ms;
	struct server *s;

	(void)state;
	upstream_open(&down);
	upstream_open(&lives);
	snprintf(servers, sizeof(servers), "\"%s down\", \"%s\"", down.address, lives.address);
	s = server_start(&(struct plan){
		.conf = upstream_conf_of(servers, CHECKED("connect"), "", "workers = 1") });
	begun_ms = process_used_ms(server_helper(s, "checker"));
	assert_checks(s, &lives, WHILE_MS);
	assert_true(process_used_ms(server_helper(s, "checker")) - begun_ms < WHILE_MS / 4);
	assert_false(upstream_has(&down, 0));
	assert_int_equal(upstream_figure(s, down.address, "upstream_checks_total"), 0);
	upstream_close(&down);
	close_checked(&lives, s);
}

/* Every worker has the same verdict, and nobody is sent to a server that is known to be down. */
static void verdict__of_the_checks__holds_for_all_workers(void **state)
{
	struct upstream dies, lives;
	char servers[256];
	struct server *s;

	(void)state;
	upstream_open(&dies);
	upstream_open(&lives);
	snprintf(servers, sizeof(servers), "\"%s\", \"%s\"", dies.address, lives.address);
	s = server_start(&(struct plan){
		.conf = upstream_conf_of(servers, CHECKED("connect"), "",
					 "workers = 16\nworker_connections = 16") });
	WAIT_UNTIL(s, upstream_figure(s, lives.address, "upstream_checks_total") > 0);
	upstream_close(&dies);
	server_wait_event(s, "upstream_failed", "reason=upstream_refused");
	assert_int_equal(server_count(s, "upstream_failed", NULL), 1);
	for (unsigned i = 0; i < 4 * WORKERS; i++) {
		int client = client_connect(FIRST(s)), server;
		char word[16];

		snprintf(word, sizeof(word), "client %u", i);
		client_say(client, word);
		for (;;) { /* checks come between */
			char byte;

			server = upstream_accept(&lives);
			if (recv(server, &byte, 1, MSG_PEEK) == 1)
				break;
			close(server);
		}
		client_hear(server, word);
		close(client);
		close(server);
	}
	server_wait_count(s, 4 * WORKERS, "connection_ended", "ending=client_closed");
	assert_int_equal(upstream_figure(s, dies.address, "upstream_failures_total"), 0);
	server_stop(s);
	upstream_close(&lives);
}

/* The server answers a check as told. */
static void answer_check(const struct upstream *u, const char *question, const char *answer)
{
	int fd = upstream_accept(u);

	client_hear(fd, question);
	client_say(fd, answer);
	(void)client_drain(fd, NULL, 0);
	close(fd);
}

static void expect__of_another_answer__takes_the_server_out_until_it_is_right(void **state)
{
	struct upstream u;
	struct server *s;

	(void)state;
	open_checked(&u, &s,
		     CHECKED("expect") "\n check_send = \"PING\\r\\n\"  check_expect = \"+PONG\"");
	for (unsigned i = 0; i < 2; i++) {
		answer_check(&u, "PING\r\n", "+PONG and more");
		answer_check(&u, "PING\r\n", "-LOADING");
		answer_check(&u, "PING\r\n", "+PO");
		server_wait_count(s, i + 1, "upstream_failed", "reason=upstream_timeout");
		assert_true(upstream_is(s, u.address, "\"state\":\"check_failed\""));
		answer_check(&u, "PING\r\n", "+PONG");
		server_wait_count(s, i + 1, "upstream_recovered", "reason=check");
		assert_true(upstream_is(s, u.address, "\"state\":\"up\""));
	}
	close_checked(&u, s);
}

/* A greeting is waited for; one that does not come within check_timeout fails the check. */
static void expect__of_a_greeting__fails_when_none_comes_in_time(void **state)
{
	struct upstream u;
	struct server *s;
	int first, second;

	(void)state;
	open_checked(&u, &s,
		     "check = expect  check_interval = 200ms  check_timeout = 200ms\n "
		     "check_expect = \"220 \"");
	answer_check(&u, "", "220 ready\r\n");
	first = upstream_accept(&u);
	second = upstream_accept(&u);
	server_wait_event(s, "upstream_failed", "reason=upstream_timeout");
	close(first);
	close(second);
	answer_check(&u, "", "220 ready\r\n");
	server_wait_event(s, "upstream_recovered", "reason=check");
	close_checked(&u, s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		E2E(checks__of_many_workers__come_once_an_interval),
		E2E(checks__that_the_server_ends_late__keep_their_interval),
		E2E(checks__under_reloads__are_not_doubled),
		E2E(checks__of_a_server_that_is_down__are_not_made),
		E2E(verdict__of_the_checks__holds_for_all_workers),
		E2E(expect__of_another_answer__takes_the_server_out_until_it_is_right),
		E2E(expect__of_a_greeting__fails_when_none_comes_in_time),
	};

	return E2E_RUN(tests);
}
