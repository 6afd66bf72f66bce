/* SPDX-License-Identifier: MIT */
/* status: what /healthz says of a server that serves, leaves or stops. */
#include "unit/asked.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void healthz__of_a_ready_worker__is_ok_and_goes_on(void **state)
{
	struct asked *t = *state;
	bool ended;

	for (int i = 0; i < 3; i++) {
		const char *text = asked_say(t, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", &ended);

		assert_begins(text, "HTTP/1.1 200 OK\r\n");
		assert_has(text, "Content-Length: 3\r\n");
		assert_string_equal(asked_body(text), "ok\n");
		assert_false(ended);
	}
	assert_int_equal(served_only(&t->served)->messages, 3);
}

static void healthz__of_the_last_worker_that_leaves__is_503_and_ends(void **state)
{
	struct asked *t = *state;
	bool ended;
	const char *text;

	atomic_store(&t->served.slot.state, SLOT_DRAINING);
	text = asked_say(t, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", &ended);
	assert_begins(text, "HTTP/1.1 503 ");
	assert_has(text, "Connection: close\r\n");
	assert_string_equal(asked_body(text), "draining\n");
	assert_true(ended);
}

static void healthz__of_a_worker_with_a_successor__is_200_and_ends(void **state)
{
	struct asked *t = *state;
	bool ended;
	const char *text;

	atomic_store(&t->served.slot.state, SLOT_DRAINING);
	cell_set(&t->board->server.workers_ready, 1);
	t->heritage.master_pid = getppid();
	text = asked_say(t, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", &ended);
	assert_begins(text, "HTTP/1.1 200 OK\r\n");
	assert_has(text, "Connection: close\r\n");
	assert_true(ended);
}

static void healthz__of_a_stopping_server__is_503(void **state)
{
	struct asked *t = *state;
	bool ended;

	atomic_store(&t->board->stop_due_ms, 1);
	assert_begins(asked_say(t, "HEAD /healthz HTTP/1.1\r\nHost: x\r\n\r\n", &ended),
		      "HTTP/1.1 503 ");
	assert_string_equal(asked_body(t->answer), "");
}

static void begin_lame_duck(struct asked *t)
{
	atomic_store(&t->board->lame_duck_until_ms, INT64_MAX);
	atomic_store(&t->board->stop_due_ms, INT64_MAX);
}

static void healthz__in_lame_duck__is_503_and_says_so(void **state)
{
	struct asked *t = *state;
	bool ended;
	const char *text;

	assert_begins(asked_say(t, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", &ended),
		      "HTTP/1.1 200 ");
	begin_lame_duck(t);
	text = asked_say(t, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", &ended);
	assert_begins(text, "HTTP/1.1 503 ");
	assert_has(text, "Connection: close\r\n");
	assert_string_equal(asked_body(text), "lame_duck: the server is leaving\n");
	assert_true(ended);
}

static void pipelined__in_lame_duck__are_all_answered_and_the_last_one_ends(void **state)
{
	struct asked *t = *state;
	bool ended;
	const char *text;

	begin_lame_duck(t);
	text = asked_say(t,
			 "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
			 "GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n"
			 "GET /status.json HTTP/1.1\r\nHost: x\r\n\r\n",
			 &ended);
	assert_int_equal(asked_count(text, "HTTP/1.1 "), 3);
	assert_int_equal(asked_count(text, "Connection: close\r\n"), 1);
	assert_has(text, "\"state\":\"lame_duck\"");
	assert_null(strstr(text, "\"lame_duck_left_seconds\":null"));
	assert_true(ended);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ASKED(healthz__of_a_ready_worker__is_ok_and_goes_on),
		ASKED(healthz__of_the_last_worker_that_leaves__is_503_and_ends),
		ASKED(healthz__of_a_worker_with_a_successor__is_200_and_ends),
		ASKED(healthz__of_a_stopping_server__is_503),
		ASKED(healthz__in_lame_duck__is_503_and_says_so),
		ASKED(pipelined__in_lame_duck__are_all_answered_and_the_last_one_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
