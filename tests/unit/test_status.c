/* SPDX-License-Identifier: MIT */
/* status: the answer to each request, however its bytes arrive. */
#include "unit/asked.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "services/http/parse/http_parse.h"
#include "worker/conn.h"
#include "worker/hand.h"

static void http_1_0__ends_unless_it_asks_to_go_on(void **state)
{
	struct asked *t = *state;
	bool ended;

	assert_has(asked_say(t, "GET /healthz HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", &ended),
		   "Connection: keep-alive\r\n");
	assert_false(ended);
	assert_has(asked_say(t, "GET /healthz HTTP/1.0\r\n\r\n", &ended), "Connection: close\r\n");
	assert_true(ended);
}

static void long_answer__to_http_1_0__ends_with_the_connection(void **state)
{
	struct asked *t = *state;
	bool ended;
	const char *text = asked_say(t, "GET /status.json HTTP/1.0\r\n\r\n", &ended);

	assert_begins(text, "HTTP/1.1 200 ");
	assert_null(strstr(text, "Transfer-Encoding"));
	assert_begins(asked_body(text), "{");
	assert_true(ended);
}

/* Cut, it would pass for whole where nothing but the connection's end tells its end. */
static void long_answer__that_is_cut__looks_whole_in_http_1_0_alone(void **state)
{
	static const struct {
		const char *request;
		bool looks_whole;
	} rows[] = {
		{ "GET / HTTP/1.0\r\n\r\n", true },
		{ "GET / HTTP/1.1\r\nHost: x\r\n\r\n", false },
	};
	enum { NARROW = 4096 };

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct asked *t = asked_again(state);
		struct record *r = served_only(&t->served);
		struct conn *c;

		assert_int_equal(
			setsockopt(r->fd, SOL_SOCKET, SO_SNDBUF, &(int){ NARROW }, sizeof(int)), 0);
		assert_false(service_find("status")->looks_whole(served_view(&t->served)));
		served_send(&t->served, t->client, rows[i].request, strlen(rows[i].request));
		served_settle(&t->served);
		assert_int_equal(service_find("status")->looks_whole(served_view(&t->served)),
				 rows[i].looks_whole);
		c = hand_take(&t->served.pool, r);
		assert_int_equal(hand_ask_timed_out(c, CLOSE_lifetime_reached), ABORT);
		conn_close(c, CLOSE_service_finished);
		hand_put_down(&t->served.pool);
		assert_int_equal(r->ending, CLOSE_lifetime_reached);
		assert_int_equal(r->is_reset, rows[i].looks_whole);
	}
}

static void every_route__get_and_head__have_the_same_head(void **state)
{
	static const struct {
		const char *path, *type, *first;
	} rows[] = {
		{ "/", "text/html; charset=utf-8", "<!DOCTYPE html>" },
		{ "/status.json", "application/json", "{" },
		{ "/metrics", "text/plain; version=0.0.4; charset=utf-8", "# HELP prefork_" },
		{ "/healthz", "text/plain; charset=utf-8", "ok\n" },
		{ "/metrics?collect=all", "text/plain; version=0.0.4; charset=utf-8", "# HELP " },
	};
	struct asked *t = *state;
	char request[128], line[128];
	bool ended;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: x\r\n\r\n",
			 rows[i].path);
		snprintf(line, sizeof(line), "\r\nContent-Type: %s\r\n", rows[i].type);
		assert_has(asked_say(t, request, &ended), line);
		assert_has(t->answer, "\r\nX-Content-Type-Options: nosniff\r\n");
		assert_has(t->answer, "\r\nCache-Control: no-store\r\n");
		assert_has(asked_body(t->answer), rows[i].first);
		snprintf(request, sizeof(request), "HEAD %s HTTP/1.1\r\nHost: x\r\n\r\n",
			 rows[i].path);
		assert_has(asked_say(t, request, &ended), line);
		assert_string_equal(asked_body(t->answer), "");
		assert_false(ended);
	}
}

static void metrics__each_get__counts_a_scrape(void **state)
{
	struct asked *t = *state;
	bool ended;

	asked_say(t, "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", &ended);
	asked_say(t, "HEAD /metrics HTTP/1.1\r\nHost: x\r\n\r\n", &ended);
	assert_int_equal(served_metric(&t->served, METRIC_scrapes_total), 1);
	assert_int_equal(served_metric(&t->served, METRIC_messages_total), 2);
}

