/* SPDX-License-Identifier: MIT */
/*
 * Messages that a worker in an attacker's hands can pass through a door. The receiver refuses them,
 * keeps no descriptor of them, waits for nothing and serves its own connections meanwhile.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <netinet/in.h>
#include <string.h>

#include "base/clock.h"
#include "base/sys.h"
#include "unit/siblings.h"

enum { OLD = 3, FLOOD = 1000, LINGER_S = 60, BOUND_MS = 20000, TURNS = 8 };

static struct siblings all;
static struct sibling *from, *to;
static int client;
static char message[sizeof(struct door_head) + sizeof(struct record)];
static struct door_head *const head = (struct door_head *)message;
static struct record *const first = (struct record *)(message + sizeof(*head));

/* A message in which all is right. */
static void write_message(void)
{
	*head = (struct door_head){
		.magic = DOOR_MAGIC,
		.version = DOOR_VERSION,
		.record_size = sizeof(struct record),
		.receiver = 1,
		.generation = OLD,
		.cause = MOVE_rebalance,
		.batch = 1,
		.key = to->door.keys[0],
		.conns = 1,
		.fds = 1,
	};
	*first = (struct record){ .state = CONN_OPEN,
				  .opened_us = clock_us(),
				  .active_ms = clock_ms() };
}

static int set_up(void **state)
{
	(void)state;
	siblings_begin(&all);
	from = sibling_start(&all, 0, OLD, "echo", NULL);
	to = sibling_start(&all, 1, OLD, "echo", NULL);
	client = sibling_connect(to, 0);
	siblings_count_open(&all);
	write_message();
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	siblings_end(&all);
	return 0;
}

static void pass(size_t size, const int *fds, unsigned count)
{
	const struct iovec part = { message, size };

	assert_int_equal(rights_send(all.doorbells[1], &part, 1, fds, count, MSG_DONTWAIT), size);
}

/* The client of the receiver's own connection is answered, and nothing has come in. */
static void assert_unmoved(void)
{
	siblings_settle(&all);
	siblings_say(client, "own");
	siblings_expect(&all, client, "own", false);
	assert_int_equal(recv(to->door.watch.fd, message, 1, MSG_PEEK | MSG_DONTWAIT), -1);
	assert_int_equal(sibling_metric(to, METRIC_connections_moved_in_total), 0);
	siblings_assert_open(&all);
	siblings_assert_sole(&all, 1);
}

static void message__in_which_all_is_right__is_taken(void **state)
{
	int ends[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	pass(sizeof(message), &ends[0], 1);
	close(ends[0]);
	siblings_settle(&all);
	assert_int_equal(sibling_conns(to), 2);
	siblings_say(ends[1], "x");
	siblings_expect(&all, ends[1], "x", false);
	close(ends[1]);
	siblings_settle(&all);
	assert_int_equal(sibling_conns(to), 1);
}

#define HEADS(ROW)                                             \
	ROW(magic, head->magic ^= 1)                           \
	ROW(version, head->version++)                          \
	ROW(record_size, head->record_size += 8)               \
	ROW(sender_itself, head->sender = 1)                   \
	ROW(sender_not_there, head->sender = 2)                \
	ROW(sender_beyond, head->sender = SCOREBOARD_SLOTS)    \
	ROW(sender_far_beyond, head->sender = UINT32_MAX)      \
	ROW(receiver, head->receiver = 0)                      \
	ROW(generation_before, head->generation = OLD - 1)     \
	ROW(generation_after, head->generation = OLD + 1)      \
	ROW(cause, head->cause = MOVE_CAUSES)                  \
	ROW(batch_none, head->batch = 0)                       \
	ROW(batch_beyond, head->batch = UINT64_C(1) << 56)     \
	ROW(batch_far_beyond, head->batch = UINT64_MAX)        \
	ROW(conns_none, head->conns = 0)                       \
	ROW(conns_beyond, head->conns = DOOR_CONNS_MOST + 1)   \
	ROW(conns_far_beyond, head->conns = UINT32_MAX)        \
	ROW(pid_of_another, atomic_store(&from->info->pid, 1)) \
	ROW(pid_unknown, atomic_store(&from->info->pid, 0))    \
	ROW(slot_empty, atomic_store(&from->info->is_taken, 0))

#define FUNCTION(name, code)         \
	static void set_##name(void) \
	{                            \
		code;                \
	}
#define ROW(name, code) { #name, set_##name },

HEADS(FUNCTION)

static const struct {
	const char *name;
	void (*make)(void);
} heads[] = { HEADS(ROW) };

static void head__with_anything_wrong__is_refused(void **state)
{
	for (size_t i = 0; i < sizeof(heads) / sizeof(*heads); i++) {
		print_message("# %s\n", heads[i].name);
		heads[i].make();
		pass(sizeof(message), &client, 1);
		assert_unmoved();
		assert_int_equal(sibling_metric(to, METRIC_moves_refused_total), 1);
		for (unsigned k = 0; k < SCOREBOARD_SLOTS; k++)
			assert_int_equal(to->slot->door_taken[k], 0);
		atomic_store(&from->info->is_taken, 1);
		atomic_store(&from->info->pid, (uint32_t)getpid());
		tear_down(state);
		set_up(state);
	}
}

/* It is no attack; the next worker of the sender's slot has its connections. */
static void message__of_a_worker_that_died__is_dropped_and_not_counted(void **state)
{
	(void)state;
	atomic_store(&from->info->last_pid, (uint32_t)getpid());
	for (unsigned next = 0; next < 2; next++) { /* there is none yet, and then there is one */
		atomic_store(&from->info->pid, next);
		write_message();
		pass(sizeof(message), &client, 1);
		assert_unmoved();
		assert_int_equal(sibling_metric(to, METRIC_moves_refused_total), 0);
		assert_int_equal(to->slot->door_taken[0], 0);
	}
	atomic_store(&from->info->pid, (uint32_t)getpid());
}

/* One byte tells the worker to look for a decision on its own batch. */
static void message__of_any_other_length__is_dropped(void **state)
{
	static const size_t sizes[] = { 0, 1, 2, sizeof(struct door_head) - 1 };

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		pass(sizes[i], NULL, 0);
		assert_unmoved();
		write_message();
		pass(sizes[i], &client, 1);
		assert_unmoved();
		write_message();
	}
}

