/* SPDX-License-Identifier: MIT */
/* Tests of core/unixpath: modes, stale and living sockets, what is never replaced. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
