/* SPDX-License-Identifier: MIT */
/* When the hooks of a service are called. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/sys.h"
#include "unit/own_service.h"
#include "unit/served.h"

static unsigned calls; /* of the hook; written by the services below */

/* Answers one byte with itself: of what comes after it, only once that has gone out. */
static enum verdict answer_byte(struct conn *c)
{
	calls++;
	if (buf_used(&c->in) > 0 && !conn_has_output(c)) {
		buf_put(&c->out, buf_head(&c->in), 1);
		buf_drop(&c->in, 1);
	}
	return conn_in_ended(c) && buf_used(&c->in) == 0 ? FINISH : MORE;
}

static enum verdict count_call(struct conn *c)
{
	(void)c;
	calls++;
	return MORE;
}

static bool is_always_within(const struct conn *c)
{
	(void)c;
	return false;
}

static void drained__without_a_hook__calls_input_within_a_message_alone(void **state)
{
	static const struct {
		struct service service;
		const char *sent;
		unsigned calls;
	} rows[] = {
		{ { .input = answer_byte }, "a", 1 },
		{ { .input = answer_byte }, "abc", 3 },
		{ { .input = answer_byte, .idle = is_always_within }, "abc", 4 },
		{ { .input = answer_byte, .idle = is_always_within, .drained = count_call },
		  "a",
		  2 },
		{ { .input = answer_byte, .drained = count_call }, "a", 2 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct service service = rows[i].service;
		struct served s;
		int client;

		service.name = "own";
		own_service(&service);
		served_start(&s, "own", NULL);
		client = served_connect(&s);
		calls = 0;
		served_send(&s, client, rows[i].sent, strlen(rows[i].sent));
		served_expect(&s, client, rows[i].sent, false);
		assert_int_equal(calls, rows[i].calls);
		close(client);
		served_settle(&s);
		served_stop(&s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(drained__without_a_hook__calls_input_within_a_message_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
