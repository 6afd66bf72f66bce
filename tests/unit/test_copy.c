/* SPDX-License-Identifier: MIT */
/* Tests of master/program/copy: what it reports, in every order in which the loop can see it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/sys.h"
#include "master/program/copy.h"
#include "unit/board.h"

/* A copy whose process is this one; `report` is the end of the report that its child has. */
struct scene {
	struct scoreboard *board;
	struct loop loop;
	struct program_conf conf;
	struct command command;
	struct program program;
	struct copy copy;
	int report, sender;
};

static void begin_copy(struct scene *scene)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	struct copy *copy = &scene->copy;
	int pair[2];

	copy_init(copy, &scene->program, 0);
	member_want(&copy->member, 0, 0);
	member_started(&copy->member, 0);
	copy->member.pid = getpid();
	assert_int_equal(sys_pipe2(pair, O_CLOEXEC | O_NONBLOCK), 0);
	copy->report.fd = pair[0];
	scene->report = pair[1];
	copy->notify.fd = notify_socket_open(copy->notify_name);
	assert_true(copy->notify.fd >= 0);
	memcpy(to.sun_path + 1, copy->notify_name + 1, strlen(copy->notify_name) - 1);
	scene->sender = sys_socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_int_equal(sys_connect(scene->sender, (const struct sockaddr *)&to,
				     (socklen_t)(offsetof(struct sockaddr_un, sun_path) +
						 strlen(copy->notify_name))),
			 0);
}

static int open_scene(void **state)
{
	struct scene *scene = calloc(1, sizeof(*scene));

	assert_non_null(scene);
	scene->board = board_new();
	scene->conf.title = "app";
	scene->program = (struct program){ .conf = &scene->conf,
					   .loop = &scene->loop,
					   .board = scene->board,
					   .command = &scene->command };
	assert_true(loop_open(&scene->loop));
	begin_copy(scene);
	*state = scene;
	return 0;
}

static void close_one(int *fd)
{
	if (*fd >= 0)
		sys_close(*fd);
	*fd = -1;
}

static int close_scene(void **state)
{
	struct scene *scene = *state;

	close_one(&scene->copy.report.fd);
	close_one(&scene->copy.notify.fd);
	close_one(&scene->report);
	close_one(&scene->sender);
	loop_close(&scene->loop);
	free(scene->board);
	free(scene);
	return 0;
}

static void say_ready(const struct scene *scene)
{
	static const char text[] = "READY=1";

	assert_int_equal(sys_send(scene->sender, text, strlen(text), 0), strlen(text));
}

static void hear(struct watch *watch)
{
	watch->ready(watch->owner, EPOLLIN);
}

static void program__that_is_ready_before_its_start_was_seen__is_ready(void **state)
{
	struct scene *scene = *state;

	say_ready(scene);
	close_one(&scene->report);
	hear(&scene->copy.notify);
	assert_true(member_is_ready(&scene->copy.member));
	assert_true(scene->copy.was_ready);
	assert_int_equal(scene->copy.report.fd, -1);
}

static void message__of_a_child__makes_nothing_ready(void **state)
{
	struct scene *scene = *state;
	pid_t child = fork();

	if (child == 0) {
		say_ready(scene);
		_exit(0);
	}
	assert_int_equal(waitpid(child, NULL, 0), child);
	close_one(&scene->report);
	hear(&scene->copy.notify);
	assert_false(member_is_ready(&scene->copy.member));
	assert_true(scene->copy.has_stranger);
	say_ready(scene);
	hear(&scene->copy.notify);
	assert_true(member_is_ready(&scene->copy.member));
}

static void message__from_another_before_the_start__makes_nothing_ready(void **state)
{
	struct scene *scene = *state;

	say_ready(scene);
	hear(&scene->copy.notify);
	assert_false(member_is_ready(&scene->copy.member));
	close_one(&scene->report);
	hear(&scene->copy.report);
	assert_false(member_is_ready(&scene->copy.member));
	say_ready(scene);
	hear(&scene->copy.notify);
	assert_true(member_is_ready(&scene->copy.member));
}

static void program__that_could_not_be_run__is_never_ready(void **state)
{
	struct scene *scene = *state;
	struct err err;

	err_set(&err, CODE_OSERR, "cannot run it");
	assert_int_equal(sys_write(scene->report, &err, sizeof(err)), sizeof(err));
	close_one(&scene->report);
	say_ready(scene);
	hear(&scene->copy.notify);
	assert_false(member_is_ready(&scene->copy.member));
	assert_string_equal(scene->copy.failure.text, "cannot run it");
}

/* The signal waits as long as the process is stopped. */
static void copy__that_is_stopped__hears_that_it_is_to_end(void **state)
{
	struct scene *scene = *state;
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		setpgid(0, 0);
		raise(SIGSTOP);
		for (;;)
			pause();
	}
	assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
	assert_true(WIFSTOPPED(status));
	scene->copy.member.pid = pid;
	copy_retire(&scene->copy, "retired", INT64_MAX);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGTERM);
	scene->copy.member.pid = 0;
}

#define SCENE_TEST(name) cmocka_unit_test_setup_teardown(name, open_scene, close_scene)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE_TEST(program__that_is_ready_before_its_start_was_seen__is_ready),
		SCENE_TEST(message__of_a_child__makes_nothing_ready),
		SCENE_TEST(message__from_another_before_the_start__makes_nothing_ready),
		SCENE_TEST(program__that_could_not_be_run__is_never_ready),
		SCENE_TEST(copy__that_is_stopped__hears_that_it_is_to_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
