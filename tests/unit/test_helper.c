/* SPDX-License-Identifier: MIT */
/* Tests of master/helper: how helpers are told to leave, and get links that are made anew. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/rights.h"
#include "config/conf_load.h"
#include "config/signals.h"
#include "master/helper/helper_links.h"
#include "unit/lingering.h"
#include "worker/helper.h"

static const char *const listeners[] = { "127.0.0.1:0=exec,command=/bin/cat" };
static const struct conf_source source = { .listeners = (const char **)(uintptr_t)listeners,
					   .listener_count = 1 };

static pid_t fork_child(void)
{
	pid_t pid = fork();

	if (pid == 0)
		for (;;)
			pause();
	assert_true(pid > 0);
	return pid;
}

static pid_t fork_deaf_child(void)
{
	sigset_t all, before;
	pid_t pid;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &before);
	pid = fork_child();
	sigprocmask(SIG_SETMASK, &before, NULL);
	return pid;
}

static void expect_death(pid_t pid, int signal)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), signal);
}

/* One helper with two links, as if it had just been started as that process. */
static struct conf *start_set(struct helper_set *set, pid_t pid)
{
	struct err err;
	struct conf *conf = conf_load(&source, &err);

	assert_non_null(conf);
	assert_true(helper_set_new(set, conf, 2));
	assert_int_equal(set->count, 1);
	helper_started(set, 0, pid, 0);
	return conf;
}

static void end_set(struct helper_set *set, struct conf *conf)
{
	set->list[0].pid = 0;
	helper_set_free(set);
	conf_free(conf);
}

/* The first signal finds no process. */
static void helper__that_could_not_be_told_to_leave__is_told_again(void **state)
{
	pid_t gone = fork_child(), pid = fork_child();
	struct helper_set set;
	struct conf *conf;

	(void)state;
	kill(gone, SIGKILL);
	expect_death(gone, SIGKILL);
	conf = start_set(&set, gone);
	assert_false(helper_set_leave(&set, SIGNAL_HELPER_LEAVE, 0));
	assert_int_equal(set.list[0].state, HELPER_STARTING);
	set.list[0].pid = pid;
	assert_false(helper_set_leave(&set, SIGNAL_HELPER_LEAVE, 0));
	assert_int_equal(set.list[0].state, HELPER_LEAVING);
	expect_death(pid, SIGNAL_HELPER_LEAVE);
	helper_respawn(&set.list[0], 0);
	assert_true(helper_set_leave(&set, SIGNAL_HELPER_LEAVE, 0));
	end_set(&set, conf);
}

/* The process acts on none of the signals. */
static void helper__that_does_not_leave_in_time__is_killed(void **state)
{
	const struct {
		int signal;
		int64_t least_ms;
	} ways[] = { { SIGNAL_HELPER_LEAVE, HELPER_LEAVE_MS },
		     { SIGNAL_HELPER_STOP, HELPER_LEAVE_FAST_MS },
		     { SIGNAL_HELPER_END, 0 } };
	pid_t pid = fork_deaf_child();
	struct helper_set set;
	struct conf *conf = start_set(&set, pid);
	struct helper *helper = &set.list[0];
	int64_t last_ms = INT64_MAX;

	(void)state;
	for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++) {
		helper_tell_to_leave(helper, ways[i].signal, 100);
		assert_int_equal(helper->state, HELPER_LEAVING);
		assert_in_range(helper->kill_ms, 100 + ways[i].least_ms + 1, last_ms - 1);
		last_ms = helper->kill_ms;
	}
	helper_tell_to_leave(helper, SIGNAL_HELPER_LEAVE, 100);
	assert_int_equal(helper->kill_ms, last_ms);
	assert_false(helper_kill_due(helper, last_ms - 1));
	assert_true(helper_kill_due(helper, last_ms));
	assert_false(helper_kill_due(helper, last_ms));
	expect_death(pid, SIGKILL);
	helper_respawn(helper, last_ms);
	assert_int_equal(helper->state, HELPER_GONE);
	end_set(&set, conf);
}

/* What the worker of that number sends, the helper gets by the end that it takes. */
static void expect_link(const struct helper_set *set, unsigned number)
{
	const struct helper_heritage heritage = { .report_fd = set->list[0].report,
						  .link_count = set->link_count };
	unsigned link;
	char byte = 0;
	int end;

	assert_true(helper_take_link(&heritage, &link, &end));
	assert_int_equal(link, number);
	assert_true(end >= 0);
	assert_int_equal(send(set->links[0].list[number].worker, "x", 1, 0), 1);
	assert_int_equal(recv(end, &byte, 1, 0), 1);
	close(end);
	assert_true(helper_take_link(&heritage, &link, &end));
	assert_int_equal(end, -1);
}

static void link__that_a_worker_has_shut__is_made_anew(void **state)
{
	static const int ways[] = { SHUT_WR, SHUT_RDWR };

	(void)state;
	for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++) {
		struct helper_set set;
		struct conf *conf = start_set(&set, getpid());
		int other = set.links[0].list[0].worker;

		assert_int_equal(shutdown(set.links[0].list[1].worker, ways[i]), 0);
		assert_false(helper_links_are_shut(&set, 0));
		assert_true(helper_links_are_shut(&set, 1));
		helper_links_renew(&set, 0);
		assert_int_equal(set.links[0].list[0].worker, other);
		helper_links_renew(&set, 1);
		assert_false(helper_links_are_shut(&set, 1));
		expect_link(&set, 1);
		end_set(&set, conf);
	}
}

