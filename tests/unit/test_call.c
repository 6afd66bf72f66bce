/* SPDX-License-Identifier: MIT */
/* Tests of demo/call.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/sys.h"
#include "demo/call.h"
#include "unit/island.h"

static const char *text_of(const struct call *call)
{
	static char text[CALL_TEXT];

	return call_text(call, text);
}

static void text__of_each_outcome__is_call_and_result(void **state)
{
	int ends[2];
	struct call call;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	call = call_send(ends[0], "hello");
	call_run(&call);
	assert_string_equal(text_of(&call), "send() = 5");
	call = call_recv(ends[1], 100, 0);
	call_run(&call);
	assert_string_equal(text_of(&call), "recv() = 5 \"hello\"");
	call = call_recv(ends[1], 100, 0);
	call_run(&call);
	assert_string_equal(text_of(&call), "recv() = EAGAIN");
	assert_int_equal(call.result, -1);
	assert_int_equal(call.error, EAGAIN);
	call = call_shutdown(ends[0], SHUT_WR);
	call_run(&call);
	assert_string_equal(text_of(&call), "shutdown(WR) = 0");
	call = call_recv(ends[1], 100, 1000);
	call_run(&call);
	assert_string_equal(text_of(&call), "recv() = 0");
	call = call_send(ends[0], "again");
	call_run(&call);
	assert_string_equal(text_of(&call), "send() = EPIPE");
	call = call_close(ends[0]);
	call_run(&call);
	assert_string_equal(text_of(&call), "close() = 0");
	call = call_close(ends[0]);
	call_run(&call);
	assert_string_equal(text_of(&call), "close() = EBADF");
	close(ends[1]);
}

static void text__of_much_that_came__is_cut(void **state)
{
	char much[CALL_BYTES];
	struct call call;
	int ends[2];

	(void)state;
	memset(much, 'x', sizeof(much) - 1);
	much[sizeof(much) - 1] = '\0';
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	call = call_send(ends[0], much);
	call_run(&call);
	assert_int_equal(call.result, sizeof(much) - 1);
	call = call_recv(ends[1], sizeof(much) * 2, 0);
	call_run(&call);
	assert_int_equal(call.result, sizeof(much) - 1);
	assert_string_equal(text_of(&call), "recv() = 255 \"xxxxxxxxxxxxxxxx...\"");
	close(ends[0]);
	close(ends[1]);
}

static void text__of_a_connection__is_0_or_the_error(void **state)
{
	struct addr bound = { .len = sizeof(bound.in),
			      .in = { .sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK) } };
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	int client, server;
	struct call call;

	(void)state;
	assert_int_equal(bind(listener, &bound.sa, bound.len), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(getsockname(listener, &bound.sa, &bound.len), 0);
	call = call_connect(&bound);
	call_run(&call);
	assert_string_equal(text_of(&call), "connect() = 0");
	client = (int)call.result;
	call = call_accept(listener, 1000);
	call_run(&call);
	server = (int)call.result;
	assert_true(server >= 0);
	close(client);
	close(server);
	close(listener);
	call = call_connect(&bound);
	call_run(&call);
	assert_string_equal(text_of(&call), "connect() = ECONNREFUSED");
}

static void received__a_part_or_more_than_the_word__is_false(void **state)
{
	struct call got = { .result = 5, .bytes = "hello" };

	(void)state;
	assert_true(call_received(&got, "hello"));
	assert_false(call_received(&got, "hell"));
	assert_false(call_received(&got, "hello "));
	assert_false(call_received(&got, "hallo"));
	got.result = -1;
	assert_false(call_received(&got, "hello"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text__of_each_outcome__is_call_and_result),
		cmocka_unit_test(text__of_much_that_came__is_cut),
		cmocka_unit_test(text__of_a_connection__is_0_or_the_error),
		cmocka_unit_test(received__a_part_or_more_than_the_word__is_false),
	};

	island_enter();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
