/* SPDX-License-Identifier: MIT */
/* Listeners in a reload and at a worker while their port is in use or their address is away. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "net/listen_guard.h"
#include "net/listen_socket.h"
#include "unit/island.h"
#include "unit/listening.h"

#define AWAY "10.99.0.1"

static bool has_island;

/* A socket that listens, and lets others bind to its port. */
static int hold_port(const struct addr *addr)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)), 0);
	assert_int_equal(bind(fd, &addr->sa, addr->len), 0);
	assert_int_equal(listen(fd, 1), 0);
	return fd;
}

/* Opens a listener on a port that is free and written out. */
static struct listener_set *open_on_a_port(struct listening *setup, char *text)
{
	struct listener_set *set;

	listening_add(setup, "127.0.0.1:0");
	set = listening_open(setup, NULL, 1);
	addr_write(&set->list[0].bound, text);
	setup->listens[0].address = text;
	listener_close_all(set, NULL, true);
	return listening_open(setup, NULL, 1);
}

static void reload__while_the_port_is_in_use__keeps_the_socket_of_workers(void **state)
{
	struct listening setup = { 0 };
	char text[ADDR_TEXT];
	struct listener_set *old = open_on_a_port(&setup, text), *set;
	int fd = old->list[0].fds[0], holder;

	(void)state;
	assert_int_equal(shutdown(fd, SHUT_RDWR), 0);
	holder = hold_port(&old->list[0].bound);
	set = listening_open(&setup, old, 1);
	assert_int_equal(set->list[0].fds[0], fd);
	listener_apply(set);
	close(holder);
	assert_true(listen_socket_revive(fd, &set->list[0].bound, set->list[0].conf));
	assert_true(listening_answers(&set->list[0].bound));
	listener_close_all(old, set, true);
	listener_close_all(set, NULL, true);
}

/* No worker tries again: the reload tells. */
static void reload__while_the_port_is_in_use__fails_for_a_program(void **state)
{
	struct listening setup = { 0 };
	char text[ADDR_TEXT];
	struct listener_set *old = open_on_a_port(&setup, text), *set;
	int holder;

	(void)state;
	setup.listens[0].service = (char *)"program";
	assert_int_equal(shutdown(old->list[0].fds[0], SHUT_RDWR), 0);
	holder = hold_port(&old->list[0].bound);
	listening_refuses(&setup, old, CODE_UNAVAILABLE, "cannot bind 127.0.0.1:");
	close(holder);
	set = listening_open(&setup, old, 1);
	assert_true(listening_answers(&set->list[0].bound));
	listener_close_all(old, set, true);
	listener_close_all(set, NULL, true);
}

static void reload__while_the_port_is_in_use__takes_another_for_port_0(void **state)
{
	struct listening setup = { 0 };
	struct listener_set *old, *set;
	int holder;

	(void)state;
	listening_add(&setup, "127.0.0.1:0");
	old = listening_open(&setup, NULL, 1);
	assert_int_equal(shutdown(old->list[0].fds[0], SHUT_RDWR), 0);
	holder = hold_port(&old->list[0].bound);
	set = listening_open(&setup, old, 1);
	assert_false(addr_equal(&set->list[0].bound, &old->list[0].bound));
	assert_true(listening_answers(&set->list[0].bound));
	close(holder);
	listener_close_all(old, set, true);
	listener_close_all(set, NULL, true);
}

static void command(const char *text)
{
	if (system(text) != 0)
		fail_msg("%s has failed", text);
}

static void add_address(void)
{
	if (!has_island || system("ip -V > /dev/null 2>&1") != 0)
		skip();
	command("ip addr add " AWAY "/32 dev lo");
}

static void remove_address(void)
{
	command("ip addr del " AWAY "/32 dev lo");
}

static unsigned backlog_of(int fd)
{
	struct tcp_info info;

	assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &(socklen_t){ sizeof(info) }),
			 0);
	return info.tcpi_sacked; /* so for a listening socket */
}

