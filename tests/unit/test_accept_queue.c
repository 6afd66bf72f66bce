/* SPDX-License-Identifier: MIT */
/* Tests of net/accept_queue.c against the kernel. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/sys.h"
#include "net/accept_queue.h"
#include "unit/listening.h"

enum { BACKLOG = 4, FULL = BACKLOG + 1 };

/* A listening socket that no process accepts from, and the clients that wait in its queue. */
static struct listener_set *set;
static struct sockdiag diag;
static int clients[FULL];

static void listen_on(const char *address)
{
	struct listening setup = { 0 };

	listening_add(&setup, address);
	setup.listens[0].backlog = BACKLOG;
	set = listening_open(&setup, NULL, 1);
}

static int connect_client(void)
{
	const struct addr *to = &set->list[0].bound;
	int fd = socket(to->sa.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	(void)!connect(fd, &to->sa, to->len);
	return fd;
}

static void fill_queue(void)
{
	for (unsigned i = 0; i < FULL; i++)
		clients[i] = connect_client();
}

static void turn_away(unsigned count)
{
	while (count-- > 0)
		close(connect_client());
}

static int set_up(void **state)
{
	diag = (struct sockdiag){ .fd = -1 };
	for (unsigned i = 0; i < FULL; i++)
		clients[i] = -1;
	return listening_set_up(state);
}

static int tear_down(void **state)
{
	for (unsigned i = 0; i < FULL; i++)
		if (clients[i] >= 0)
			close(clients[i]);
	sockdiag_close(&diag);
	listener_close_all(set, NULL, true);
	return listening_tear_down(state);
}

/* The reading must succeed, with the length and limit of a full queue. */
static uint32_t read_drops(struct accept_queue *queue)
{
	struct accept_queue_reading reading;

	assert_int_equal(accept_queue_read(queue, &diag, &reading), ACCEPT_QUEUE_READ);
	assert_int_equal(reading.length, FULL);
	assert_int_equal(reading.limit, BACKLOG);
	return reading.dropped;
}

static void read__of_a_new_tcp_socket__has_all_its_drops_once(void **state)
{
	struct accept_queue queue;

	(void)state;
	listen_on("127.0.0.1:0");
	assert_true(accept_queue_follow(&queue, set->list[0].fds[0], false, true));
	fill_queue();
	turn_away(2);
	assert_int_equal(read_drops(&queue), 2);
	assert_int_equal(read_drops(&queue), 0);
	turn_away(1);
	assert_int_equal(read_drops(&queue), 1);
}

static void read__of_a_tcp_socket_that_was_there__leaves_out_what_was_before(void **state)
{
	struct accept_queue queue;

	(void)state;
	listen_on("127.0.0.1:0");
	fill_queue();
	turn_away(2);
	assert_true(accept_queue_follow(&queue, set->list[0].fds[0], false, false));
	assert_int_equal(read_drops(&queue), 0);
	turn_away(1);
	assert_int_equal(read_drops(&queue), 1);
}

static void read__after_the_counter_of_drops_wrapped_around__counts_on(void **state)
{
	struct accept_queue queue;

	(void)state;
	listen_on("127.0.0.1:0");
	assert_true(accept_queue_follow(&queue, set->list[0].fds[0], false, true));
	queue.drops = UINT32_MAX;
	fill_queue();
	turn_away(2);
	assert_int_equal(read_drops(&queue), 3);
}

static void read__of_a_unix_socket__has_its_queue_and_no_drops(void **state)
{
	struct accept_queue queue;

	(void)state;
	listen_on(listening_unix);
	assert_true(sockdiag_open(&diag));
	assert_true(accept_queue_follow(&queue, set->list[0].fds[0], true, true));
	fill_queue();
	turn_away(2);
	assert_int_equal(read_drops(&queue), 0);
}

static void read__of_a_unix_socket_that_the_kernel_does_not_know__is_refused_once(void **state)
{
	struct accept_queue_reading reading;
	struct accept_queue queue;

	(void)state;
	listen_on("127.0.0.1:0");
	assert_true(accept_queue_follow(&queue, set->list[0].fds[0], true, true));
	assert_int_equal(accept_queue_read(&queue, &diag, &reading), ACCEPT_QUEUE_MUTE);
	assert_true(sockdiag_open(&diag));
	assert_int_equal(accept_queue_read(&queue, &diag, &reading), ACCEPT_QUEUE_REFUSED);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(accept_queue_read(&queue, &diag, &reading), ACCEPT_QUEUE_MUTE);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(read__of_a_new_tcp_socket__has_all_its_drops_once),
		CASE(read__of_a_tcp_socket_that_was_there__leaves_out_what_was_before),
		CASE(read__after_the_counter_of_drops_wrapped_around__counts_on),
		CASE(read__of_a_unix_socket__has_its_queue_and_no_drops),
		CASE(read__of_a_unix_socket_that_the_kernel_does_not_know__is_refused_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