/* The dead one has not taken it; the next one was forked with that link. */
static void link__given_to_a_helper_that_dies__is_not_given_to_the_next_one(void **state)
{
	struct helper_set set;
	struct conf *conf = start_set(&set, getpid());
	char byte;

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(shutdown(set.links[0].list[i].worker, SHUT_RDWR), 0);
		helper_links_renew(&set, i);
	}
	helper_respawn(&set.list[0], 0);
	helper_started(&set, 0, getpid(), 0);
	assert_int_equal(recv(set.list[0].report, &byte, 1, MSG_DONTWAIT), -1);
	end_set(&set, conf);
}

static void report(const struct helper_set *set, char byte)
{
	assert_int_equal(send(set->list[0].report, &byte, 1, 0), 1);
}

static void helper__that_is_silent__is_killed_in_time(void **state)
{
	pid_t pid = fork_deaf_child();
	struct helper_set set;
	struct conf *conf = start_set(&set, pid);
	struct helper *helper = &set.list[0];

	(void)state;
	assert_int_equal(helper_kill_silent(helper, 100, 1000), 0);
	report(&set, HELPER_BEATS);
	assert_false(helper_hear(helper, 1000));
	report(&set, HELPER_IS_READY);
	assert_true(helper_hear(helper, 1000));
	assert_int_equal(helper->state, HELPER_READY);
	assert_int_equal(helper_kill_silent(helper, 100, 1100), 0);
	report(&set, HELPER_BEATS);
	assert_false(helper_hear(helper, 1100));
	assert_int_equal(helper_kill_silent(helper, 100, 1200), 0);
	helper_grant(helper, 1150);
	assert_int_equal(helper_kill_silent(helper, 100, 1250), 0);
	assert_int_equal(helper_kill_silent(helper, 100, 1251), 101);
	expect_death(pid, SIGKILL);
	helper_respawn(helper, 1251);
	assert_int_equal(helper_kill_silent(helper, 100, 9000), 0);
	end_set(&set, conf);
}

/* No helper lives: the master has the last copies of all that waits in the link. */
static void link__with_a_lingering_socket_in_it__is_made_anew_at_once(void **state)
{
	struct helper_set set;
	struct conf *conf = start_set(&set, getpid());
	int peer, fd = lingering_open(&peer);
	const struct iovec byte = { .iov_base = &(char){ 0 }, .iov_len = 1 };

	(void)state;
	helper_respawn(&set.list[0], 0);
	assert_int_equal(rights_send(set.links[0].list[1].worker, &byte, 1, &fd, 1, 0), 1);
	close(fd);
	assert_int_equal(shutdown(set.links[0].list[1].worker, SHUT_RDWR), 0);
	alarm(LINGERING_BOUND_S);
	helper_links_renew(&set, 1);
	alarm(0);
	assert_false(helper_links_are_shut(&set, 1));
	close(peer);
	end_set(&set, conf);
}

/* The helper reads nothing meanwhile, so that its socket is full. */
static void link__made_anew__waits_for_room_in_the_helpers_socket(void **state)
{
	struct helper_set set;
	struct conf *conf = start_set(&set, getpid());
	char byte;

	(void)state;
	while (send(set.list[0].reports, "x", 1, MSG_DONTWAIT) == 1)
		;
	assert_int_equal(shutdown(set.links[0].list[1].worker, SHUT_RDWR), 0);
	helper_links_renew(&set, 1);
	while (recv(set.list[0].report, &byte, 1, MSG_DONTWAIT) == 1)
		assert_int_equal(byte, 'x');
	helper_links_give(&set);
	expect_link(&set, 1);
	end_set(&set, conf);
}

/* It was forked with the new one. */
static void link__made_anew__is_not_given_to_the_next_helper(void **state)
{
	struct helper_set set;
	struct conf *conf = start_set(&set, getpid());
	char byte;

	(void)state;
	helper_respawn(&set.list[0], 0);
	assert_int_equal(shutdown(set.links[0].list[1].worker, SHUT_RDWR), 0);
	helper_links_renew(&set, 1);
	helper_started(&set, 0, getpid(), 0);
	helper_links_give(&set);
	assert_int_equal(recv(set.list[0].report, &byte, 1, MSG_DONTWAIT), -1);
	end_set(&set, conf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(helper__that_could_not_be_told_to_leave__is_told_again),
		cmocka_unit_test(helper__that_does_not_leave_in_time__is_killed),
		cmocka_unit_test(helper__that_is_silent__is_killed_in_time),
		cmocka_unit_test(link__that_a_worker_has_shut__is_made_anew),
		cmocka_unit_test(link__given_to_a_helper_that_dies__is_not_given_to_the_next_one),
		cmocka_unit_test(link__with_a_lingering_socket_in_it__is_made_anew_at_once),
		cmocka_unit_test(link__made_anew__waits_for_room_in_the_helpers_socket),
		cmocka_unit_test(link__made_anew__is_not_given_to_the_next_helper),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
