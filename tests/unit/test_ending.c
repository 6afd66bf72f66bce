/* SPDX-License-Identifier: MIT */
/*
 * Connections that their service has ended, for every reason that it has: whatever state it has
 * left, they survive the death of their worker and move to another one until they are closed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <string.h>

#include "base/sys.h"
#include "services/http/parse/http_parse.h"
#include "unit/movers.h"

enum { LONG = HTTP_LINE_MOST + 1 };

/* What the client sends: text, then `rest` letters. */
struct ending {
	const char *service, *option, *value, *text;
	size_t size, rest;
	enum close_reason reason;
};

#define ACK(framing, text, rest)                                                                \
	{                                                                                       \
		"ack", "framing", framing, text, sizeof(text) - 1, rest, CLOSE_message_too_long \
	}
#define STATUS(text, rest, reason)                                                             \
	{                                                                                      \
		"status", "linger_timeout", "5s", text, sizeof(text) - 1, rest, CLOSE_##reason \
	}
#define POST "POST / HTTP/1.1\r\nHost: x\r\n"
#define GET  "GET /healthz HTTP/1.1\r\nHost: x\r\n"

/* Each has an answer before the end, which may have to wait for the client. */
static const struct ending endings[] = {
	ACK("line", "one\n", LONG),
	ACK("line", "one\ntwo\r", LONG),
	ACK("length", "\0\0\0\1x\x7f\xff\xff\xff", 0),
	ACK("length", "\0\0\0\1x\x7f\xff\xff\xff", 10),
	STATUS("no request\r\n\r\n", 0, message_invalid),
	STATUS("GET / HTTP/9.9\r\nHost: x\r\n\r\n", 0, message_invalid),
	STATUS("GET / HTTP/1.1\r\nHost", LONG, message_too_long),
	STATUS("GET / HTTP/1.1\r\n\r\n", 0, message_invalid),
	STATUS("GET /", LONG, message_too_long),
	STATUS(POST "Content-Length: 999999999\r\n\r\n", 0, message_too_long),
	STATUS(POST "Content-Length: many\r\n\r\n", 0, message_invalid),
	STATUS(POST "Transfer-Encoding: gzip\r\n\r\n", 0, message_invalid),
	STATUS(POST "Transfer-Encoding: chunked\r\n\r\nno\r\n", 0, message_invalid),
	STATUS(POST "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nfffffff\r\n", 0,
	       message_too_long),
	STATUS(GET "\r\n" POST "Content-Length: 5\r\nExpect: 100-continue\r\n\r\n", 0,
	       service_finished),
	STATUS(GET "Connection: close\r\n\r\n" GET, 0, service_finished),
	{ "daytime", "linger_timeout", "5s", "", 0, 0, CLOSE_service_finished },
};

static void start(const struct ending *e)
{
	struct siblings *all = &movers.all;

	movers.from = sibling_start(all, 0, MOVERS_OLD, e->service, e->option, e->value,
				    "max_message", "100", NULL);
	movers.one = sibling_start(all, 1, MOVERS_OLD, e->service, e->option, e->value,
				   "max_message", "100", NULL);
	if (movers.from->pool.services[0]->init)
		assert_true(movers.from->pool.services[0]->init(&movers.from->heritage,
								&movers.from->listens[0]));
}

/* Then no answer goes out. Returns how many bytes are before it. */
static size_t fill_socket(const struct record *r)
{
	static const char filling[4096];
	size_t filled = 0;
	ssize_t n;

	while ((n = send(r->fd, filling, sizeof(filling), MSG_DONTWAIT)) > 0)
		filled += (size_t)n;
	while ((n = send(r->fd, filling, 1, MSG_DONTWAIT)) > 0)
		filled += (size_t)n;
	return filled;
}

static void say_all(int client, const struct ending *e)
{
	char letters[LONG];

	memset(letters, 'x', sizeof(letters));
	if (e->size > 0)
		assert_int_equal(send(client, e->text, e->size, 0), e->size);
	if (e->rest > 0)
		assert_int_equal(send(client, letters, e->rest, 0), e->rest);
	siblings_settle(&movers.all);
}

static void receive_all(int client, size_t filled)
{
	char got[4096];
	size_t in = 0;
	ssize_t n;

	do {
		siblings_settle(&movers.all);
		n = recv(client, got, sizeof(got), MSG_DONTWAIT);
		in += n > 0 ? (size_t)n : 0;
	} while (n > 0);
	assert_int_equal(n, 0);
	assert_true(in > filled);
}

/* As a worker that was taken over may write it. */
static void damage_state(struct record *r)
{
	memset(r->state_bytes, 0xff, movers.from->pool.services[0]->state_size);
}

/* An epoll that a worker has left may report anything. */
static void report_input(struct sibling *w)
{
	struct record *r = sibling_record(w, 0);

	r->is_unfinished = true;
	dispatch_ready(&w->pool, pool_tag(r), EPOLLIN);
	siblings_settle(&movers.all);
}

/* The worker dies with nothing in hand; then the next one passes the connection on. */
static void recover_and_move(const struct ending *e, enum conn_state is, bool is_damaged)
{
	struct record *r = sibling_record(movers.from, 0);

	if (r->state != is || r->ending != e->reason)
		fail_msg("%s %s: state %u, ending %s", e->service, e->text, r->state,
			 close_reason_name(r->ending));
	if (is_damaged)
		damage_state(r);
	sibling_die(movers.from);
	sibling_recover(movers.from);
	assert_int_equal(movers.from->recovery.damaged, 0);
	assert_int_equal(sibling_conns(movers.from), 1);
	assert_int_equal(sibling_offer(movers.from, movers.one, 1), OFFER_TAKEN);
	assert_int_equal(sibling_metric(movers.one, METRIC_moves_refused_total), 0);
	assert_int_equal(sibling_record(movers.one, 0)->state, is);
	siblings_assert_sole(&movers.all, 1);
}

static void end_conn(const struct ending *e, enum conn_state is, bool is_damaged)
{
	size_t filled;
	int client;

	start(e);
	client = sibling_connect(movers.from, 0);
	filled = is == CONN_FLUSHING ? fill_socket(sibling_record(movers.from, 0)) : 0;
	say_all(client, e);
	recover_and_move(e, is, is_damaged);
	report_input(movers.one);
	receive_all(client, filled);
	siblings_close(&movers.all, client);
	siblings_settle(&movers.all);
	siblings_assert_sole(&movers.all, 0);
}

static void end_conns(size_t least, enum conn_state is, bool is_damaged)
{
	void *state = NULL;

	for (unsigned i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
		if (endings[i].size < least)
			continue;
		movers_begin(&state);
		end_conn(&endings[i], is, is_damaged);
		movers_end(&state);
	}
}

/* A service that answers without being asked has done so before the test can be in its way. */
static void connection__whose_last_answer_waits__goes_on(void **state)
{
	(void)state;
	end_conns(1, CONN_FLUSHING, false);
}

static void connection__whose_client_has_not_ended__goes_on(void **state)
{
	(void)state;
	end_conns(0, CONN_LINGERING, false);
}

/* No hook of the service sees it. */
static void state__of_an_ending_connection__may_be_anything(void **state)
{
	(void)state;
	end_conns(1, CONN_FLUSHING, true);
	end_conns(0, CONN_LINGERING, true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(connection__whose_last_answer_waits__goes_on),
		cmocka_unit_test(connection__whose_client_has_not_ended__goes_on),
		cmocka_unit_test(state__of_an_ending_connection__may_be_anything),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
