/* SPDX-License-Identifier: MIT */
/* Tests of demo/order.c and demo/evidence.c against the kernel. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/sockdiag.h"
#include "base/sys.h"
#include "demo/evidence.h"
#include "demo/order.h"
#include "unit/island.h"

static bool has_island; /* this process has a network of its own */

static const char *text_of(const struct order *order)
{
	static char text[ORDER_TEXT];

	return order_text(order, text);
}

static void text__of_each_outcome__is_call_and_result(void **state)
{
	int ends[2];
	struct order order;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	order = order_send(ends[0], "hello");
	order_do(&order);
	assert_string_equal(text_of(&order), "send() = 5");
	order = order_recv(ends[1], 100, 0);
	order_do(&order);
	assert_string_equal(text_of(&order), "recv() = 5 \"hello\"");
	order = order_recv(ends[1], 100, 0);
	order_do(&order);
	assert_string_equal(text_of(&order), "recv() = EAGAIN");
	assert_int_equal(order.result, -1);
	assert_int_equal(order.error, EAGAIN);
	order = order_shutdown(ends[0], SHUT_WR);
	order_do(&order);
	assert_string_equal(text_of(&order), "shutdown(WR) = 0");
	order = order_recv(ends[1], 100, 1000);
	order_do(&order);
	assert_string_equal(text_of(&order), "recv() = 0");
	order = order_send(ends[0], "again");
	order_do(&order);
	assert_string_equal(text_of(&order), "send() = EPIPE");
	order = order_close(ends[0]);
	order_do(&order);
	assert_string_equal(text_of(&order), "close() = 0");
	order = order_close(ends[0]);
	order_do(&order);
	assert_string_equal(text_of(&order), "close() = EBADF");
	close(ends[1]);
}

static void text__of_much_that_came__is_cut(void **state)
{
	char much[ORDER_BYTES];
	struct order order;
	int ends[2];

	(void)state;
	memset(much, 'x', sizeof(much) - 1);
	much[sizeof(much) - 1] = '\0';
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	order = order_send(ends[0], much);
	order_do(&order);
	assert_int_equal(order.result, sizeof(much) - 1);
	order = order_recv(ends[1], sizeof(much) * 2, 0);
	order_do(&order);
	assert_int_equal(order.result, sizeof(much) - 1);
	assert_string_equal(text_of(&order), "recv() = 255 \"xxxxxxxxxxxxxxxx...\"");
	close(ends[0]);
	close(ends[1]);
}

/* A connection on loopback: its descriptors. */
static void connect_pair(int *client, int *server)
{
	struct addr bound = { .len = sizeof(bound.in),
			      .in = { .sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK) } };
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	struct order order;

	assert_int_equal(bind(listener, &bound.sa, bound.len), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(getsockname(listener, &bound.sa, &bound.len), 0);
	order = order_connect(&bound);
	order_do(&order);
	assert_string_equal(text_of(&order), "connect() = 0");
	*client = (int)order.result;
	order = order_accept(listener, 1000);
	order_do(&order);
	*server = (int)order.result;
	assert_true(*server >= 0);
	close(listener);
	order = order_connect(&bound);
	order_do(&order);
	assert_string_equal(text_of(&order), "connect() = ECONNREFUSED");
}

static void evidence__of_both_ends__follows_the_close(void **state)
{
	struct ends ends;
	struct order order;
	int client, server;

	(void)state;
	connect_pair(&client, &server);
	assert_true(evidence_ends(server, &ends));
	order = order_state(client);
	order_do(&order);
	assert_int_equal(order.result, TCP_ESTABLISHED);
	assert_int_equal(evidence_client_state(&ends), TCP_ESTABLISHED);
	assert_int_equal(evidence_server_state(&ends), TCP_ESTABLISHED);
	close(client);
	order = order_recv(server, 1, 5000);
	order_do(&order);
	assert_int_equal(order.result, 0);
	while (evidence_client_state(&ends) == TCP_FIN_WAIT1)
		; /* the acknowledgement is under way */
	assert_int_equal(evidence_client_state(&ends), TCP_FIN_WAIT2);
	assert_int_equal(evidence_server_state(&ends), TCP_CLOSE_WAIT);
	close(server);
	while (evidence_client_state(&ends) == TCP_FIN_WAIT2)
		;
	/*
	 * where others fill the kernel's table, there is no TIME_WAIT (net.ipv4.tcp_max_tw_buckets)
	 */
	if (!has_island && evidence_client_state(&ends) == TCP_CLOSE)
		skip();
	assert_int_equal(evidence_client_state(&ends), TCP_TIME_WAIT);
	assert_int_equal(evidence_server_state(&ends), TCP_CLOSE);
}

static void evidence__of_holders__counts_processes(void **state)
{
	struct tally tally = { 0 };
	struct stage stage;
	pid_t pids[EVIDENCE_HOLDERS], pid;
	int client, server, line[2];
	uint64_t inode;

	(void)state;
	stage_open(&stage, &tally);
	connect_pair(&client, &server);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, line), 0);
	inode = evidence_inode(&stage, server);
	assert_int_equal(evidence_holders(&stage, inode, pids), 1);
	assert_int_equal(pids[0], getpid());
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		char byte;

		close(line[1]);
		_exit(read(line[0], &byte, 1) != 0);
	}
	assert_int_equal(evidence_holders(&stage, inode, pids), 2);
	close(server);
	assert_int_equal(evidence_holders(&stage, inode, pids), 1);
	assert_int_equal(pids[0], pid);
	close(line[0]);
	close(line[1]);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(evidence_holders(&stage, inode, pids), 0);
	close(client);
}

static void says__a_part_or_more_than_the_word__is_not_the_word(void **state)
{
	struct order got = { .result = 5, .bytes = "hello" };

	(void)state;
	assert_true(order_says(&got, "hello"));
	assert_false(order_says(&got, "hell"));
	assert_false(order_says(&got, "hello "));
	assert_false(order_says(&got, "hallo"));
	got.result = -1;
	assert_false(order_says(&got, "hello"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text__of_each_outcome__is_call_and_result),
		cmocka_unit_test(text__of_much_that_came__is_cut),
		cmocka_unit_test(evidence__of_both_ends__follows_the_close),
		cmocka_unit_test(evidence__of_holders__counts_processes),
		cmocka_unit_test(says__a_part_or_more_than_the_word__is_not_the_word),
	};

	has_island = island_enter();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