/* The socket still listens: what was changed holds as soon as the address is back. */
static void reload__while_the_address_is_away__applies_all(void **state)
{
	struct listening setup = { 0 };
	struct listener_set *old, *set;
	struct err err;
	int fd;

	(void)state;
	add_address();
	listening_add(&setup, AWAY ":7000");
	old = listening_open(&setup, NULL, 1);
	fd = old->list[0].fds[0];
	remove_address();
	assert_int_equal(fcntl(fd, F_SETFL, 0), 0);
	setup.listens[0].backlog = 7;
	set = listening_open(&setup, old, 1);
	assert_int_equal(set->list[0].fds[0], fd);
	listener_apply(set);
	assert_int_equal(backlog_of(fd), 7);
	assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
	/* as for a socket that the service manager passes */
	assert_true(listen_socket_apply(fd, &set->list[0].bound, set->list[0].conf, &err));
	listener_close_all(old, set, true);
	listener_close_all(set, NULL, true);
}

/* Both a worker and a reload wait until the address is back. */
static void shut_down__while_the_address_is_away__waits(void **state)
{
	struct listening setup = { 0 };
	struct listener_set *old, *set;
	struct loop loop;
	_Atomic uint64_t mended = 0;
	struct listen_guard guard = { .loop = &loop, .mended = &mended };
	int64_t said_ms = 0;
	int fd;

	(void)state;
	loop_read_clock(&loop);
	add_address();
	listening_add(&setup, AWAY ":7001");
	old = listening_open(&setup, NULL, 1);
	fd = old->list[0].fds[0];
	assert_int_equal(shutdown(fd, SHUT_RDWR), 0);
	remove_address();
	errno = EINVAL;
	assert_int_equal(listen_guard_check(&guard, &old->list[0], fd, &said_ms), LISTEN_WAITS);
	assert_int_equal(said_ms, loop.now_ms);
	set = listening_open(&setup, old, 1);
	assert_int_equal(set->list[0].fds[0], fd);
	add_address();
	errno = EINVAL;
	assert_int_equal(listen_guard_check(&guard, &set->list[0], fd, &said_ms), LISTENING);
	assert_int_equal(atomic_load(&mended), 1);
	assert_true(listening_answers(&set->list[0].bound));
	remove_address();
	listener_close_all(old, set, true);
	listener_close_all(set, NULL, true);
}

enum { PORT = 1500, NOBODY = 65534 };

static bool set_unprivileged_start(const char *port)
{
	int fd = open("/proc/sys/net/ipv4/ip_unprivileged_port_start", O_WRONLY | O_CLOEXEC);
	bool done = fd >= 0 && write(fd, port, strlen(port)) > 0;

	if (fd >= 0)
		close(fd);
	return done;
}

/* The port is privileged by a setting that a worker in a chroot cannot read. */
static void revive__of_a_privileged_port__needs_no_proc(void **state)
{
	const struct listen_conf conf = { .backlog = 1 };
	struct addr bound = { .in = { .sin_family = AF_INET,
				      .sin_port = htons(PORT),
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK) },
			      .len = sizeof(bound.in) };
	int fd, status;
	pid_t pid;

	(void)state;
	if (!has_island || !set_unprivileged_start("2000"))
		skip();
	fd = hold_port(&bound);
	assert_int_equal(shutdown(fd, SHUT_RDWR), 0);
	pid = fork();
	if (pid == 0)
		_exit(chroot("/tmp") == 0 && chdir("/") == 0 && setuid(NOBODY) == 0 &&
				      listen_socket_revive(fd, &bound, &conf) ?
			      0 :
			      1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_true(listening_answers(&bound));
	close(fd);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, listening_set_up, listening_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(reload__while_the_port_is_in_use__keeps_the_socket_of_workers),
		CASE(reload__while_the_port_is_in_use__fails_for_a_program),
		CASE(reload__while_the_port_is_in_use__takes_another_for_port_0),
		CASE(reload__while_the_address_is_away__applies_all),
		CASE(shut_down__while_the_address_is_away__waits),
		CASE(revive__of_a_privileged_port__needs_no_proc),
	};

	has_island = island_enter();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
