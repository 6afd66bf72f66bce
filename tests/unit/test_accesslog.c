/* SPDX-License-Identifier: MIT */
/*
 * The access log of a worker: the connections that get a line, its fields, and the time of writing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "accesslog/accesslog.h"
#include "base/sys.h"
#include "unit/aftermath.h"
#include "unit/logbook.h"

static void connection__that_the_client_ended__has_its_line(void **state)
{
	struct served s;

	(void)state;
	logbook_open(logbook_path, LOG_TEXT);
	served_start(&s, "ack", "reply", "ok", NULL);
	logbook_visit(&s);
	assert_string_equal(logbook_read(logbook_path), "");
	logbook_expect(&s, "time=2",
		       " what=connection worker=0 generation=3 connection=1 listen=test ",
		       " remote=unix: bytes_in=1 bytes_out=2 messages=1 seconds=",
		       " ending=client_closed state=--\n", NULL);
	assert_lines(&s, 1, 0, 0);
	served_stop(&s);
}

static void json__line_is_one_object(void **state)
{
	struct served s;

	(void)state;
	logbook_open(logbook_path, LOG_JSON);
	served_start(&s, "ack", "reply", "ok", NULL);
	logbook_visit(&s);
	logbook_expect(&s, "{\"time\":\"2",
		       "\",\"what\":\"connection\",\"worker\":0,\"generation\":3,",
		       "\"remote\":\"unix:\",\"bytes_in\":1,\"bytes_out\":2,\"messages\":1,",
		       "\"ending\":\"client_closed\",\"state\":\"--\"}\n", NULL);
	served_stop(&s);
}

static void message__that_ends_early__is_told_with_its_phase(void **state)
{
	struct served s;
	int client;

	(void)state;
	logbook_open(logbook_path, LOG_TEXT);
	served_start(&s, "ack", "framing", "length", NULL);
	client = served_connect(&s);
	served_send(&s, client, "\0\0\0\5hel", 7);
	close(client);
	served_settle(&s);
	logbook_expect(&s, " messages=0 ", " ending=message_incomplete state=CR\n", NULL);
	served_stop(&s);
}

static void silence__is_told_with_its_phase(void **state)
{
	static const struct {
		const char *sent, *line;
	} cases[] = { { "", " ending=idle_timeout state=c-\n" },
		      { "half", " ending=message_timeout state=cR\n" } };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct served s;
		int client;

		unlink(logbook_path);
		logbook_open(logbook_path, LOG_TEXT);
		served_start(&s, "ack", "framing", "line", "linger_timeout", "0", NULL);
		client = served_connect(&s);
		served_send(&s, client, cases[i].sent, strlen(cases[i].sent));
		served_pass(&s, 1);
		logbook_expect(&s, cases[i].line, " seconds=3600", NULL);
		close(client);
		served_stop(&s);
	}
}

static void answer__that_nobody_takes__is_told_with_its_phase(void **state)
{
	struct served s;
	int client;

	(void)state;
	logbook_open(logbook_path, LOG_TEXT);
	served_start(&s, "chargen", NULL);
	client = served_connect(&s);
	served_settle(&s);
	served_pass(&s, 1);
	logbook_expect(&s, " ending=send_timeout state=cD\n", NULL);
	close(client);
	served_stop(&s);
}

static void server__that_ends_first__is_told_as_a_clean_end(void **state)
{
	static const char *const timeouts[] = { "0", "1h" };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct served s;
		char answer[64];
		bool ended;
		int client;

		unlink(logbook_path);
		logbook_open(logbook_path, LOG_TEXT);
		served_start(&s, "daytime", "linger_timeout", timeouts[i], NULL);
		client = served_connect(&s);
		served_read(&s, client, answer, sizeof(answer), &ended);
		close(client);
		served_settle(&s);
		logbook_expect(&s, " ending=service_finished state=--\n", NULL);
		served_stop(&s);
	}
}

static void client__that_does_not_end_its_side__is_told_with_phase_l(void **state)
{
	struct served s;
	int client;

	(void)state;
	logbook_open(logbook_path, LOG_TEXT);
	served_start(&s, "daytime", "linger_timeout", "1h", NULL);
	client = served_connect(&s);
	served_pass(&s, 2);
	logbook_expect(&s, " ending=service_finished state=-L\n", NULL);
	close(client);
	served_stop(&s);
}

/*
 * Bytes of an answer with which the service ends the connection, as HTTP's Connection: close does.
 */
