/* SPDX-License-Identifier: MIT */
/*
 * Descriptors that a worker in an attacker's hands can pass through a door, of any kind and in any
 * state. The receiver takes those of connections alone, and no close makes it wait.
 */
#include <netinet/in.h>

#include "base/clock.h"
#include "base/sys.h"
#include "unit/hostile.h"

enum { LINGER_S = 60, BOUND_MS = 20000 };

static int open_listener(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(fd, 8), 0);
	return fd;
}

static int open_pipe(void)
{
	int fds[2];

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	close(fds[1]);
	return fds[0];
}

static int open_file(void)
{
	return open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
}

static int open_epoll(void)
{
	return epoll_create1(EPOLL_CLOEXEC);
}

static int open_event(void)
{
	return eventfd(1, EFD_CLOEXEC);
}

static int open_null(void)
{
	return open("/dev/null", O_RDWR | O_CLOEXEC);
}

/* It is full, its client never reads, and its last close waits for that client. */
static int open_lingering(void)
{
	static char bytes[64 * 1024];
	const struct linger linger = { 1, LINGER_S };
	struct sockaddr_in at;
	socklen_t len = sizeof(at);
	int listener = open_listener(), fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	siblings_keep(&hostile.all, listener);
	hostile.all.open++;
	getsockname(listener, (struct sockaddr *)&at, &len);
	assert_int_equal(connect(fd, (struct sockaddr *)&at, len), 0);
	while (send(fd, bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
		;
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)), 0);
	return fd;
}

static int open_datagram(void)
{
	return socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
}

/* Only its queue holds a socket whose last close waits. The other end stays open. */
static int open_nest(int type)
{
	int ends[2], held = open_lingering();
	const struct iovec byte = { "x", 1 };

	assert_int_equal(socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ends), 0);
	siblings_keep(&hostile.all, ends[1]);
	hostile.all.open++;
	assert_int_equal(rights_send(ends[1], &byte, 1, &held, 1, MSG_DONTWAIT), 1);
	close(held);
	return ends[0];
}

static int open_packet_nest(void)
{
	return open_nest(SOCK_SEQPACKET);
}

static int (*const kinds[])(void) = { open_listener, open_pipe,      open_file,
				      open_epoll,    open_event,     open_null,
				      open_datagram, open_lingering, open_packet_nest };

/* The only copy goes with the message. */
static void pass_kind(int (*open_kind)(void))
{
	int fd = open_kind();

	assert_true(fd >= 0);
	hostile_pass(sizeof(hostile.message), &fd, 1);
	close(fd);
}

static void descriptor__of_any_kind__is_closed_at_once(void **state)
{
	int64_t began_ms = clock_ms();

	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		hostile_write();
		hostile.head->version = 0;
		pass_kind(kinds[i]);
		hostile_assert_unmoved();
	}
	assert_true(clock_ms() - began_ms < BOUND_MS);
}

/* A TCP connection is none of a listener for unix sockets. */
static void descriptor__that_is_no_connection__is_refused(void **state)
{
	int64_t began_ms = clock_ms();

	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		hostile_write();
		hostile.head->batch = i + 1;
		pass_kind(kinds[i]);
		hostile_assert_unmoved();
		assert_int_equal(sibling_metric(hostile.to, METRIC_moves_refused_total), i + 1);
	}
	assert_true(clock_ms() - began_ms < BOUND_MS);
}

static int open_stream(void)
{
	return open_nest(SOCK_STREAM);
}

/* No other socket than one of the internet is a connection of an internet listener. */
static void descriptor__that_is_no_internet_socket__is_refused(void **state)
{
	static int (*const strangers[])(void) = { open_pipe,     open_file,    open_epoll,
						  open_event,    open_null,    open_stream,
						  open_listener, open_datagram };
	int64_t began_ms = clock_ms();

	(void)state;
	for (size_t i = 0; i < sizeof(strangers) / sizeof(*strangers); i++) {
		hostile_write();
		hostile.head->batch = i + 1;
		hostile.to->listeners[0].bound.sa.sa_family = AF_INET;
		pass_kind(strangers[i]);
		hostile_assert_unmoved();
		assert_int_equal(sibling_metric(hostile.to, METRIC_moves_refused_total), i + 1);
	}
	assert_true(clock_ms() - began_ms < BOUND_MS);
}

static void range__of_another_kind_than_a_file__is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		int fds[2] = { hostile.client, -1 };

		if (kinds[i] == open_file)
			continue;
		fds[1] = kinds[i]();
		hostile_write();
		hostile.head->batch = i + 1;
		hostile.head->fds = 2;
		hostile.first->file_left = 5;
		hostile_pass(sizeof(hostile.message), fds, 2);
		close(fds[1]);
		hostile_assert_unmoved();
	}
}

/* It may come through the door of a server that listens on a unix socket. */
static void connection__whose_queue_holds_descriptors__waits_for_none(void **state)
{
	int64_t began_ms = clock_ms();
	int fd = open_nest(SOCK_STREAM);

	(void)state;
	hostile_pass(sizeof(hostile.message), &fd, 1);
	close(fd);
	siblings_settle(&hostile.all);
	assert_int_equal(sibling_conns(hostile.to), 2);
	conn_end(&hostile.to->pool, sibling_record(hostile.to, 1), CLOSE_stopped);
	fd = open_nest(SOCK_STREAM);
	hostile_write();
	hostile.head->batch = 2;
	hostile_pass(sizeof(hostile.message), &fd, 1);
	assert_int_equal(shutdown(fd, SHUT_RD), 0);
	close(fd);
	siblings_settle(&hostile.all);
	siblings_say(hostile.client, "own");
	siblings_expect(&hostile.all, hostile.client, "own", false);
	assert_true(clock_ms() - began_ms < BOUND_MS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		HOSTILE_CASE(descriptor__of_any_kind__is_closed_at_once),
		HOSTILE_CASE(descriptor__that_is_no_connection__is_refused),
		HOSTILE_CASE(descriptor__that_is_no_internet_socket__is_refused),
		HOSTILE_CASE(range__of_another_kind_than_a_file__is_refused),
		HOSTILE_CASE(connection__whose_queue_holds_descriptors__waits_for_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
