/* SPDX-License-Identifier: MIT */
/*
 * Tests of client/bench/cputime with files like those of /proc: processes that start, end and
 * cannot be read.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/bench/cputime.h"
#include "unit/folder.h"

enum { MS = 1000000 };

static struct cputime server;
static uint64_t ticks_in_second;

static int set_up(void **state)
{
	ticks_in_second = (uint64_t)sysconf(_SC_CLK_TCK);
	if (folder_make(state) < 0)
		return -1;
	server = (struct cputime){ .proc = *state };
	return 0;
}

static int tear_down(void **state)
{
	int result = folder_remove_tree(*state);

	cputime_free(&server);
	free(*state);
	return result;
}

static const char *at(int pid, const char *rest)
{
	static char path[512];

	snprintf(path, sizeof(path), "%s/%d%s", server.proc, pid, rest);
	return path;
}

/* Writes /proc/PID/stat, with a confusing name; the time is that of children waited for. */
static void say_stat(int pid, int parent, int began, int ended_ms)
{
	char text[256];

	mkdir(at(pid, ""), 0755);
	snprintf(text, sizeof(text),
		 "%d (a) 7 (b) S %d 1 1 0 -1 4194560 90 0 0 0 11 12 0 %d 20 0 1 0 %d 1 2 3\n", pid,
		 parent, (int)((uint64_t)ended_ms * ticks_in_second / 1000), began);
	folder_write(at(pid, ""), "stat", text);
}

static void say_thread(int pid, const char *thread, int used_ms)
{
	char path[600], text[64];

	mkdir(at(pid, "/task"), 0755);
	snprintf(path, sizeof(path), "%s/%s", at(pid, "/task"), thread);
	mkdir(path, 0755);
	snprintf(text, sizeof(text), "%llu 5 6\n", (unsigned long long)used_ms * MS);
	folder_write(path, "schedstat", text);
}

static void say(int pid, int parent, int used_ms, int ended_ms)
{
	say_stat(pid, parent, 100, ended_ms);
	say_thread(pid, "1", used_ms);
}

static void assert_used(int ms, int ended)
{
	struct cputime_used used = cputime_stop(&server);

	assert_true(used.is_known);
	assert_int_equal(used.ns, (uint64_t)ms * MS);
	assert_int_equal(used.ended, ended);
}

static void descendants__count_what_all_their_threads_used_since_the_beginning(void **state)
{
	(void)state;
	say(10, 1, 1000, 0);
	say(11, 10, 2000, 0);
	say_thread(11, "2", 500);
	say(12, 11, 3000, 0);
	say(20, 1, 9000, 0);
	assert_true(cputime_add(&server, 10));
	assert_true(cputime_add(&server, 11));
	cputime_start(&server);
	say(10, 1, 1001, 0);
	say(11, 10, 2020, 0);
	say_thread(11, "2", 800);
	say(12, 11, 7000, 0);
	say(20, 1, 9900, 0);
	assert_used(4321, 0);
}

static void more_descendants_than_a_thousand__count(void **state)
{
	(void)state;
	say(10, 1, 5, 0);
	for (int i = 0; i < 1500; i++)
		say(100 + i, 10, 5, 0);
	assert_true(cputime_add(&server, 10));
	cputime_start(&server);
	for (int i = 0; i < 1500; i++)
		say(100 + i, 10, 6, 0);
	assert_used(1500, 0);
}

static void descendants__that_began_meanwhile__count_from_0(void **state)
{
	(void)state;
	say(10, 1, 1000, 0);
	assert_true(cputime_add(&server, 10));
	cputime_start(&server);
	say(11, 10, 70, 0);
	say(12, 11, 30, 20);
	assert_used(120, 0);
}

static void descendants__that_came_and_went__count_by_their_parent(void **state)
{
	(void)state;
	say(10, 1, 1000, 400);
	assert_true(cputime_add(&server, 10));
	cputime_start(&server);
	say(10, 1, 1000, 700);
	assert_used(300, 0);
}

static void descendant__that_is_gone__counts_what_its_parent_has_been_told(void **state)
{
	(void)state;
	say(10, 1, 1000, 400);
	say(11, 10, 5000, 0);
	assert_true(cputime_add(&server, 10));
	cputime_start(&server);
	assert_int_equal(folder_remove_tree(at(11, "")), 0);
	say(10, 1, 1010, 400 + 5000 + 60);
	assert_used(70, 1);
}

static void descendants__that_are_gone_one_after_the_other__count_by_who_is_left(void **state)
{
	(void)state;
	say(10, 1, 1000, 400);
	say(11, 10, 5000, 100);
	say(12, 11, 3000, 0);
	assert_true(cputime_add(&server, 10));
	cputime_start(&server);
	assert_int_equal(folder_remove_tree(at(11, "")), 0);
	assert_int_equal(folder_remove_tree(at(12, "")), 0);
	say(10, 1, 1000, 400 + 5000 + 100 + 3000 + 80);
	assert_used(80, 2);
}

static void process__that_is_gone__takes_nothing_away(void **state)
{
	(void)state;
	say(10, 1, 1000, 0);
	say(20, 1, 100, 0);
	assert_true(cputime_add(&server, 10));
	assert_true(cputime_add(&server, 20));
	cputime_start(&server);
	assert_int_equal(folder_remove_tree(at(10, "")), 0);
	say(20, 1, 103, 0);
	assert_used(3, 1);
}

static void process__whose_number_another_one_has__is_gone(void **state)
{
	(void)state;
	say(10, 1, 1000, 0);
	say(20, 1, 100, 0);
	assert_true(cputime_add(&server, 10));
	assert_true(cputime_add(&server, 20));
	cputime_start(&server);
	say_stat(10, 1, 101, 0);
	say_thread(10, "1", 8000);
	say(20, 1, 103, 0);
	assert_used(3, 1);
}

static void times__that_the_system_does_not_tell__are_not_known(void **state)
{
	(void)state;
	say_stat(10, 1, 100, 0);
	assert_true(cputime_add(&server, 10));
	cputime_start(&server);
	assert_false(cputime_stop(&server).is_known);
}

static void times__that_are_all_0__are_not_known(void **state)
{
	(void)state;
	say(10, 1, 0, 0);
	assert_true(cputime_add(&server, 10));
	cputime_start(&server);
	assert_false(cputime_stop(&server).is_known);
}

static void process__whose_parent_is_out_of_sight__is_there(void **state)
{
	(void)state;
	say(10, 0, 1000, 0);
	assert_true(cputime_add(&server, 10));
	cputime_start(&server);
	say(10, 0, 1007, 0);
	assert_used(7, 0);
}

static void process__that_is_not_there__is_refused(void **state)
{
	(void)state;
	errno = 0;
	assert_false(cputime_add(&server, 10));
	assert_int_equal(errno, ESRCH);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(descendants__count_what_all_their_threads_used_since_the_beginning),
		CASE(more_descendants_than_a_thousand__count),
		CASE(descendants__that_began_meanwhile__count_from_0),
		CASE(descendants__that_came_and_went__count_by_their_parent),
		CASE(descendant__that_is_gone__counts_what_its_parent_has_been_told),
		CASE(descendants__that_are_gone_one_after_the_other__count_by_who_is_left),
		CASE(process__that_is_gone__takes_nothing_away),
		CASE(process__whose_number_another_one_has__is_gone),
		CASE(times__that_the_system_does_not_tell__are_not_known),
		CASE(times__that_are_all_0__are_not_known),
		CASE(process__whose_parent_is_out_of_sight__is_there),
		CASE(process__that_is_not_there__is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
