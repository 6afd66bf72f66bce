/* SPDX-License-Identifier: MIT */
/* Tests of demo/transfer against the kernel. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/sys.h"
#include "demo/diagram.h"
#include "demo/process.h"
#include "demo/transfer.h"
#include "unit/island.h"

enum { SOON_MS = 5000, SIZE = 100000, LARGE = 64 << 20 };

struct two {
	int from, to;
};

static struct call done(struct call call)
{
	call_run(&call);
	return call;
}

static int open_two(void **state)
{
	struct two *two = malloc(sizeof(*two));
	struct diagram out = { .claims = NULL };
	struct addr bound;
	int listener = process_listen(&out, 1, &bound);

	two->from = (int)done(call_connect(&bound)).result;
	two->to = (int)done(call_accept(listener, SOON_MS)).result;
	close(listener);
	*state = two;
	return two->from < 0 || two->to < 0;
}

static int close_two(void **state)
{
	struct two *two = *state;

	close(two->from);
	close(two->to);
	free(two);
	return 0;
}

static void stream__sent_in_pieces__is_received_as_one(void **state)
{
	const struct two *two = *state;
	struct call got;

	assert_int_equal(done(transfer_send("send()", two->from, 7, 1000, 0)).result, 1000);
	got = done(transfer_send_all(two->from, 1007, SIZE - 1000));
	assert_int_equal(got.result, SIZE - 1000);
	assert_true(got.option >= 1);
	assert_int_equal(done(call_unread(two->to, SIZE, SOON_MS)).result, SIZE);
	assert_int_equal(done(transfer_recv("recv()", two->to, 7, 500, MSG_DONTWAIT)).result, 500);
	assert_int_equal(done(transfer_recv_all(two->to, 507, SIZE - 500, SOON_MS)).result,
			 SIZE - 500);
	got = done(transfer_recv("recv()", two->to, 0, 1, MSG_DONTWAIT));
	assert_int_equal(got.error, EAGAIN);
}

static void stream__with_a_byte_missing__is_not_taken_for_whole(void **state)
{
	const struct two *two = *state;
	struct call got;

	done(transfer_send("send()", two->from, 0, 1000, 0));
	done(transfer_send("send()", two->from, 1001, 1000, 0));
	assert_int_equal(done(call_unread(two->to, 2000, SOON_MS)).result, 2000);
	assert_int_equal(done(transfer_recv("recv()", two->to, 0, 1000, 0)).result, 1000);
	got = done(transfer_recv("recv()", two->to, 1000, 500, 0));
	assert_int_equal(got.result, -1);
	assert_int_equal(got.error, EBADMSG);
	got = done(transfer_recv_all(two->to, 1500, 500, SOON_MS));
	assert_int_equal(got.result, -1);
	assert_int_equal(got.error, EBADMSG);
}

static void recv_all__of_a_stream_that_ends__says_how_much_came(void **state)
{
	const struct two *two = *state;

	done(transfer_send("send()", two->from, 0, 300, 0));
	shutdown(two->from, SHUT_WR);
	assert_int_equal(done(transfer_recv_all(two->to, 0, 1000, SOON_MS)).result, 300);
	assert_int_equal(done(transfer_recv_all(two->to, 300, 1000, SOON_MS)).result, 0);
}

static void unread__of_what_never_comes__is_over_in_time(void **state)
{
	const struct two *two = *state;

	done(transfer_send("send()", two->from, 0, 5, 0));
	assert_int_equal(done(call_unread(two->to, 5, SOON_MS)).result, 5);
	assert_int_equal(done(call_unread(two->to, 6, 20)).result, 5);
}

static void queues__while_nobody_reads__have_what_was_taken(void **state)
{
	const struct two *two = *state;
	struct call sent = done(transfer_send("send()", two->from, 0, LARGE, MSG_DONTWAIT));

	assert_true(sent.result > 0 && sent.result < LARGE);
	/* both only decrease, and bytes that were not sent are not acknowledged either */
	assert_true(done(call_unacknowledged(two->from)).result >=
		    done(call_unsent(two->from)).result);
	assert_true(done(call_segments(two->from)).result >= 1);
	assert_int_equal(done(call_segments(two->to)).result, 0);
}

int main(void)
{
#define TEST_OF_TWO(name) cmocka_unit_test_setup_teardown(name, open_two, close_two)
	const struct CMUnitTest tests[] = {
		TEST_OF_TWO(stream__sent_in_pieces__is_received_as_one),
		TEST_OF_TWO(stream__with_a_byte_missing__is_not_taken_for_whole),
		TEST_OF_TWO(recv_all__of_a_stream_that_ends__says_how_much_came),
		TEST_OF_TWO(unread__of_what_never_comes__is_over_in_time),
		TEST_OF_TWO(queues__while_nobody_reads__have_what_was_taken),
	};

	island_enter();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
