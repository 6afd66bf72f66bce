/* SPDX-License-Identifier: MIT */
/* Tests of net/listen_socket: options, and addresses that are not available. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/rights.h"
#include "net/listen_socket.h"
#include "unit/listening.h"

static void open__of_port_0__learns_the_port(void **state)
{
	struct listening setup = { 0 };
	struct listener_set *set;
	struct addr bound;

	(void)state;
	listening_add(&setup, "127.0.0.1:0");
	set = listening_open(&setup, NULL, 1);
	assert_int_equal(set->count, 1);
	assert_int_equal(set->list[0].wanted.in.sin_port, 0);
	bound = set->list[0].bound;
	assert_int_not_equal(bound.in.sin_port, 0);
	assert_true(set->list[0].created);
	assert_true(listening_answers(&bound));
	listener_close_all(set, NULL, true);
	assert_false(listening_answers(&bound));
}

static void open__sets_flags_and_options(void **state)
{
	struct listening setup = { 0 };
	struct listener_set *set;
	int fd;

	(void)state;
	listening_add(&setup, "127.0.0.1:0");
	setup.listens[0].keepalive = true;
	setup.listens[0].defer_accept = true;
	setup.listens[0].fastopen = 5;
	setup.listens[0].rcvbuf = 20000;
	set = listening_open(&setup, NULL, 1);
	fd = set->list[0].fds[0];
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
	assert_int_equal(listening_option(fd, SOL_SOCKET, SO_ACCEPTCONN), 1);
	assert_int_equal(listening_option(fd, SOL_SOCKET, SO_REUSEADDR), 1);
	assert_int_equal(listening_option(fd, IPPROTO_TCP, TCP_NODELAY), 1);
	assert_int_equal(listening_option(fd, SOL_SOCKET, SO_KEEPALIVE), 1);
	assert_int_equal(listening_option(fd, IPPROTO_TCP, TCP_FASTOPEN), 5);
	assert_int_equal(listening_option(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT), 1);
	assert_int_equal(listening_option(fd, SOL_SOCKET, SO_RCVBUF), 40000);
	listener_close_all(set, NULL, true);
}

static void accepted_sockets__inherit_nodelay(void **state)
{
	struct listening setup = { 0 };
	struct listener_set *set;
	int client, fd;

	(void)state;
	listening_add(&setup, "127.0.0.1:0");
	set = listening_open(&setup, NULL, 1);
	client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(client, &set->list[0].bound.sa, set->list[0].bound.len), 0);
	fd = accept4(set->list[0].fds[0], NULL, NULL, SOCK_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(listening_option(fd, IPPROTO_TCP, TCP_NODELAY), 1);
	close(fd);
	close(client);
	listener_close_all(set, NULL, true);
}

static void open__of_a_taken_port__names_address_and_remedy(void **state)
{
	struct listening first = { 0 }, second = { 0 };
	char text[ADDR_TEXT], expected[512];
	struct listener_set *set;

	(void)state;
	listening_add(&first, "127.0.0.1:0");
	set = listening_open(&first, NULL, 1);
	listening_add(&second, addr_write(&set->list[0].bound, text));
	snprintf(expected, sizeof(expected),
		 "x.conf:1: listen \"%s\": cannot bind %s: Address already in use (another program "
		 "serves it: process %d, \"",
		 text, text, (int)getpid());
	listening_refuses(&second, NULL, CODE_UNAVAILABLE, expected);
	listener_close_all(set, NULL, true);
}

static void open__of_a_foreign_address__says_so(void **state)
{
	struct listening setup = { 0 };

	(void)state;
	listening_add(&setup, "192.0.2.77:0");
	listening_refuses(&setup, NULL, CODE_UNAVAILABLE, "(no interface of this machine has it");
}

static bool answers_by_ipv4(const struct addr *bound)
{
	struct addr addr = { .len = sizeof(addr.in), .in.sin_family = AF_INET };

	addr.in.sin_port = bound->in6.sin6_port;
	addr.in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return listening_answers(&addr);
}

static void open__of_ipv6_any__takes_ipv4_unless_v6only(void **state)
{
	struct listening setup = { 0 };
	struct listener_set *set;

	(void)state;
	listening_add(&setup, "[::]:0");
	set = listening_open(&setup, NULL, 1);
	assert_true(answers_by_ipv4(&set->list[0].bound));
	listener_close_all(set, NULL, true);
	setup.listens[0].v6only = true;
	set = listening_open(&setup, NULL, 1);
	/* Not by connecting: another process may own that port of IPv4. */
	assert_int_equal(listening_option(set->list[0].fds[0], IPPROTO_IPV6, IPV6_V6ONLY), 1);
	listener_close_all(set, NULL, true);
}

