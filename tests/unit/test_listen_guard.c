/* SPDX-License-Identifier: MIT */
/* Listening sockets that another process makes blocking or shuts down. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/clock.h"
#include "base/sys.h"
#include "net/listen_guard.h"
#include "unit/listening.h"

enum {
	TRIES = 2000,
	LONG_S = 60, /* for all tests; an accept that blocks never returns */
};

static struct listening setup;
static struct listener_set *set;
static struct loop loop;
static _Atomic uint64_t mended;
static struct listen_guard guard;
static int64_t said_ms; /* when a port in use was last logged */
static bool is_asked;   /* accept_from has been kicked */

static int set_up(void **state)
{
	if (listening_set_up(state) != 0)
		return -1;
	setup = (struct listening){ 0 };
	listening_add(&setup, "127.0.0.1:0");
	listening_add(&setup, listening_unix);
	set = listening_open(&setup, NULL, 1);
	loop_read_clock(&loop);
	atomic_store(&mended, 0);
	said_ms = 0;
	is_asked = false;
	guard = (struct listen_guard){ .loop = &loop, .mended = &mended };
	return 0;
}

static int tear_down(void **state)
{
	listener_close_all(set, NULL, true);
	return listening_tear_down(state);
}

static int accept_from(unsigned listener)
{
	struct addr remote = { .len = sizeof(remote.un) };
	const struct listener *l = &set->list[listener];

	return listen_guard_accept(&guard, l, l->fds[0], is_asked, &remote);
}

static void assert_empty(unsigned listener)
{
	errno = 0;
	assert_int_equal(accept_from(listener), -1);
	if (errno != EAGAIN && errno != EINTR)
		fail_msg("%s", strerror(errno));
}

static void assert_mended(uint64_t times)
{
	assert_int_equal(atomic_load(&mended), times);
}

static void assert_state(unsigned listener, enum listen_state state)
{
	const struct listener *l = &set->list[listener];

	assert_int_equal(listen_guard_check(&guard, l, l->fds[0], &said_ms), state);
}

static int flags_of(unsigned listener)
{
	return fcntl(set->list[listener].fds[0], F_GETFL);
}

static void clear_flag(unsigned listener)
{
	assert_int_equal(fcntl(set->list[listener].fds[0], F_SETFL, 0), 0);
}

static void socket__in_order__is_left_alone(void **state)
{
	(void)state;
	assert_empty(0);
	assert_state(0, LISTENING);
	assert_empty(1);
	assert_state(1, LISTENING);
	assert_mended(0);
	assert_false(guard.is_alert);
}

static void flag__cleared_before__is_set_again__and_nobody_waits(void **state)
{
	(void)state;
	alarm(LONG_S);
	for (unsigned i = 0; i < 2; i++) {
		clear_flag(i);
		assert_empty(i);
		assert_true(flags_of(i) & O_NONBLOCK);
		assert_mended(i + 1);
	}
	assert_true(guard.is_alert);
	alarm(0);
}

/*
 * Forks a process with the same file descriptions, which clears O_NONBLOCK until the test kills it.
 */
static pid_t clear_for_ever(unsigned listener)
{
	pid_t pid = fork();

	if (pid == 0)
		for (alarm(LONG_S);;)
			fcntl(set->list[listener].fds[0], F_SETFL, 0);
	return pid;
}

static void flag__cleared_again_and_again__makes_nobody_wait(void **state)
{
	pid_t pid = clear_for_ever(0);

	(void)state;
	clear_flag(0);
	for (int i = 0; i < TRIES; i++)
		assert_empty(0);
	assert_true(guard.is_alert);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* The socket is non-blocking when it is checked, and no longer when accept is called. */
static pid_t toggle_for_ever(unsigned listener)
{
	pid_t pid = fork();

	if (pid == 0)
		for (alarm(LONG_S);;) {
			fcntl(set->list[listener].fds[0], F_SETFL, O_NONBLOCK);
			fcntl(set->list[listener].fds[0], F_SETFL, 0);
		}
	return pid;
}

static void asked__where_nothing_is__with_a_flag_that_comes_and_goes__does_not_wait(void **state)
{
	pid_t pid = toggle_for_ever(0);

	(void)state;
	is_asked = true;
	for (int i = 0; i < TRIES; i++) {
		guard.is_alert = false;
		assert_empty(0);
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void alert__still_accepts__and_leaves_no_timer(void **state)
{
	struct itimerval left;
	int fd;

	(void)state;
	clear_flag(0);
	assert_empty(0);
	assert_true(listening_answers(&set->list[0].bound));
	fd = accept_from(0);
	assert_true(fd >= 0);
	assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	close(fd);
	assert_int_equal(getitimer(ITIMER_REAL, &left), 0);
	assert_int_equal(left.it_value.tv_sec + left.it_value.tv_usec, 0);
}

static void tcp__shut_down__listens_again(void **state)
{
	const struct listener *l = &set->list[0];
	int fd;

	(void)state;
	assert_int_equal(shutdown(l->fds[0], SHUT_RDWR), 0);
	assert_false(listening_answers(&l->bound));
	assert_int_equal(accept_from(0), -1);
	assert_int_equal(errno, EINVAL);
	assert_state(0, LISTENING);
	assert_mended(1);
	assert_true(listening_answers(&l->bound));
	fd = accept_from(0);
	assert_true(fd >= 0);
	close(fd);
}

/* A socket that neither listens nor shares the port, which the shutdown has released. */
static int hold_port(const struct addr *addr)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, &addr->sa, addr->len), 0);
	return fd;
}

/* The time of the last line belongs to the socket: another one that waits has a line of its own. */
static void tcp__shut_down__whose_port_is_in_use__waits_with_a_line_of_its_own(void **state)
{
	const struct listener *l = &set->list[0];
	int holder;

	(void)state;
	assert_int_equal(shutdown(l->fds[0], SHUT_RDWR), 0);
	holder = hold_port(&l->bound);
	for (unsigned i = 0; i < 2; i++) {
		said_ms = 0;
		assert_int_equal(accept_from(0), -1);
		assert_state(0, LISTEN_WAITS);
		assert_int_equal(said_ms, loop.now_ms);
	}
	assert_mended(0);
	close(holder);
	errno = EINVAL;
	assert_state(0, LISTENING);
	assert_mended(1);
}

static void unix__shut_down__is_lost(void **state)
{
	const struct listener *l = &set->list[1];

	(void)state;
	assert_int_equal(shutdown(l->fds[0], SHUT_RD), 0);
	assert_empty(1);
	assert_state(1, LISTEN_LOST);
	assert_mended(0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(socket__in_order__is_left_alone),
		CASE(flag__cleared_before__is_set_again__and_nobody_waits),
		CASE(flag__cleared_again_and_again__makes_nobody_wait),
		CASE(asked__where_nothing_is__with_a_flag_that_comes_and_goes__does_not_wait),
		CASE(alert__still_accepts__and_leaves_no_timer),
		CASE(tcp__shut_down__listens_again),
		CASE(tcp__shut_down__whose_port_is_in_use__waits_with_a_line_of_its_own),
		CASE(unix__shut_down__is_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
