/* SPDX-License-Identifier: MIT */
/* Tests of net/unix_path: modes, stale and living sockets, and files that are never replaced. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "net/unix_path.h"
#include "unit/listening.h"

static mode_t mode_of(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_mode & 0777;
}

static void unix_socket__has_its_mode_and_is_removed(void **state)
{
	struct listening setup = { 0 };
	struct listener_set *old, *set;

	(void)state;
	listening_add(&setup, listening_unix);
	setup.listens[0].mode = 0620;
	old = listening_open(&setup, NULL, 3);
	assert_int_equal(mode_of(listening_path), 0620);
	assert_int_equal(old->list[0].fd_count, 1);
	assert_true(listening_answers(&old->list[0].bound));
	setup.listens[0].mode = 0666;
	set = listening_open(&setup, old, 3);
	listener_apply(set);
	assert_int_equal(mode_of(listening_path), 0666);
	listener_close_all(old, set, true);
	assert_true(listening_answers(&set->list[0].bound));
	listener_close_all(set, NULL, true);
	assert_int_equal(access(listening_path, F_OK), -1);
}

static void unix_socket__of_a_dead_server__is_replaced(void **state)
{
	struct listening setup = { 0 };
	struct listener_set *set;

	(void)state;
	listening_add(&setup, listening_unix);
	set = listening_open(&setup, NULL, 1);
	listener_close_all(set, NULL, false);
	assert_int_equal(access(listening_path, F_OK), 0);
	set = listening_open(&setup, NULL, 1);
	assert_true(listening_answers(&set->list[0].bound));
	listener_close_all(set, NULL, true);
}

static void unix_socket__of_a_living_server__is_not_replaced(void **state)
{
	struct listening setup = { 0 };
	struct listener_set *set;

	(void)state;
	listening_add(&setup, listening_unix);
	set = listening_open(&setup, NULL, 1);
	listening_refuses(&setup, NULL, CODE_UNAVAILABLE, "Address already in use");
	assert_true(listening_answers(&set->list[0].bound));
	listener_close_all(set, NULL, true);
}

static void unix_socket__never_replaces_a_file(void **state)
{
	struct listening setup = { 0 };

	(void)state;
	listening_add(&setup, listening_unix);
	close(open(listening_path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	listening_refuses(&setup, NULL, CODE_UNAVAILABLE, "not a socket");
	assert_int_equal(access(listening_path, F_OK), 0);
}

static void unix_socket__that_another_replaced__is_not_removed(void **state)
{
	struct listening setup = { 0 };
	struct listener_set *first, *second;

	(void)state;
	listening_add(&setup, listening_unix);
	first = listening_open(&setup, NULL, 1);
	assert_int_equal(unlink(listening_path), 0);
	second = listening_open(&setup, NULL, 1);
	listener_close_all(first, NULL, true);
	assert_true(listening_answers(&second->list[0].bound));
	listener_close_all(second, NULL, true);
}

static void unix_socket__with_an_unknown_owner__is_refused(void **state)
{
	struct listening setup = { 0 };

	(void)state;
	listening_add(&setup, listening_unix);
	setup.listens[0].owner = (char *)"no-such-user";
	listening_refuses(&setup, NULL, CODE_CONFIG, "no user \"no-such-user\"");
	setup.listens[0].owner = (char *)":no-such-group";
	listening_refuses(&setup, NULL, CODE_CONFIG, "no group \"no-such-group\"");
	assert_int_equal(access(listening_path, F_OK), -1);
}

/* A socket bound to the path that does not listen. */
static int bind_only(void)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(un.sun_path, sizeof(un.sun_path), "%s", listening_path);
	assert_int_equal(bind(fd, (struct sockaddr *)&un, sizeof(un)), 0);
	return fd;
}

static void reload__with_anothers_socket_at_the_path__leaves_its_mode(void **state)
{
	struct listening setup = { 0 };
	struct listener_set *old, *set;
	int fd;

	(void)state;
	listening_add(&setup, listening_unix);
	old = listening_open(&setup, NULL, 1);
	assert_int_equal(unlink(listening_path), 0);
	fd = bind_only();
	assert_int_equal(chmod(listening_path, 0600), 0);
	set = listening_open(&setup, old, 1);
	listener_apply(set);
	assert_int_equal(mode_of(listening_path), 0600);
	listener_close_all(old, set, true);
	listener_close_all(set, NULL, true);
	assert_int_equal(access(listening_path, F_OK), 0);
	close(fd);
}

/* Locks the folder of the path, as a server does from bind to listen. */
static int lock_folder(void)
{
	char folder[sizeof(listening_path)];
	int fd;

	snprintf(folder, sizeof(folder), "%s", listening_path);
	*strrchr(folder, '/') = '\0';
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	return fd;
}

/* Another server: exits with 0 when it reports that the address is in use. */
static _Noreturn void start_second(const struct listening *setup)
{
	struct err err;

	_exit(!listener_open_all(&setup->conf, NULL, 1, NULL, &err) &&
			      strstr(err.text, "Address already in use") ?
		      0 :
		      1);
}

static void second_server__between_bind_and_listen__waits(void **state)
{
	struct listening setup = { 0 };
	int status, started[2], lock, fd;
	struct pollfd end;
	pid_t pid;

	(void)state;
	listening_add(&setup, listening_unix);
	assert_int_equal(pipe2(started, O_CLOEXEC), 0);
	lock = lock_folder();
	fd = bind_only();
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		close(lock);
		start_second(&setup);
	}
	close(started[1]);
	/* the pipe ends with the other server, which must still be waiting */
	end = (struct pollfd){ .fd = started[0], .events = POLLIN };
	assert_int_equal(poll(&end, 1, 200), 0);
	assert_int_equal(listen(fd, 1), 0);
	close(lock);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	close(started[0]);
	close(fd);
}

static void lock__that_another_keeps__is_gone_without(void **state)
{
	struct listening setup = { 0 };
	struct listener_set *set;
	int lock;

	(void)state;
	listening_add(&setup, listening_unix);
	lock = lock_folder();
	set = listening_open(&setup, NULL, 1);
	assert_true(listening_answers(&set->list[0].bound));
	listener_close_all(set, NULL, true);
	close(lock);
}

/*
 * A running master must serve: it waits this long for all its sockets together, and then no more.
 */
static void locks__that_another_keeps__cost_a_bounded_time_together(void **state)
{
	int64_t begun_ms = clock_ms(), first_ms;

	unix_path_limit_wait(1000);
	lock__that_another_keeps__is_gone_without(state);
	first_ms = clock_ms() - begun_ms;
	for (unsigned i = 1; i < 20; i++)
		lock__that_another_keeps__is_gone_without(state);
	assert_in_range(first_ms, 900, 10000);
	assert_true(clock_ms() - begun_ms < 10 * first_ms);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, listening_set_up, listening_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(unix_socket__has_its_mode_and_is_removed),
		CASE(unix_socket__of_a_dead_server__is_replaced),
		CASE(unix_socket__of_a_living_server__is_not_replaced),
		CASE(unix_socket__never_replaces_a_file),
		CASE(unix_socket__that_another_replaced__is_not_removed),
		CASE(unix_socket__with_an_unknown_owner__is_refused),
		CASE(reload__with_anothers_socket_at_the_path__leaves_its_mode),
		CASE(second_server__between_bind_and_listen__waits),
		CASE(lock__that_another_keeps__is_gone_without),
		CASE(locks__that_another_keeps__cost_a_bounded_time_together),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
