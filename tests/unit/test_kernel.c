/* SPDX-License-Identifier: MIT */
/* Tests of demo/kernel.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <unistd.h>

#include "base/rights.h"
#include "base/sys.h"
#include "demo/call.h"
#include "demo/kernel.h"
#include "unit/island.h"

static bool has_island; /* this process has its own network namespace */

/* Opens a connection on loopback. */
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
	*client = (int)call.result;
	call = call_accept(listener, 1000);
	call_run(&call);
	*server = (int)call.result;
	assert_true(*server >= 0);
	close(listener);
}

static void states__of_both_ends__follow_the_close(void **state)
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
		; /* the acknowledgement is on its way */
	assert_int_equal(kernel_client_state(&ends), TCP_FIN_WAIT2);
	assert_int_equal(kernel_server_state(&ends), TCP_CLOSE_WAIT);
	close(server);
	while (kernel_client_state(&ends) == TCP_FIN_WAIT2)
		;
	/* no TIME_WAIT where other programs fill the table (net.ipv4.tcp_max_tw_buckets) */
	if (!has_island && kernel_client_state(&ends) == TCP_CLOSE)
		skip();
	assert_int_equal(kernel_client_state(&ends), TCP_TIME_WAIT);
	assert_int_equal(kernel_server_state(&ends), TCP_CLOSE);
}

static void holders__of_a_socket__are_counted(void **state)
{
	struct claims claims = { 0 };
	struct diagram out;
	pid_t pids[KERNEL_HOLDERS], pid;
	int client, server, line[2];
	uint64_t inode;

	(void)state;
	diagram_init(&out, &claims);
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

static void in_flight__descriptors_of_messages__are_counted(void **state)
{
	const struct iovec byte = { .iov_base = &(char){ 0 }, .iov_len = 1 };
	const int fds[] = { STDIN_FILENO, STDOUT_FILENO };
	struct rights got;
	int line[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, line), 0);
	assert_int_equal(kernel_in_flight(getpid(), -1), -1);
	if (kernel_in_flight(getpid(), line[1]) < 0) {
		close(line[0]);
		close(line[1]);
		skip(); /* Linux 5.6 */
	}
	assert_int_equal(kernel_in_flight(getpid(), line[1]), 0);
	assert_int_equal(rights_send(line[0], &byte, 1, fds, 2, 0), 1);
	assert_int_equal(rights_send(line[0], &byte, 1, fds, 1, 0), 1);
	assert_int_equal(kernel_in_flight(getpid(), line[1]), 3);
	assert_int_equal(rights_receive(line[1], &byte, 1, &got, 0), 1);
	assert_int_equal(kernel_in_flight(getpid(), line[1]), 1);
	rights_close(&got);
	close(line[0]);
	close(line[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(states__of_both_ends__follow_the_close),
		cmocka_unit_test(holders__of_a_socket__are_counted),
		cmocka_unit_test(in_flight__descriptors_of_messages__are_counted),
	};

	has_island = island_enter();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