static void reuse_port__of_a_port_that_another_shares__is_still_taken(void **state)
{
	struct listening first = { 0 }, second = { 0 };
	struct listener_set *set;
	char text[ADDR_TEXT], holder[64];

	(void)state;
	snprintf(holder, sizeof(holder), "another program serves it: process %d, \"",
		 (int)getpid());
	listening_add(&first, "127.0.0.1:0");
	first.listens[0].reuse_port = true;
	set = listening_open(&first, NULL, 2);
	listening_add(&second, addr_write(&set->list[0].bound, text));
	second.listens[0].reuse_port = true;
	listening_refuses(&second, NULL, CODE_UNAVAILABLE, holder);
	listener_close_all(set, NULL, true);
}

static void open__of_a_port_that_all_addresses_have__names_who_serves_them(void **state)
{
	struct listening first = { 0 }, second = { 0 };
	struct listener_set *set;
	char text[ADDR_TEXT], holder[64];

	(void)state;
	snprintf(holder, sizeof(holder), "another program serves it: process %d, \"",
		 (int)getpid());
	listening_add(&first, "0.0.0.0:0");
	set = listening_open(&first, NULL, 1);
	snprintf(text, sizeof(text), "127.0.0.1:%u", listen_socket_port(&set->list[0].bound));
	listening_add(&second, text);
	listening_refuses(&second, NULL, CODE_UNAVAILABLE, holder);
	listener_close_all(set, NULL, true);
}

static void apply__changes_a_living_socket(void **state)
{
	struct listening setup = { 0 };
	struct listener_set *old, *set;
	int fd;

	(void)state;
	listening_add(&setup, "127.0.0.1:0");
	setup.listens[0].keepalive = true;
	setup.listens[0].fastopen = 5;
	old = listening_open(&setup, NULL, 1);
	fd = old->list[0].fds[0];
	setup.listens[0].keepalive = false;
	setup.listens[0].fastopen = 0;
	setup.listens[0].sndbuf = 30000;
	set = listening_open(&setup, old, 1);
	assert_int_equal(listening_option(fd, SOL_SOCKET, SO_KEEPALIVE), 1);
	listener_apply(set);
	assert_int_equal(listening_option(fd, SOL_SOCKET, SO_KEEPALIVE), 0);
	assert_int_equal(listening_option(fd, IPPROTO_TCP, TCP_FASTOPEN), 0);
	assert_int_equal(listening_option(fd, SOL_SOCKET, SO_SNDBUF), 60000);
	listener_close_all(old, set, true);
	listener_close_all(set, NULL, true);
}