static size_t last_words;

static enum verdict say_and_finish(struct conn *c)
{
	char text[1024];

	memset(text, 'x', sizeof(text));
	for (size_t n = 0; n < last_words; n += sizeof(text))
		buf_put(&c->out, text, sizeof(text));
	return conn_finish(c, CLOSE_service_finished);
}

static const struct service finisher = { .name = "finisher", .input = say_and_finish };

/* Connects a client that sends a byte and reads nothing of the answer. */
static int last_client(struct served *s, size_t answer)
{
	int client, one = 1;

	last_words = answer;
	logbook_open(logbook_path, LOG_TEXT);
	served_start(s, "echo", NULL);
	s->pool.services[0] = &finisher;
	client = served_connect(s);
	setsockopt(s->fds[0].fd, SOL_SOCKET, SO_SNDBUF, &one, sizeof(one));
	served_send(s, client, "x", 1);
	return client;
}

static void last_answer__that_was_sent__is_told_as_a_clean_end(void **state)
{
	struct served s;
	char answer[2048];
	bool ended;
	int client;

	(void)state;
	client = last_client(&s, 1024);
	assert_int_equal(served_read(&s, client, answer, sizeof(answer), &ended), 1024);
	close(client);
	served_settle(&s);
	logbook_expect(&s, " bytes_out=1024 ", " ending=service_finished state=--\n", NULL);
	served_stop(&s);
}

static void last_answer__that_was_cut__is_told_with_phase_d(void **state)
{
	struct served s;
	int client;

	(void)state;
	client = last_client(&s, ARENA_BUF_SIZE);
	close(client);
	served_settle(&s);
	logbook_expect(&s, " ending=client_reset state=CD\n", NULL);
	served_stop(&s);
}

static void drain__tells_of_a_connection_between_messages(void **state)
{
	struct served s;
	int client;

	(void)state;
	logbook_open(logbook_path, LOG_TEXT);
	served_start(&s, "ack", "linger_timeout", "0", NULL);
	client = served_connect(&s);
	served_send(&s, client, "x", 1);
	dispatch_drain(&s.pool);
	served_settle(&s);
	logbook_expect(&s, " ending=drained state=K-\n", NULL);
	close(client);
	served_stop(&s);
}

static void drain__after_a_message_in_pieces__is_between_messages(void **state)
{
	struct served s;
	int client;

	(void)state;
	logbook_open(logbook_path, LOG_TEXT);
	served_start(&s, "ack", "framing", "line", "linger_timeout", "0", NULL);
	client = served_connect(&s);
	served_send(&s, client, "half", 4);
	dispatch_drain(&s.pool);
	served_settle(&s);
	served_send(&s, client, "\n", 1);
	logbook_expect(&s, " messages=1 ", " ending=drained state=K-\n", NULL);
	close(client);
	served_stop(&s);
}

static void request__without_method_and_path__is_told_without_them(void **state)
{
	struct conn_request request = { .status = 400 };
	struct served s;
	int client;

	(void)state;
	logbook_open(logbook_path, LOG_TEXT);
	served_start(&s, "ack", NULL);
	client = served_connect(&s);
	conn_log_request(served_view(&s), &request);
	logbook_expect(&s, " ending=none state=-- status=400\n", NULL);
	close(client);
	served_stop(&s);
}

