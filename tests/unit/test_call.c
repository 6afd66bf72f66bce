/* SPDX-License-Identifier: MIT */
/* Tests of demo/call.c and demo/kernel.c against the kernel. */
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
#include "demo/call.h"
#include "demo/kernel.h"
#include "unit/island.h"

static bool has_island; /* this process has a network of its own */

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

/* A connection on loopback: its descriptors. */
static void connect_pair(int *client, int *server)
{
	struct addr bound = { .len = sizeof(bound.in),
			      .in = { .sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK) } };
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	struct call call;

	assert_int_equal(bind(listener, &bound.sa, bound.len), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(getsockname(listener, &bound.sa, &bound.len), 0);
	call = call_connect(&bound);
	call_run(&call);
	assert_string_equal(text_of(&call), "connect() = 0");
	*client = (int)call.result;
	call = call_accept(listener, 1000);
	call_run(&call);
	*server = (int)call.result;
	assert_true(*server >= 0);
	close(listener);
	call = call_connect(&bound);
	call_run(&call);
	assert_string_equal(text_of(&call), "connect() = ECONNREFUSED");
}

static void evidence__of_both_ends__follows_the_close(void **state)
{
	struct ends ends;
	struct call call;
	int client, server;

	(void)state;
	connect_pair(&client, &server);
	assert_true(kernel_ends(server, &ends));
	call = call_state(client);
	call_run(&call);
	assert_int_equal(call.result, TCP_ESTABLISHED);
	assert_int_equal(kernel_client_state(&ends), TCP_ESTABLISHED);
	assert_int_equal(kernel_server_state(&ends), TCP_ESTABLISHED);
	close(client);
	call = call_recv(server, 1, 5000);
	call_run(&call);
	assert_int_equal(call.result, 0);
	while (kernel_client_state(&ends) == TCP_FIN_WAIT1)
		; /* the acknowledgement is under way */
	assert_int_equal(kernel_client_state(&ends), TCP_FIN_WAIT2);
	assert_int_equal(kernel_server_state(&ends), TCP_CLOSE_WAIT);
	close(server);
	while (kernel_client_state(&ends) == TCP_FIN_WAIT2)
		;
	/*
	 * where others fill the kernel's table, there is no TIME_WAIT (net.ipv4.tcp_max_tw_buckets)
	 */
	if (!has_island && kernel_client_state(&ends) == TCP_CLOSE)
		skip();
	assert_int_equal(kernel_client_state(&ends), TCP_TIME_WAIT);
	assert_int_equal(kernel_server_state(&ends), TCP_CLOSE);
}

static void evidence__of_holders__counts_processes(void **state)
{
	struct claims claims = { 0 };
	struct output out;
	pid_t pids[KERNEL_HOLDERS], pid;
	int client, server, line[2];
	uint64_t inode;

	(void)state;
	output_init(&out, &claims);
	connect_pair(&client, &server);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, line), 0);
	inode = kernel_inode(&out, server);
	assert_int_equal(kernel_holders(&out, inode, pids), 1);
	assert_int_equal(pids[0], getpid());
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		char byte;

		close(line[1]);
		_exit(read(line[0], &byte, 1) != 0);
	}
	assert_int_equal(kernel_holders(&out, inode, pids), 2);
	close(server);
	assert_int_equal(kernel_holders(&out, inode, pids), 1);
	assert_int_equal(pids[0], pid);
	close(line[0]);
	close(line[1]);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(kernel_holders(&out, inode, pids), 0);
	close(client);
}

static void says__a_part_or_more_than_the_word__is_not_the_word(void **state)
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
		cmocka_unit_test(evidence__of_both_ends__follows_the_close),
		cmocka_unit_test(evidence__of_holders__counts_processes),
		cmocka_unit_test(says__a_part_or_more_than_the_word__is_not_the_word),
	};

	has_island = island_enter();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
