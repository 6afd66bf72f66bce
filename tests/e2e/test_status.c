/* SPDX-License-Identifier: MIT */
/* status: the real server's answers to HTTP clients, also slow, wrong, impatient and late ones. */
#include "harness.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "client.h"
#include "process.h"
#include "web.h"

#define STATUS "127.0.0.1:0=status"
static unsigned count(const char *text, const char *part)
{
	unsigned n = 0;

	for (const char *at = text; (at = strstr(at, part)); at++)
		n++;
	return n;
}

static void every_route__is_served(void **state)
{
	struct server *s = server_start(&(struct plan){ .listen = { STATUS }, .workers = 2 });

	(void)state;
	web_begins(web_ask(s, "GET /healthz" WEB_LAST), "HTTP/1.1 200 OK\r\n");
	assert_string_equal(web_body(), "ok\n");
	web_has(web_ask(s, "GET /" WEB_LAST), "\r\nContent-Type: text/html; charset=utf-8\r\n");
	web_has(web_answer, "</html>\n");
	web_has(web_ask(s, "GET /status.json" WEB_LAST), "\r\nContent-Type: application/json\r\n");
	web_has(web_answer, "\"workers_ready\":2");
	web_has(web_ask(s, "GET /metrics" WEB_LAST),
		"text/plain; version=0.0.4; charset=utf-8\r\n");
	web_has(web_answer, "\nprefork_workers_ready 2\n");
	server_stop(s);
}

static void head__has_no_body(void **state)
{
	static const char *const requests[] = { "HEAD /" WEB_LAST, "HEAD /status.json" WEB_LAST,
						"HEAD /metrics" WEB_LAST, "HEAD /healthz" WEB_LAST,
						"HEAD /nothing" WEB_LAST };
	struct server *s = server_start(&(struct plan){ .listen = { STATUS } });

	(void)state;
	for (unsigned i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		web_begins(web_ask(s, requests[i]), i < 4 ? "HTTP/1.1 200 " : "HTTP/1.1 404 ");
		assert_string_equal(web_body(), "");
	}
	server_stop(s);
}

static void what_is_not_there__is_refused_by_name(void **state)
{
	struct server *s = server_start(&(struct plan){ .listen = { STATUS } });

	(void)state;
	web_begins(web_ask(s, "GET /nothing" WEB_LAST), "HTTP/1.1 404 Not Found\r\n");
	web_begins(web_ask(s, "PUT /metrics" WEB_LAST), "HTTP/1.1 405 Method Not Allowed\r\n");
	web_has(web_answer, "\r\nAllow: GET, HEAD\r\n");
	web_begins(web_ask(s, "GET / HTTP/3.0\r\n\r\n"), "HTTP/1.1 505 ");
	web_begins(web_ask(s, "GET / HTTP/1.1\r\n\r\n"), "HTTP/1.1 400 ");
	server_wait_count(s, 2, "connection_ended", "ending=message_invalid");
	server_stop(s);
}

/* Whether the service answers, or refuses what is no request; an answer counts when it is out. */
static void answers__are_counted_by_the_class_of_their_status(void **state)
{
	static const char *const requests[] = { "GET /healthz" WEB_LAST, "GET /nothing" WEB_LAST,
						"POST /" WEB_LAST, "no request\r\n\r\n",
						"HEAD /metrics" WEB_LAST };
	struct server *s = server_start(&(struct plan){ .listen = { STATUS }, .workers = 1 });

	(void)state;
	for (unsigned i = 0; i < sizeof(requests) / sizeof(requests[0]); i++)
		web_ask(s, requests[i]);
	web_has(web_ask(s, "GET /status.json" WEB_LAST),
		"\"http_responses_total\":{\"2xx\":2,\"3xx\":0,\"4xx\":3,\"5xx\":0}");
	web_ask(s, "GET /metrics" WEB_LAST);
	web_has(web_answer, "service=\"status\",class=\"2xx\"} 3\n");
	web_has(web_answer, "service=\"status\",class=\"4xx\"} 3\n");
	server_stop(s);
}