static void request__is_told_while_its_connection_goes_on(void **state)
{
	struct conn_request request = { .method = { "GETxx", 3 },
					.path = { "/a b?q", 4 },
					.status = 200,
					.user = { "ops", 3 },
					.referer = { "http://a/\"", 10 },
					.user_agent = { "curl/8", 6 },
					.bytes_in = 40,
					.bytes_out = 300 };
	struct served s;
	int client;

	(void)state;
	logbook_open(logbook_path, LOG_TEXT);
	served_start(&s, "ack", NULL);
	assert_true(conn_logs());
	client = served_connect(&s);
	conn_log_request(served_view(&s), &request);
	logbook_expect(&s, " what=request ", " bytes_in=40 bytes_out=300 messages=1 ",
		       " ending=none state=-- method=GET path=\"/a b\" status=200 user=ops "
		       "referer=\"http://a/\\\"\" user_agent=curl/8\n",
		       NULL);
	close(client);
	served_stop(&s);
}

static void request__that_began_before_the_clock__has_its_time(void **state)
{
	struct conn_request request = { .status = 200 };
	struct served s;
	int client;

	(void)state;
	logbook_open(logbook_path, LOG_TEXT);
	served_start(&s, "ack", "framing", "line", "message_timeout", "off", NULL);
	client = served_connect(&s);
	served_send(&s, client, "half", 4);
	served_pass(&s, SERVED_AGES);
	conn_log_request(served_view(&s), &request);
	logbook_expect(&s, " what=request ", " seconds=630720000.", NULL);
	close(client);
	served_stop(&s);
}

static void access_log__that_is_off__costs_nothing_and_has_nothing(void **state)
{
	struct served s;

	(void)state;
	logbook_open("off", LOG_TEXT);
	served_start(&s, "ack", NULL);
	assert_false(conn_logs());
	logbook_visit(&s);
	assert_int_equal(accesslog_fds((int[ACCESSLOG_FDS]){ 0 }), 0);
	assert_int_equal(atomic_load(&head_of(&s)->log_span), 0);
	assert_lines(&s, 0, 0, 0);
	served_stop(&s);
}

static void buffer__that_is_full__is_written_without_an_alarm(void **state)
{
	struct served s;

	(void)state;
	logbook_open(logbook_path, LOG_TEXT);
	served_start(&s, "ack", NULL);
	for (unsigned i = 0; i < 1000; i++)
		logbook_visit(&s);
	assert_true(logbook_count(logbook_read(logbook_path), "\n") > 200);
	accesslog_flush();
	assert_int_equal(logbook_count(logbook_read(logbook_path), "\n"), 1000);
	assert_int_equal(logbook_count(logbook_text, "time="), 1000);
	assert_lines(&s, 1000, 0, 0);
	served_stop(&s);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, logbook_set_up, logbook_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(connection__that_the_client_ended__has_its_line),
		CASE(json__line_is_one_object),
		CASE(message__that_ends_early__is_told_with_its_phase),
		CASE(silence__is_told_with_its_phase),
		CASE(answer__that_nobody_takes__is_told_with_its_phase),
		CASE(server__that_ends_first__is_told_as_a_clean_end),
		CASE(client__that_does_not_end_its_side__is_told_with_phase_l),
		CASE(last_answer__that_was_sent__is_told_as_a_clean_end),
		CASE(last_answer__that_was_cut__is_told_with_phase_d),
		CASE(drain__tells_of_a_connection_between_messages),
		CASE(drain__after_a_message_in_pieces__is_between_messages),
		CASE(request__without_method_and_path__is_told_without_them),
		CASE(request__is_told_while_its_connection_goes_on),
		CASE(request__that_began_before_the_clock__has_its_time),
		CASE(access_log__that_is_off__costs_nothing_and_has_nothing),
		CASE(buffer__that_is_full__is_written_without_an_alarm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