static void other_paths_and_methods__are_404_and_405(void **state)
{
	struct asked *t = *state;
	bool ended;

	assert_begins(asked_say(t, "GET /healthz/ HTTP/1.1\r\nHost: x\r\n\r\n", &ended),
		      "HTTP/1.1 404 ");
	assert_begins(asked_say(t, "GET /favicon.ico HTTP/1.1\r\nHost: x\r\n\r\n", &ended),
		      "HTTP/1.1 404 ");
	assert_begins(asked_say(t, "DELETE / HTTP/1.1\r\nHost: x\r\n\r\n", &ended),
		      "HTTP/1.1 405 ");
	assert_has(t->answer, "\r\nAllow: GET, HEAD\r\n");
	assert_begins(asked_say(t, "BREW / HTTP/1.1\r\nHost: x\r\n\r\n", &ended), "HTTP/1.1 501 ");
	assert_begins(asked_say(t, "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", &ended),
		      "HTTP/1.1 405 ");
	assert_false(ended);
}

#define CHUNKED "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"

static void wrong_requests__are_answered_and_ended(void **state)
{
	static const struct {
		const char *request, *answer;
		enum close_reason reason;
	} rows[] = {
		{ "GET / HTTP/2.0\r\n\r\n", "HTTP/1.1 505 ", CLOSE_message_invalid },
		{ "GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 400 ", CLOSE_message_invalid },
		{ "GET /\n\n", "HTTP/1.1 400 ", CLOSE_message_invalid },
		{ "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 65537\r\n\r\n", "HTTP/1.1 413 ",
		  CLOSE_message_too_long },
		{ CHUNKED "10001\r\n", "HTTP/1.1 413 ", CLOSE_message_too_long },
		{ CHUNKED "5\r\nhello\r\nx", "HTTP/1.1 400 ", CLOSE_message_invalid },
		{ CHUNKED "5\r\nhelloGET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 400 ",
		  CLOSE_message_invalid },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct asked *t;
		bool ended;

		t = asked_again(state);
		assert_begins(asked_say(t, rows[i].request, &ended), rows[i].answer);
		assert_has(t->answer, "Connection: close\r\n");
		assert_true(ended);
		shutdown(t->client, SHUT_WR);
		served_settle(&t->served);
		assert_int_equal(asked_ending(t), rows[i].reason);
	}
}

static void head__that_is_too_long__is_414_or_431(void **state)
{
	struct asked *t = *state;
	static char request[HTTP_HEAD_MOST + 64];
	bool ended;

	memset(request, 'a', HTTP_LINE_MOST + 10);
	memcpy(request, "GET /", 5);
	assert_begins(asked_say(t, request, &ended), "HTTP/1.1 414 ");
	t = asked_again(state);
	snprintf(request, sizeof(request), "GET / HTTP/1.1\r\nHost: x\r\nX: %0*d",
		 HTTP_HEADER_MOST + 1, 0);
	assert_begins(asked_say(t, request, &ended), "HTTP/1.1 431 ");
	assert_true(ended);
}

