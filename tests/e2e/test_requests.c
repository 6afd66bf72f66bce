/* SPDX-License-Identifier: MIT */
/* What the options of the HTTP services bound: heads, their time, and requests of a connection. */
#include "harness.h"

#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "base/err.h"
#include "client.h"
#include "download.h"

#define GET     "GET /a.txt" WEB_HOST "\r\n"
#define CHUNKED WEB_HOST "Transfer-Encoding: chunked\r\n\r\n5\r\nhe"

enum { SERVICES = 2, HEAD_LEAST = 256 };

/* Serves a file by service http (0), or the status (1). */
static struct server *serve(unsigned service, const char *options)
{
	char listen[256];

	web_make_folder();
	web_put("a.txt", "hello\n");
	if (service == 0)
		return web_serve(options);
	snprintf(listen, sizeof(listen), "127.0.0.1:0=status%s", options);
	return server_start(&(struct plan){ .listen = { listen }, .workers = 1 });
}

static void ask(int fd)
{
	client_say(fd, GET);
	download_head(fd);
	client_hear(fd, "hello\n");
}

/* All that comes up to the server's end must begin so, and announce the end. */
static void expect_last(int fd, const char *beginning)
{
	client_drain(fd, web_answer, sizeof(web_answer));
	web_begins(web_answer, beginning);
	web_has(web_answer, "\r\nConnection: close\r\n");
	close(fd);
}

static void head__that_is_not_complete_in_time__is_answered_with_408(void **state)
{
	static const struct {
		const char *options, *begun;
	} rows[] = {
		{ ",header_timeout=300ms", "G" },
		{ ",header_timeout=300ms", "GET / HTTP/1.1\r\nHost: x\r\n" },
		{ ",header_timeout=300ms,message_timeout=off,idle_timeout=off", "GET /" },
		{ ",message_timeout=300ms", "GET /" },
		{ ",message_timeout=300ms,header_timeout=off", "GET /" CHUNKED },
	};

	(void)state;
	for (unsigned i = 0; i < SERVICES * sizeof(rows) / sizeof(*rows); i++) {
		struct server *s = serve(i % SERVICES, rows[i / SERVICES].options);
		int fd = client_connect(FIRST(s));

		client_say(fd, rows[i / SERVICES].begun);
		expect_last(fd, "HTTP/1.1 408 Request Timeout\r\n");
		server_wait_event(s, "connection_ended", "ending=message_timeout");
		server_stop(s);
	}
}

/* Sends a byte now and then until something comes; returns after how many milliseconds it did. */
static int64_t trickle(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int64_t begun_ms = clock_ms();

	while (poll(&p, 1, 50) == 0) {
		client_say(fd, "x");
		assert_true(clock_ms() - begun_ms < WAIT_MS / 2);
	}
	return clock_ms() - begun_ms;
}

/* The time is that of the head, not of the silence between its bytes. */
static void head__that_trickles__has_no_more_time(void **state)
{
	struct server *s = serve(0, ",header_timeout=1s");
	int first = client_connect(FIRST(s)), second = client_connect(FIRST(s));

	(void)state;
	ask(second);
	client_say(first, "GET / HTTP/1.1\r\nX: ");
	assert_true(trickle(first) < WAIT_MS / 4);
	expect_last(first, "HTTP/1.1 408 ");
	/* its connection is older by now */
	client_say(second, "GET / HTTP/1.1\r\nX: ");
	assert_in_range(trickle(second), 900, WAIT_MS / 4);
	expect_last(second, "HTTP/1.1 408 ");
	server_stop(s);
}

/* The older connection is over first, though its head began later. */
static void head__of_the_first_request__has_the_time_of_the_connection(void **state)
{
	struct server *s = serve(0, ",header_timeout=3s");
	int64_t begun_ms = clock_ms();
	int older = client_connect(FIRST(s)), newer;
	struct pollfd both[2] = { { .fd = older, .events = POLLIN }, { .events = POLLIN } };

	(void)state;
	server_wait_event(s, "connection_opened", NULL);
	assert_false(client_ended(older, 1000));
	newer = both[1].fd = client_connect(FIRST(s));
	client_say(newer, "GET ");
	assert_false(client_ended(newer, 300));
	client_say(older, "GET ");
	assert_true(poll(both, 2, WAIT_MS) > 0);
	assert_true(both[0].revents & POLLIN);
	assert_in_range(clock_ms() - begun_ms, 2900, WAIT_MS);
	expect_last(older, "HTTP/1.1 408 ");
	expect_last(newer, "HTTP/1.1 408 ");
	server_stop(s);
}

static void head__outlives_its_worker__but_not_its_time(void **state)
{
	struct server *s = serve(0, ",header_timeout=2s");
	int fd = client_connect(FIRST(s));

	(void)state;
	client_say(fd, "GET ");
	web_kill_worker(s, fd);
	expect_last(fd, "HTTP/1.1 408 ");
	server_stop(s);
}