static void message__longer_than_any__is_dropped(void **state)
{
	static char bytes[DOOR_MESSAGE_MOST + 1];
	const struct iovec part = { bytes, sizeof(bytes) };

	(void)state;
	memcpy(bytes, message, sizeof(message));
	assert_int_equal(rights_send(all.doorbells[1], &part, 1, &client, 1, MSG_DONTWAIT),
			 sizeof(bytes));
	assert_unmoved();
	assert_int_equal(to->slot->door_taken[0], 0);
}

static void descriptors__more_than_are_named__are_closed(void **state)
{
	int fds[RIGHTS_MOST];

	(void)state;
	for (unsigned i = 0; i < RIGHTS_MOST; i++)
		fds[i] = client;
	pass(sizeof(message), fds, RIGHTS_MOST);
	assert_unmoved();
	write_message();
	pass(1, fds, RIGHTS_MOST);
	assert_unmoved();
}

/* --- Descriptors of other kinds ------------------------------------------------------------- */

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

	siblings_keep(&all, listener);
	all.open++;
	getsockname(listener, (struct sockaddr *)&at, &len);
	assert_int_equal(connect(fd, (struct sockaddr *)&at, len), 0);
	while (send(fd, bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
		;
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)), 0);
	return fd;
}

static int (*const kinds[])(void) = { open_listener, open_pipe, open_file,     open_epoll,
				      open_event,    open_null, open_lingering };

/* The only copy goes with the message. */
static void pass_kind(int (*open_kind)(void))
{
	int fd = open_kind();

	assert_true(fd >= 0);
	pass(sizeof(message), &fd, 1);
	close(fd);
}

static void descriptor__of_any_kind__is_closed_at_once(void **state)
{
	int64_t began_ms = clock_ms();

	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		write_message();
		head->version = 0;
		pass_kind(kinds[i]);
		assert_unmoved();
	}
	assert_true(clock_ms() - began_ms < BOUND_MS);
}

/* It is a connection until it is served. */
static void descriptor__that_is_no_connection__ends_alone(void **state)
{
	int64_t began_ms = clock_ms();

	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		write_message();
		head->batch = i + 1;
		pass_kind(kinds[i]);
		siblings_settle(&all);
		while (sibling_conns(to) > 1)
			conn_end(&to->pool, sibling_record(to, 1), CLOSE_stopped);
		siblings_assert_open(&all);
		siblings_say(client, "own");
		siblings_expect(&all, client, "own", false);
	}
	assert_true(clock_ms() - began_ms < BOUND_MS);
}

/* --- Many of them --------------------------------------------------------------------------- */

static void flood(void)
{
	unsigned sent = 0;
	const struct iovec part = { message, sizeof(message) };

	while (sent < FLOOD &&
	       rights_send(all.doorbells[1], &part, 1, &client, 1, MSG_DONTWAIT) > 0)
		sent++;
	assert_true(sent > TURNS);
}

static void flood__of_messages__stops_no_other_event(void **state)
{
	unsigned left = 0;

	(void)state;
	head->version = 0;
	flood();
	siblings_say(client, "own");
	for (unsigned i = 0; i < TURNS; i++)
		sibling_turn(to);
	assert_int_equal(recv(client, message, 3, MSG_DONTWAIT), 3);
	assert_memory_equal(message, "own", 3);
	siblings_assert_open(&all);
	while (recv(to->door.watch.fd, message, 1, MSG_DONTWAIT) >= 0)
		left++;
	assert_true(left > 0);
	write_message();
	assert_unmoved();
}

/* Any worker that holds the other end can shut the door for all. */
static void door__that_is_shut__wakes_nobody_for_ever(void **state)
{
	(void)state;
	assert_int_equal(shutdown(all.doorbells[1], SHUT_RDWR), 0);
	siblings_settle(&all);
	assert_int_equal(poll(&(struct pollfd){ to->loop.epfd, POLLIN, 0 }, 1, 0), 0);
	siblings_say(client, "own");
	siblings_expect(&all, client, "own", false);
	sibling_die(to);
	sibling_recover(to);
	siblings_settle(&all);
	assert_int_equal(poll(&(struct pollfd){ to->loop.epfd, POLLIN, 0 }, 1, 0), 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(message__in_which_all_is_right__is_taken),
		CASE(head__with_anything_wrong__is_refused),
		CASE(message__of_a_worker_that_died__is_dropped_and_not_counted),
		CASE(message__of_any_other_length__is_dropped),
		CASE(message__longer_than_any__is_dropped),
		CASE(descriptors__more_than_are_named__are_closed),
		CASE(descriptor__of_any_kind__is_closed_at_once),
		CASE(descriptor__that_is_no_connection__ends_alone),
		CASE(flood__of_messages__stops_no_other_event),
		CASE(door__that_is_shut__wakes_nobody_for_ever),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
