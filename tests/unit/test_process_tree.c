/* SPDX-License-Identifier: MIT */
/* The figures of a process with its descendants: children of this one, which use what they say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/process_tree.h"

enum { MEMORY = 24 * 1024 * 1024, BUSY_US = 150 * 1000 };

/* A child that has `depth` descendants, one below the other; the last one uses memory and time. */
static pid_t start_line(unsigned depth, int told)
{
	pid_t pid = fork();
	char *memory;

	if (pid != 0)
		return pid;
	if (depth > 0) {
		start_line(depth - 1, told);
		for (;;)
			pause();
	}
	memory = malloc(MEMORY);
	memset(memory, 1, MEMORY);
	while (clock_cpu_us() < BUSY_US) /* its own, which began with it */
		;
	(void)!write(told, memory, 1);
	for (;;)
		pause();
}

static void hear(int fd)
{
	char byte;

	assert_int_equal(read(fd, &byte, 1), 1);
}

/* A child with these descendants, all in one group. */
static pid_t start_group(void (*run)(int told))
{
	int ends[2];
	pid_t pid;

	assert_int_equal(pipe(ends), 0);
	pid = fork();
	if (pid == 0) {
		setpgid(0, 0);
		run(ends[1]);
		for (;;)
			pause();
	}
	hear(ends[0]);
	close(ends[0]);
	close(ends[1]);
	return pid;
}

static void end_group(pid_t pid)
{
	assert_int_equal(kill(-pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void run_line(int told)
{
	start_line(2, told);
}

static void *start_in_thread(void *told)
{
	start_line(0, *(int *)told);
	pause();
	return NULL;
}

static void run_thread(int told)
{
	pthread_t thread;

	pthread_create(&thread, NULL, start_in_thread, &told);
	for (;;)
		pause();
}

/* It has ended, and was waited for, when the byte comes. */
static void run_and_wait(int told)
{
	int ends[2];
	pid_t pid;

	(void)!pipe(ends);
	pid = start_line(0, ends[1]);
	hear(ends[0]);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	(void)!write(told, "", 1);
}

static void expect(void (*run)(int told), unsigned processes, uint64_t memory)
{
	struct process_tree tree;
	pid_t pid = start_group(run);

	assert_true(process_tree_read(pid, &tree));
	assert_int_equal(tree.count, processes);
	assert_true(tree.cpu_us >= BUSY_US * 9 / 10 / 10);
	assert_true(tree.memory_bytes > memory);
	end_group(pid);
}

static void descendants__are_counted_with_it(void **state)
{
	(void)state;
	expect(run_line, 4, MEMORY);
}

static void child_of_a_thread__is_counted(void **state)
{
	(void)state;
	expect(run_thread, 2, MEMORY);
}

static void child_that_has_died__leaves_its_time(void **state)
{
	(void)state;
	expect(run_and_wait, 1, 0);
}

static void process__that_is_gone__cannot_be_read(void **state)
{
	struct process_tree tree;
	pid_t pid = fork();

	(void)state;
	if (pid == 0)
		_exit(0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_false(process_tree_read(pid, &tree));
	assert_int_equal(tree.count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(descendants__are_counted_with_it),
		cmocka_unit_test(child_of_a_thread__is_counted),
		cmocka_unit_test(child_that_has_died__leaves_its_time),
		cmocka_unit_test(process__that_is_gone__cannot_be_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