static void silent__connection__is_ended_without_a_word(void **state)
{
	(void)state;
	for (unsigned i = 0; i < SERVICES; i++) {
		struct server *s = serve(i, ",header_timeout=300ms");
		int fd = client_connect(FIRST(s));

		client_expect_end(fd);
		close(fd);
		server_wait_event(s, "connection_ended", "ending=idle_timeout");
		server_stop(s);
	}
}

static void keepalive_timeout__holds_between_requests(void **state)
{
	struct server *s = serve(0, ",keepalive_timeout=300ms");
	int silent = client_connect(FIRST(s)), fd = client_connect(FIRST(s));

	(void)state;
	ask(fd);
	client_expect_end(fd);
	server_wait_event(s, "connection_ended", "ending=idle_timeout");
	close(fd);
	ask(silent);
	close(silent);
	server_stop(s);
}

static void keepalive_timeout__holds_in_place_of_idle_timeout(void **state)
{
	struct server *s = serve(0, ",keepalive_timeout=10m,idle_timeout=500ms");
	int fd = client_connect(FIRST(s)), silent;

	(void)state;
	ask(fd);
	silent = client_connect(FIRST(s));
	client_expect_end(silent);
	close(silent);
	ask(fd);
	close(fd);
	server_stop(s);
}

static void keepalive_requests__end_with_an_answer_that_says_so(void **state)
{
	(void)state;
	for (unsigned ahead = 0; ahead < 2; ahead++) {
		struct server *s = serve(0, ",keepalive_requests=2");
		int fd = client_connect(FIRST(s));

		client_say(fd, ahead > 0 ? GET GET GET GET : GET);
		download_head(fd);
		client_hear(fd, "hello\n");
		assert_null(strstr(web_answer, "Connection: close"));
		if (ahead == 0)
			client_say(fd, GET);
		expect_last(fd, "HTTP/1.1 200 OK\r\n");
		assert_string_equal(web_body(), "hello\n");
		server_wait_event(s, "connection_ended", "messages=2");
		server_stop(s);
	}
}

/* Writes a request whose head has that length. */
static void write_head(char *text, size_t length)
{
	static const char begin[] = "GET /a.txt HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX: ";
	size_t used = strlen(begin);

	memcpy(text, begin, used);
	memset(text + used, 'x', length - used - 4);
	memcpy(text + length - 4, "\r\n\r\n", 5);
}

static void head__longer_than_max_header__is_answered_with_431(void **state)
{
	char head[HEAD_LEAST + 2];

	(void)state;
	for (unsigned i = 0; i < SERVICES * 2; i++) {
		bool is_split = i >= SERVICES;
		struct server *s = serve(i % SERVICES, ",max_header=256");

		for (size_t length = HEAD_LEAST; length <= HEAD_LEAST + 1; length++) {
			int fd = client_connect(FIRST(s));

			write_head(head, length);
			client_send(fd, head, is_split ? 100 : length);
			if (is_split) {
				server_wait_event(s, "connection_opened", NULL);
				client_say(fd, head + 100);
			}
			expect_last(fd, length > HEAD_LEAST ? "HTTP/1.1 431 " :
					i % SERVICES == 0   ? "HTTP/1.1 200 " :
							      "HTTP/1.1 404 ");
		}
		server_wait_event(s, "connection_ended", "ending=message_too_long");
		server_stop(s);
	}
}

static void request__behind_a_long_one__has_its_own_head(void **state)
{
	struct server *s = serve(0, ",max_header=256");
	int fd = client_connect(FIRST(s));

	(void)state;
	for (unsigned i = 0; i < 20; i++)
		client_say(fd, GET);
	client_say(fd, "GET /a.txt" WEB_LAST);
	expect_last(fd, "HTTP/1.1 200 OK\r\n");
	assert_null(strstr(web_answer, "HTTP/1.1 4"));
	server_stop(s);
}

static void nonsense__is_refused(void **state)
{
	static const char *const rows[] = { "max_header=17k", "max_header=255",
					    "keepalive_requests=0", "header_timeout=0" };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char listen[128], out[1024];
		const char *const args[] = { "-t", "-l", listen, NULL };

		snprintf(listen, sizeof(listen), "127.0.0.1:0=status,%s", rows[i]);
		assert_int_equal(harness_run(out, sizeof(out), args), CODE_USAGE);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		E2E(head__that_is_not_complete_in_time__is_answered_with_408),
		E2E(head__that_trickles__has_no_more_time),
		E2E(head__of_the_first_request__has_the_time_of_the_connection),
		E2E(head__outlives_its_worker__but_not_its_time),
		E2E(silent__connection__is_ended_without_a_word),
		E2E(keepalive_timeout__holds_between_requests),
		E2E(keepalive_timeout__holds_in_place_of_idle_timeout),
		E2E(keepalive_requests__end_with_an_answer_that_says_so),
		E2E(head__longer_than_max_header__is_answered_with_431),
		E2E(request__behind_a_long_one__has_its_own_head),
		E2E(nonsense__is_refused),
	};

	return E2E_RUN(tests);
}
