/* SPDX-License-Identifier: MIT */
/* HTTP clients of a server that stops: those whose next request is on its way, and idle ones. */
#include "harness.h"

#include <string.h>

#include "base/err.h"
#include "client.h"
#include "download.h"
#include "process.h"

#define FILES_GET  "GET /a.txt" WEB_HOST "\r\n"
#define STATUS_GET "GET /healthz" WEB_HOST "\r\n"

enum { DRAIN_MS = 1000 };

static struct server *serve(const char *setting)
{
	static char listen[256];

	web_make_folder();
	web_put("a.txt", "hello\n");
	download_put();
	snprintf(listen, sizeof(listen), "127.0.0.1:0=http,root=%s", web_folder);
	return server_start(&(struct plan){
		.listen = { listen, "127.0.0.1:0=status" }, .workers = 1, .set = { setting } });
}

/* A connection that has had an answer. */
static int connect_idle(const struct server *s)
{
	int fd = client_connect(FIRST(s));

	client_say(fd, FILES_GET);
	download_head(fd);
	client_hear(fd, "hello\n");
	assert_null(strstr(web_answer, "Connection: close"));
	return fd;
}

/* Returns once the worker drains. */
static void begin_stop(struct server *s)
{
	server_mark(s);
	server_signal(s, SIGTERM);
	(void)server_drainer(s, 0);
}

/* The answer is the last one, and says so. */
static void expect_last(int fd, const char *request, const char *beginning)
{
	client_say(fd, request);
	client_drain(fd, web_answer, sizeof(web_answer));
	web_begins(web_answer, beginning);
	web_has(web_answer, "\r\nConnection: close\r\n");
	close(fd);
}

static void request__that_comes_in_time__is_answered(void **state)
{
	struct server *s = serve(NULL);
	int idle = connect_idle(s), fresh = client_connect(FIRST(s)), half = connect_idle(s);
	int status = client_connect(s->addresses[1]), deaf = connect_idle(s);

	(void)state;
	client_say(half, "GET /a");
	client_say(status, STATUS_GET);
	download_head(status);
	server_wait_count(s, 5, "connection_opened", NULL);
	begin_stop(s);
	expect_last(idle, FILES_GET, "HTTP/1.1 200 ");
	expect_last(fresh, FILES_GET, "HTTP/1.1 200 ");
	client_say(status, STATUS_GET);
	client_drain(status, web_answer, sizeof(web_answer));
	web_has(web_answer, "HTTP/1.1 503 ");
	close(status);
	client_expect_end(deaf); /* the time is over */
	close(deaf);
	expect_last(half, ".txt" WEB_HOST "\r\n", "HTTP/1.1 200 ");
	server_end(s, 0, 0);
	assert_int_equal(server_count(s, "connection_ended", "ending=drained"), 5);
}

/* Ends a server with an idle connection; returns how long that takes. */
static int64_t stop_idle(struct server *s)
{
	int fd = connect_idle(s);
	int64_t begun_ms = clock_ms();

	begin_stop(s);
	client_expect_end(fd);
	close(fd);
	server_end(s, 0, 0);
	assert_int_equal(server_count(s, "connection_ended", "ending=drained"), 1);
	assert_int_equal(server_count(s, "shutdown_timed_out", NULL), 0);
	return clock_ms() - begun_ms;
}

static void idle__connection__holds_a_stop_up_for_a_moment(void **state)
{
	(void)state;
	assert_in_range(stop_idle(serve(NULL)), DRAIN_MS - 100, DRAIN_MS + 4000);
}

static void moment__is_within_shutdown_timeout(void **state)
{
	(void)state;
	stop_idle(serve("shutdown_timeout=500ms"));
}

static void second_signal__does_not_wait(void **state)
{
	static const int signals[] = { SIGTERM, SIGINT };

	(void)state;
	for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++) {
		struct server *s = serve(NULL);
		int fd = connect_idle(s);

		begin_stop(s);
		server_signal(s, signals[i]);
		assert_true(client_ended(fd, WAIT_MS));
		close(fd);
		server_end(s, 0, 0);
		assert_int_equal(server_count(s, "connection_ended", "ending=stopped"), 1);
	}
}

/* Its head went out before the stop, so that the client does not know of it yet. */
static void client__behind_a_download__has_its_moment_after_it(void **state)
{
	struct server *s = serve(NULL);
	int idle = connect_idle(s), fd = download_begin(s);
	size_t at = 0;

	(void)state;
	begin_stop(s);
	client_expect_end(idle);
	close(idle);
	download_go_on(fd, &at, DOWNLOAD_SIZE);
	expect_last(fd, FILES_GET, "HTTP/1.1 200 ");
	server_end(s, 0, 0);
	assert_int_equal(server_count(s, "connection_ended", "ending=drained"), 2);
}

static void request__with_a_body__is_the_last_one_too(void **state)
{
	struct server *s = serve(NULL);
	int fd = connect_idle(s);

	(void)state;
	begin_stop(s);
	expect_last(fd, "POST /a.txt" WEB_HOST "Content-Length: 3\r\n\r\nabc", "HTTP/1.1 405 ");
	server_end(s, 0, 0);
}

static void worker__that_dies_in_the_moment__answers_all_the_same(void **state)
{
	struct server *s = serve(NULL);
	int fd = connect_idle(s);

	(void)state;
	begin_stop(s);
	assert_int_equal(kill(server_drainer(s, 0), SIGKILL), 0);
	server_wait_event(s, "connections_recovered", NULL);
	expect_last(fd, FILES_GET, "HTTP/1.1 200 ");
	server_end(s, 0, 0);
}

static void reload__ends_no_idle_connection(void **state)
{
	struct server *s = serve(NULL);
	int fd = connect_idle(s);
	char out[256];

	(void)state;
	assert_int_equal(server_verb(s, "reload", out, sizeof(out)), CODE_OK);
	client_say(fd, FILES_GET);
	download_head(fd);
	client_hear(fd, "hello\n");
	assert_null(strstr(web_answer, "Connection: close"));
	close(fd);
	server_stop(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		E2E(request__that_comes_in_time__is_answered),
		E2E(idle__connection__holds_a_stop_up_for_a_moment),
		E2E(moment__is_within_shutdown_timeout),
		E2E(second_signal__does_not_wait),
		E2E(client__behind_a_download__has_its_moment_after_it),
		E2E(request__with_a_body__is_the_last_one_too),
		E2E(worker__that_dies_in_the_moment__answers_all_the_same),
		E2E(reload__ends_no_idle_connection),
	};

	return E2E_RUN(tests);
}