static void too_much__is_refused_and_read_to_its_end(void **state)
{
	static char request[40000];
	struct server *s = server_start(&(struct plan){ .listen = { STATUS } });

	(void)state;
	memset(request, 'a', sizeof(request) - 1);
	memcpy(request, "GET /", 5);
	web_begins(web_ask(s, request), "HTTP/1.1 414 ");
	memcpy(request, "GET / HTTP/1.1\r\nX: ", 19);
	web_begins(web_ask(s, request), "HTTP/1.1 431 ");
	snprintf(request, 99, "POST /" WEB_HOST "Content-Length: 100000\r\n\r\n");
	request[strlen(request)] = 'x';
	web_begins(web_ask(s, request), "HTTP/1.1 413 ");
	web_begins(web_ask(s, "POST /" WEB_HOST "Transfer-Encoding: chunked\r\n\r\n10001\r\n"),
		   "HTTP/1.1 413 ");
	server_wait_count(s, 4, "connection_ended", "ending=message_too_long");
	server_stop(s);
}

static const char several[] = "GET /healthz" WEB_HOST "\r\n"
			      "POST /x" WEB_HOST "Content-Length: 4\r\n\r\nbody"
			      "GET /metrics" WEB_HOST "Transfer-Encoding: chunked\r\n\r\n"
			      "1\r\nx\r\n0\r\n\r\n"
			      "HEAD /" WEB_HOST "\r\n"
			      "GET /healthz" WEB_LAST;

static void assert_several(void)
{
	assert_int_equal(count(web_answer, "HTTP/1.1 200 OK\r\n"), 4);
	assert_int_equal(count(web_answer, "HTTP/1.1 405 "), 1);
	assert_int_equal(count(web_answer, "\r\n0\r\n\r\n"), 1);
	assert_int_equal(count(web_answer, "\r\n\r\nok\n"), 2);
}

static void pipelined__in_one_segment__are_all_answered(void **state)
{
	struct server *s = server_start(&(struct plan){ .listen = { STATUS } });

	(void)state;
	web_ask(s, several);
	assert_several();
	server_stop(s);
}

static void pipelined__split_at_every_byte__are_all_answered(void **state)
{
	struct server *s = server_start(&(struct plan){ .listen = { STATUS } });

	(void)state;
	for (size_t split = 1; split < sizeof(several) - 1; split++) {
		int fd = client_connect(FIRST(s)), on = 1;

		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		client_send(fd, several, split);
		client_send(fd, several + split, sizeof(several) - 1 - split);
		client_drain(fd, web_answer, sizeof(web_answer));
		close(fd);
		assert_several();
	}
	server_stop(s);
}

static void http_1_0__ends_with_its_answer(void **state)
{
	struct server *s = server_start(&(struct plan){ .listen = { STATUS } });

	(void)state;
	web_has(web_ask(s, "GET /healthz HTTP/1.0\r\n\r\n"), "Connection: close\r\n");
	web_ask(s, "GET /metrics HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
	assert_null(strstr(web_answer, "Transfer-Encoding"));
	assert_int_equal(web_answer[strlen(web_answer) - 1], '\n');
	server_stop(s);
}

static void keep_alive__between_requests__ends_when_idle(void **state)
{
	struct server *s =
		server_start(&(struct plan){ .listen = { STATUS ",idle_timeout=300ms" } });
	int fd = client_connect(FIRST(s));

	(void)state;
	client_say(fd, "GET /healthz" WEB_HOST "\r\n");
	client_drain(fd, web_answer, sizeof(web_answer));
	close(fd);
	assert_string_equal(web_body(), "ok\n");
	server_wait_event(s, "connection_ended", "ending=idle_timeout messages=1");
	server_stop(s);
}

/* Each byte comes in time, but the whole request does not. */
static void byte_by_byte__too_slowly__is_a_message_timeout(void **state)
{
	struct server *s =
		server_start(&(struct plan){ .listen = { STATUS ",message_timeout=500ms" } });
	int fd = client_connect(FIRST(s));

	(void)state;
	client_say(fd, "GET / HTTP/1.1\r\nX: ");
	while (!client_ended(fd, 50))
		send(fd, "x", 1, MSG_NOSIGNAL);
	close(fd);
	server_wait_event(s, "connection_ended", "ending=message_timeout");
	server_stop(s);
}

static int connect_narrow(const struct server *s)
{
	int fd = client_connect(FIRST(s)), little = 4096;

	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &little, sizeof(little));
	return fd;
}

