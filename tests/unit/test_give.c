/* SPDX-License-Identifier: MIT */
/* Tests of worker/give: what a helper gets, and what is left as it was when it gets nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/rights.h"
#include "unit/served.h"
#include "worker/give.h"

/* A worker with one client, and both ends of its link. */
struct scene {
	struct served served;
	int client, link, helper;
};

static void start_scene(struct scene *scene)
{
	int pair[2];

	served_start(&scene->served, "echo", NULL);
	scene->client = served_connect(&scene->served);
	served_settle(&scene->served);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	scene->link = pair[0];
	scene->helper = pair[1];
}

static void stop_scene(struct scene *scene)
{
	close(scene->client);
	close(scene->link);
	close(scene->helper);
	served_settle(&scene->served);
	served_stop(&scene->served);
}

static enum give give(struct scene *scene)
{
	return give_socket(served_view(&scene->served), scene->link, "message", 7);
}

static int next_free_descriptor(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	close(fd);
	return fd;
}

/* The helper gets the client's socket; the record's is the other end of the control socket. */
static void expect_gift(struct scene *scene)
{
	char text[16] = "";
	struct iovec part = { .iov_base = text, .iov_len = sizeof(text) };
	struct rights got;

	assert_int_equal(rights_receive(scene->helper, &part, 1, &got, MSG_DONTWAIT), 7);
	assert_string_equal(text, "message");
	assert_int_equal(got.count, GIVE_FDS);
	assert_int_equal(send(got.fds[GIVE_SOCKET], "s", 1, 0), 1);
	assert_int_equal(recv(scene->client, text, sizeof(text), 0), 1);
	assert_int_equal(text[0], 's');
	assert_int_equal(send(got.fds[GIVE_CONTROL], "c", 1, 0), 1);
	assert_true(served_only(&scene->served)->is_given);
	assert_int_equal(recv(served_only(&scene->served)->fd, text, sizeof(text), 0), 1);
	assert_int_equal(text[0], 'c');
	/* no copy of the client's socket is left here */
	close(got.fds[GIVE_SOCKET]);
	assert_int_equal(recv(scene->client, text, sizeof(text), 0), 0);
	close(got.fds[GIVE_CONTROL]);
}

static void socket__given__is_the_helpers_alone(void **state)
{
	struct scene scene;

	(void)state;
	start_scene(&scene);
	assert_int_equal(give(&scene), GIVE_DONE);
	expect_gift(&scene);
	stop_scene(&scene);
}

/* Neither the record nor the descriptors have changed. */
static void expect_nothing(struct scene *scene, enum give outcome)
{
	int fd = served_only(&scene->served)->fd, next = next_free_descriptor();

	assert_int_equal(give(scene), outcome);
	assert_int_equal(served_only(&scene->served)->fd, fd);
	assert_false(served_only(&scene->served)->is_given);
	assert_int_equal(next_free_descriptor(), next);
}

static void socket__for_a_link_that_is_full__is_given_once_there_is_room(void **state)
{
	struct scene scene;
	char byte;

	(void)state;
	start_scene(&scene);
	while (send(scene.link, "x", 1, MSG_DONTWAIT) == 1)
		;
	expect_nothing(&scene, GIVE_LATER);
	while (recv(scene.helper, &byte, 1, MSG_DONTWAIT) == 1)
		assert_int_equal(byte, 'x');
	assert_int_equal(give(&scene), GIVE_DONE);
	expect_gift(&scene);
	stop_scene(&scene);
}

static void socket__for_a_link_that_is_shut__stays(void **state)
{
	struct scene scene;

	(void)state;
	start_scene(&scene);
	assert_int_equal(shutdown(scene.link, SHUT_RDWR), 0);
	expect_nothing(&scene, GIVE_FAILED);
	assert_int_equal(give(&scene), GIVE_FAILED);
	assert_int_equal(errno, EPIPE);
	served_send(&scene.served, scene.client, "hello", 5);
	served_expect(&scene.served, scene.client, "hello", false);
	stop_scene(&scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(socket__given__is_the_helpers_alone),
		cmocka_unit_test(socket__for_a_link_that_is_full__is_given_once_there_is_room),
		cmocka_unit_test(socket__for_a_link_that_is_shut__stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