/* Connections inherit the option: a compromised worker could make others wait in close(2). */
static void apply__undoes_what_nobody_asked_for(void **state)
{
	const struct linger lingering = { 1, 60 };
	struct linger linger;
	struct listening setup = { 0 };
	struct listener_set *old, *set;
	int fd;

	(void)state;
	listening_add(&setup, "127.0.0.1:0");
	old = listening_open(&setup, NULL, 1);
	set = listening_open(&setup, old, 1);
	fd = set->list[0].fds[0];
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &lingering, sizeof(lingering)), 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &(int){ 10000 }, sizeof(int)), 0);
	assert_int_equal(setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &(int){ 1 }, sizeof(int)),
			 0);
	listener_apply(set);
	assert_int_equal(
		getsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, &(socklen_t){ sizeof(linger) }), 0);
	assert_int_equal(linger.l_onoff, 0);
	assert_int_equal(listening_option(fd, SOL_SOCKET, SO_RCVLOWAT), 1);
	assert_int_equal(listening_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT), 0);
	listener_close_all(old, set, true);
	listener_close_all(set, NULL, true);
}

static ssize_t pass_descriptor(int fd)
{
	const struct iovec byte = { .iov_base = &(char){ 0 }, .iov_len = 1 };

	return rights_send(fd, &byte, 1, &fd, 1, 0);
}

/* No worker receives the descriptor, and the kernel would wait when it closes one that lingers. */
static void client_of_a_unix_listener__cannot_pass_descriptors(void **state)
{
	struct listening setup = { 0 };
	struct listener_set *set;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), passes;

	(void)state;
	if (getsockopt(fd, SOL_SOCKET, 83, &passes, &(socklen_t){ sizeof(passes) }) < 0) {
		close(fd);
		skip(); /* SO_PASSRIGHTS came with Linux 6.16 */
	}
	listening_add(&setup, listening_unix);
	set = listening_open(&setup, NULL, 1);
	assert_int_equal(connect(fd, &set->list[0].bound.sa, set->list[0].bound.len), 0);
	assert_int_equal(pass_descriptor(fd), -1);
	assert_int_equal(errno, EPERM);
	close(fd);
	listener_close_all(set, NULL, true);
}

enum { PRIVILEGED_LAST = 1023, PRIVILEGED_FIRST = 600, NOBODY = 65534 };

/* Returns a socket that listens on a free privileged port of loopback; -1: none is free. */
static int listen_on_privileged(struct addr *bound)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	*bound = (struct addr){ .in = { .sin_family = AF_INET,
					.sin_addr.s_addr = htonl(INADDR_LOOPBACK) },
				.len = sizeof(bound->in) };
	for (uint16_t port = PRIVILEGED_LAST; port >= PRIVILEGED_FIRST; port--) {
		bound->in.sin_port = htons(port);
		if (bind(fd, &bound->sa, bound->len) == 0 && listen(fd, 1) == 0)
			return fd;
	}
	close(fd);
	return -1;
}

/* A worker may not bind to the port, but its socket still has it. */
static void revive__of_a_privileged_port__needs_no_privilege(void **state)
{
	const struct listen_conf conf = { .backlog = 1 };
	struct addr bound;
	int fd, status;
	pid_t pid;

	(void)state;
	if (geteuid() != 0)
		skip();
	fd = listen_on_privileged(&bound);
	if (fd < 0)
		skip();
	assert_int_equal(shutdown(fd, SHUT_RDWR), 0);
	pid = fork();
	if (pid == 0)
		_exit(setuid(NOBODY) == 0 && listen_socket_revive(fd, &bound, &conf) ? 0 : 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_true(listening_answers(&bound));
	close(fd);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, listening_set_up, listening_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(open__of_port_0__learns_the_port),
		CASE(open__sets_flags_and_options),
		CASE(accepted_sockets__inherit_nodelay),
		CASE(open__of_a_taken_port__names_address_and_remedy),
		CASE(open__of_a_foreign_address__says_so),
		CASE(open__of_ipv6_any__takes_ipv4_unless_v6only),
		CASE(reuse_port__of_a_port_that_another_shares__is_still_taken),
		CASE(open__of_a_port_that_all_addresses_have__names_who_serves_them),
		CASE(revive__of_a_privileged_port__needs_no_privilege),
		CASE(apply__changes_a_living_socket),
		CASE(apply__undoes_what_nobody_asked_for),
		CASE(client_of_a_unix_listener__cannot_pass_descriptors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