static void metrics__larger_than_all_buffers__reach_a_slow_reader_whole(void **state)
{
	struct server *s = server_start(&(struct plan){
		.listen = { STATUS ",sndbuf=4k", "127.0.0.1:0=ack" }, .workers = 64 });
	int fd = connect_narrow(s);
	char bytes[997];
	ssize_t n;
	size_t used = 0;

	(void)state;
	client_say(fd, "GET /metrics" WEB_LAST);
	while ((n = recv(fd, bytes, sizeof(bytes), 0)) > 0 && used + (size_t)n < WEB_ANSWER) {
		memcpy(web_answer + used, bytes, (size_t)n);
		used += (size_t)n;
	}
	web_answer[used] = '\0';
	close(fd);
	assert_true(used > 65536);
	assert_string_equal(web_answer + used - 7, "\r\n0\r\n\r\n");
	web_has(web_answer, "prefork_worker_memory_bytes{worker=\"63\"} ");
	server_stop(s);
}

static void healthz__of_a_server_that_stops__is_503(void **state)
{
	struct server *s = server_start(&(struct plan){ .listen = { STATUS } });
	int fd = client_connect(FIRST(s));

	(void)state;
	client_say(fd, "GET /healthz" WEB_HOST);
	server_wait_event(s, "connection_opened", NULL);
	server_signal(s, SIGTERM);
	WAIT_UNTIL(s, server_draining(s) == 1);
	client_say(fd, "\r\n");
	client_drain(fd, web_answer, sizeof(web_answer));
	close(fd);
	web_begins(web_answer, "HTTP/1.1 503 Service Unavailable\r\n");
	web_has(web_answer, "Connection: close\r\n");
	assert_string_equal(web_body(), "draining\n");
	server_end(s, 0, 0);
	assert_int_equal(server_count(s, "connection_ended", "ending=drained"), 1);
}

static void request__after_a_crash_of_the_worker__goes_on(void **state)
{
	struct server *s = server_start(&(struct plan){ .listen = { STATUS } });
	int fd = client_connect(FIRST(s));

	(void)state;
	client_say(fd, "GET /hea");
	server_wait_event(s, "connection_opened", NULL);
	WAIT_UNTIL(s, process_sleeps(server_worker(s, 0)));
	kill(server_worker(s, 0), SIGKILL);
	server_wait_event(s, "connections_recovered", "kept=1");
	client_say(fd, "lthz" WEB_LAST);
	client_drain(fd, web_answer, sizeof(web_answer));
	close(fd);
	assert_string_equal(web_body(), "ok\n");
	server_stop(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		E2E(every_route__is_served),
		E2E(head__has_no_body),
		E2E(what_is_not_there__is_refused_by_name),
		E2E(answers__are_counted_by_the_class_of_their_status),
		E2E(too_much__is_refused_and_read_to_its_end),
		E2E(pipelined__in_one_segment__are_all_answered),
		E2E(pipelined__split_at_every_byte__are_all_answered),
		E2E(http_1_0__ends_with_its_answer),
		E2E(keep_alive__between_requests__ends_when_idle),
		E2E(byte_by_byte__too_slowly__is_a_message_timeout),
		E2E(metrics__larger_than_all_buffers__reach_a_slow_reader_whole),
		E2E(healthz__of_a_server_that_stops__is_503),
		E2E(request__after_a_crash_of_the_worker__goes_on),
	};

	return E2E_RUN(tests);
}
