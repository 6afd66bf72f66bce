/* SPDX-License-Identifier: MIT */
/* Tests of net/systemd: the messages to the manager, and the sockets that it passes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "net/listener.h"
#include "net/systemd.h"

static int tear_down(void **state)
{
	(void)state;
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_PID");
	systemd_start();
	return 0;
}

static void set_number(const char *name, long value)
{
	char text[24];

	snprintf(text, sizeof(text), "%ld", value);
	setenv(name, text, 1);
}

static void send__without_a_manager__succeeds(void **state)
{
	(void)state;
	unsetenv("NOTIFY_SOCKET");
	systemd_start();
	assert_true(systemd_notify("READY=1"));
	assert_int_equal(systemd_watchdog_ms(), 0);
	assert_int_equal(systemd_drop_listeners(), 0);
}

/* Binds the manager's socket to the address and returns it; the name is that of NOTIFY_SOCKET. */
static int manager(const char *name)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	memcpy(un.sun_path, name, strlen(name));
	if (name[0] == '@')
		un.sun_path[0] = '\0';
	assert_int_equal(bind(fd, (struct sockaddr *)&un,
			      (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name))),
			 0);
	setenv("NOTIFY_SOCKET", name, 1);
	systemd_start();
	assert_null(getenv("NOTIFY_SOCKET"));
	return fd;
}

static void receives(int fd, const char *expected)
{
	char text[256];
	ssize_t got = recv(fd, text, sizeof(text) - 1, MSG_DONTWAIT);

	assert_true(got > 0);
	text[got] = '\0';
	assert_string_equal(text, expected);
}

static void send__reaches_a_manager_at_a_path(void **state)
{
	char folder[] = "/tmp/test_notify.XXXXXX", name[64];
	int fd;

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(name, sizeof(name), "%s/notify", folder);
	fd = manager(name);
	assert_true(systemd_notify("READY=1\nSTATUS=%d workers", 4));
	receives(fd, "READY=1\nSTATUS=4 workers");
	close(fd);
	errno = 0;
	assert_false(systemd_notify("STOPPING=1"));
	assert_int_equal(errno, ECONNREFUSED);
	unlink(name);
	rmdir(folder);
}

static void send__reaches_a_manager_in_the_abstract_namespace(void **state)
{
	char name[64];
	int fd;

	(void)state;
	snprintf(name, sizeof(name), "@test_notify.%d", (int)getpid());
	fd = manager(name);
	assert_true(systemd_notify("READY=1"));
	receives(fd, "READY=1");
	close(fd);
}

static void send__of_too_much__fails_whole(void **state)
{
	char name[64];
	int fd;

	(void)state;
	snprintf(name, sizeof(name), "@test_notify.%d", (int)getpid());
	fd = manager(name);
	assert_false(systemd_notify("STATUS=%*d", 5000, 1));
	assert_int_equal(errno, EMSGSIZE);
	assert_int_equal(recv(fd, name, sizeof(name), MSG_DONTWAIT), -1);
	close(fd);
}

static void watchdog__is_halved_and_only_ours(void **state)
{
	(void)state;
	setenv("WATCHDOG_USEC", "3000000", 1);
	systemd_start();
	assert_int_equal(systemd_watchdog_ms(), 1500);
	assert_null(getenv("WATCHDOG_USEC"));
	setenv("WATCHDOG_USEC", "3000000", 1);
	set_number("WATCHDOG_PID", getpid());
	systemd_start();
	assert_int_equal(systemd_watchdog_ms(), 1500);
	setenv("WATCHDOG_USEC", "3000000", 1);
	set_number("WATCHDOG_PID", getpid() + 1);
	systemd_start();
	assert_int_equal(systemd_watchdog_ms(), 0);
	setenv("WATCHDOG_USEC", "soon", 1);
	systemd_start();
	assert_int_equal(systemd_watchdog_ms(), 0);
}

/* A listening socket on a port that the kernel chose, at the descriptor's number `at`. */
static struct addr listening_at(int at)
{
	struct addr addr = { .len = sizeof(addr.in), .in.sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	addr.in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(fd, &addr.sa, addr.len), 0);
	assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(getsockname(fd, &addr.sa, &addr.len), 0);
	if (fd != at) {
		assert_int_equal(dup2(fd, at), at);
		close(fd);
	}
	return addr;
}

/* In a child, because the passed numbers begin at 3 whatever the test's own descriptors are. */
static int passed_sockets(void)
{
	struct addr first, second, other;
	int fd;

	first = listening_at(3);
	second = listening_at(4);
	dup2(STDERR_FILENO, 5);
	close(6);
	set_number("LISTEN_FDS", 4);
	set_number("LISTEN_PID", getpid());
	setenv("LISTEN_FDNAMES", "a:b:c:d", 1);
	systemd_start();
	if (getenv("LISTEN_FDS") || getenv("LISTEN_PID") || getenv("LISTEN_FDNAMES"))
		return 1;
	other = second;
	other.in.sin_port = (in_port_t)~other.in.sin_port;
	if (systemd_take_listener(&other) != -1)
		return 2;
	fd = systemd_take_listener(&second);
	if (fd != 4 || fcntl(fd, F_GETFD) != FD_CLOEXEC || !(fcntl(fd, F_GETFL) & O_NONBLOCK))
		return 3;
	if (systemd_take_listener(&second) != -1)
		return 4;
	if (systemd_drop_listeners() != 2 || fcntl(3, F_GETFD) != -1 || fcntl(4, F_GETFD) < 0)
		return 5;
	return systemd_take_listener(&first) == -1 && systemd_drop_listeners() == 0 ? 0 : 6;
}