static void body__that_fits__goes_by_before_the_next_request(void **state)
{
	struct asked *t = *state;
	static char sent[HTTP_BODY_MOST + 1];
	bool ended;

	assert_begins(asked_say(t, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 65536\r\n\r\n",
				&ended),
		      "HTTP/1.1 405 ");
	assert_false(served_view(&t->served)->service->idle(served_view(&t->served)));
	memset(sent, 'x', HTTP_BODY_MOST);
	assert_string_equal(asked_say(t, sent, &ended), "");
	assert_begins(asked_say(t, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", &ended),
		      "HTTP/1.1 200 ");
	assert_true(served_view(&t->served)->service->idle(served_view(&t->served)));
}

static void chunked_body__is_read_before_its_answer__and_takes_no_room(void **state)
{
	enum { CHUNKS = 16, CHUNK = HTTP_BODY_MOST / CHUNKS };

	struct asked *t = *state;
	static char chunk[CHUNK + 16];
	bool ended;

	snprintf(chunk, sizeof(chunk), "%x\r\n%0*d\r\n", CHUNK, CHUNK, 0);
	assert_string_equal(asked_say(t, CHUNKED, &ended), "");
	for (int i = 0; i < CHUNKS; i++)
		assert_string_equal(asked_say(t, chunk, &ended), "");
	assert_int_equal(buf_used(&served_view(&t->served)->in), strlen(CHUNKED));
	assert_false(served_view(&t->served)->service->idle(served_view(&t->served)));
	assert_true(served_view(&t->served)->service->is_sound(served_view(&t->served)));
	assert_begins(asked_say(t, "0\r\n\r\n", &ended), "HTTP/1.1 405 ");
	assert_begins(asked_say(t, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", &ended),
		      "HTTP/1.1 200 ");
	assert_true(served_view(&t->served)->service->idle(served_view(&t->served)));
}

static void body__that_waits_for_100__is_refused(void **state)
{
	static const char *const bodies[] = { "Content-Length: 9", "Transfer-Encoding: chunked" };

	for (size_t i = 0; i < 2; i++) {
		struct asked *t = asked_again(state);
		char request[128];
		bool ended;

		snprintf(request, sizeof(request),
			 "POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n%s\r\n\r\n",
			 bodies[i]);
		asked_say(t, request, &ended);
		assert_begins(t->answer, "HTTP/1.1 405 ");
		assert_has(t->answer, "Connection: close\r\n");
		assert_true(ended);
	}
}

/* However the end of a body is given, and whatever the answer is, it is never read as a request. */
static void body__that_looks_like_a_request__is_served_to_nobody(void **state)
{
#define REST "\r\n\r\nHEAD /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"
	static const struct {
		const char *headers, *answer;
	} rows[] = {
		{ "Content-Length: 36" REST, "HTTP/1.1 200 " },
		{ "Transfer-Encoding: chunked\r\n\r\n26" REST "\r\n0\r\n\r\n", "HTTP/1.1 200 " },
		{ "Expect: 100-continue\r\nContent-Length: 36" REST, "HTTP/1.1 200 " },
		{ "Content-Length: +36" REST, "HTTP/1.1 400 " },
		{ "Content-Length: 0\r\nContent-Length: 0" REST, "HTTP/1.1 400 " },
		{ "Content-Length: 5\r\nTransfer-Encoding: chunked" REST, "HTTP/1.1 400 " },
		{ "Transfer-Encoding: chunked" REST, "HTTP/1.1 400 " },
		{ "Transfer-Encoding: gzip" REST, "HTTP/1.1 501 " },
		{ "Transfer-Encoding: gzip, chunked" REST, "HTTP/1.1 501 " },
		{ "Content-Length: 10000000000" REST, "HTTP/1.1 413 " },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct asked *t = asked_again(state);
		char request[256];
		bool ended;

		snprintf(request, sizeof(request), "GET /healthz HTTP/1.1\r\nHost: x\r\n%s",
			 rows[i].headers);
		assert_begins(asked_say(t, request, &ended), rows[i].answer);
		assert_int_equal(asked_count(t->answer, "HTTP/1.1 "), 1);
		assert_int_equal(ended, i >= 2);
	}
}

static const char several[] =
	"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
	"POST /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody"
	"GET /status.json HTTP/1.1\r\nHost: x\r\n"
	"Transfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\nT: u\r\n\r\n"
	"HEAD / HTTP/1.1\r\nHost: x\r\n\r\n"
	"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

static void assert_several(const char *answer, bool ended)
{
	assert_int_equal(asked_count(answer, "HTTP/1.1 200 OK\r\n"), 4);
	assert_int_equal(asked_count(answer, "HTTP/1.1 405 "), 1);
	assert_int_equal(asked_count(answer, "\r\n0\r\n\r\n"), 1);
	assert_int_equal(asked_count(answer, "\r\n\r\nok\n"), 2);
	assert_true(ended);
}

static void pipelined_requests__in_one_piece__are_all_answered(void **state)
{
	struct asked *t = *state;
	bool ended;

	asked_say(t, several, &ended);
	assert_several(t->answer, ended);
}

static void pipelined_requests__split_anywhere__are_all_answered(void **state)
{
	for (size_t split = 1; split < sizeof(several) - 1; split++) {
		struct asked *t;
		size_t n;
		bool ended;

		t = asked_again(state);
		served_send(&t->served, t->client, several, split);
		n = served_read(&t->served, t->client, t->answer, ANSWER, &ended);
		served_send(&t->served, t->client, several + split, sizeof(several) - 1 - split);
		if (!ended)
			served_read(&t->served, t->client, t->answer + n, ANSWER - n, &ended);
		assert_several(t->answer, ended);
	}
}

static void request__cut_off__is_incomplete(void **state)
{
	struct asked *t = *state;
	bool ended;

	asked_say(t, "GET /healthz HTT", &ended);
	shutdown(t->client, SHUT_WR);
	served_expect(&t->served, t->client, "", true);
	assert_int_equal(asked_ending(t), CLOSE_message_incomplete);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ASKED(http_1_0__ends_unless_it_asks_to_go_on),
		ASKED(long_answer__to_http_1_0__ends_with_the_connection),
		ASKED(long_answer__that_is_cut__looks_whole_in_http_1_0_alone),
		ASKED(every_route__get_and_head__have_the_same_head),
		ASKED(metrics__each_get__counts_a_scrape),
		ASKED(other_paths_and_methods__are_404_and_405),
		ASKED(wrong_requests__are_answered_and_ended),
		ASKED(head__that_is_too_long__is_414_or_431),
		ASKED(body__that_fits__goes_by_before_the_next_request),
		ASKED(chunked_body__is_read_before_its_answer__and_takes_no_room),
		ASKED(body__that_waits_for_100__is_refused),
		ASKED(body__that_looks_like_a_request__is_served_to_nobody),
		ASKED(pipelined_requests__in_one_piece__are_all_answered),
		ASKED(pipelined_requests__split_anywhere__are_all_answered),
		ASKED(request__cut_off__is_incomplete),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