/* A listening unix socket at that path, at the descriptor's number `at`. */
static void listening_path_at(int at, const char *path)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(un.sun_path, sizeof(un.sun_path), "%s", path);
	assert_int_equal(bind(fd, (struct sockaddr *)&un, sizeof(un)), 0);
	assert_int_equal(listen(fd, 1), 0);
	if (fd != at) {
		assert_int_equal(dup2(fd, at), at);
		close(fd);
	}
}

static int take_spelt_otherwise(const struct addr *inet, const char *folder)
{
	struct addr path, mapped = { .len = sizeof(mapped.in6) }, next;
	char text[96];
	unsigned number = 0;
	struct err err;

	snprintf(text, sizeof(text), "unix:%s/./b", folder);
	mapped.in6.sin6_family = AF_INET6;
	mapped.in6.sin6_port = inet->in.sin_port;
	mapped.in6.sin6_addr = (struct in6_addr){ .s6_addr = { [10] = 255, 255, 127, 0, 0, 1 } };
	if (!systemd_next_listener(&number, &next) || !addr_equal(&next, inet))
		return 1;
	if (addr_resolve(text, &path, 1, &err) != 1 || !systemd_has_listener(&path) ||
	    systemd_take_listener(&path) != 5 || systemd_has_listener(&path))
		return 2;
	if (systemd_take_listener(&mapped) != 3)
		return 3;
	number = 0;
	snprintf(text, sizeof(text), "%s/a", folder);
	if (!systemd_next_listener(&number, &next) || strcmp(next.un.sun_path, text) != 0)
		return 4;
	return systemd_next_listener(&number, &next) ? 5 : 0;
}

static int spelt_otherwise(void)
{
	struct addr inet = listening_at(3);
	char folder[] = "/tmp/test_notify.XXXXXX", a[64], b[64];
	int result;

	assert_non_null(mkdtemp(folder));
	snprintf(a, sizeof(a), "%s/a", folder);
	snprintf(b, sizeof(b), "%s/b", folder);
	listening_path_at(4, a);
	listening_path_at(5, b);
	set_number("LISTEN_FDS", 3);
	set_number("LISTEN_PID", getpid());
	systemd_start();
	result = take_spelt_otherwise(&inet, folder);
	unlink(a);
	unlink(b);
	rmdir(folder);
	return result;
}

static bool is_refused(const char *address, const char *reason)
{
	struct listen_conf listen = { .address = (char *)address,
				      .origin = (char *)"x.conf:1",
				      .backlog = 1,
				      .owner = (char *)"" };
	struct conf conf = { .listeners = &listen, .listener_count = 1 };
	struct err of_start = { 0 }, of_probe = { 0 };
	struct listener_addresses resolved;

	return listener_open_all(&conf, NULL, 1, NULL, &of_start) == NULL &&
	       strstr(of_start.text, reason) != NULL && of_start.code == CODE_UNAVAILABLE &&
	       listener_resolve(&conf, &resolved, &of_probe) &&
	       !listener_probe(&listen, &resolved, NULL, NULL, &of_probe) &&
	       strcmp(of_start.text, of_probe.text) == 0;
}

static int passed_in_the_way(void)
{
	struct addr any = { .len = sizeof(any.in), .in.sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	char all[64], one[64], reason[256];

	if (bind(fd, &any.sa, any.len) < 0 || listen(fd, 1) < 0 ||
	    getsockname(fd, &any.sa, &any.len) < 0 || dup2(fd, 3) != 3)
		return 1;
	if (fd != 3)
		close(fd);
	set_number("LISTEN_FDS", 1);
	set_number("LISTEN_PID", getpid());
	systemd_start();
	snprintf(all, sizeof(all), "*:%u", ntohs(any.in.sin_port));
	snprintf(one, sizeof(one), "127.0.0.1:%u", ntohs(any.in.sin_port));
	snprintf(reason, sizeof(reason),
		 "the service manager passed a socket of 0.0.0.0:%u, which no listen takes (write "
		 "listen \"0.0.0.0:%u\")",
		 ntohs(any.in.sin_port), ntohs(any.in.sin_port));
	return is_refused(all, reason) && is_refused(one, reason) ? 0 : 2;
}

static int others_sockets(void)
{
	struct addr addr = listening_at(3);

	set_number("LISTEN_FDS", 1);
	set_number("LISTEN_PID", getppid());
	systemd_start();
	return systemd_take_listener(&addr) == -1 && fcntl(3, F_GETFD) == 0 ? 0 : 1;
}

static void in_child(int (*body)(void))
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(body());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void passed_sockets__are_given_once_by_address(void **state)
{
	(void)state;
	in_child(passed_sockets);
}

static void passed_sockets__are_found_by_other_spellings(void **state)
{
	(void)state;
	in_child(spelt_otherwise);
}

static void passed_socket__that_is_in_the_way__is_named(void **state)
{
	(void)state;
	in_child(passed_in_the_way);
}

static void passed_sockets__of_another_process__are_left_alone(void **state)
{
	(void)state;
	in_child(others_sockets);
}

#define CASE(name) cmocka_unit_test_teardown(name, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(send__without_a_manager__succeeds),
		CASE(send__reaches_a_manager_at_a_path),
		CASE(send__reaches_a_manager_in_the_abstract_namespace),
		CASE(send__of_too_much__fails_whole),
		CASE(watchdog__is_halved_and_only_ours),
		CASE(passed_sockets__are_given_once_by_address),
		CASE(passed_sockets__are_found_by_other_spellings),
		CASE(passed_socket__that_is_in_the_way__is_named),
		CASE(passed_sockets__of_another_process__are_left_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
