/* SPDX-License-Identifier: MIT */
/*
 * Messages that a worker in an attacker's hands can pass through a door. The receiver refuses them,
 * keeps no descriptor of them, waits for nothing and serves its own connections meanwhile.
 */
#include <string.h>

#include "base/clock.h"
#include "base/sys.h"
#include "unit/hostile.h"

enum { FLOOD = 1000, TURNS = 8, A_TURN = 64 }; /* messages in a turn at most */

static void message__in_which_all_is_right__is_taken(void **state)
{
	int ends[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	hostile_pass(sizeof(hostile.message), &ends[0], 1);
	close(ends[0]);
	siblings_settle(&hostile.all);
	assert_int_equal(sibling_conns(hostile.to), 2);
	siblings_say(ends[1], "x");
	siblings_expect(&hostile.all, ends[1], "x", false);
	close(ends[1]);
	siblings_settle(&hostile.all);
	assert_int_equal(sibling_conns(hostile.to), 1);
}

/* They go into the receiver's sums. */
static void message__with_forged_times__says_no_more_than_a_client_can_cause(void **state)
{
	const struct worker_tally *tally = &hostile.to->slot->tally;
	int64_t oldest_us = clock_us() - hostile.to->listens[0].message_timeout * 1000;
	int ends[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	hostile.first->opened_us = INT64_MIN / 2 + 1;
	hostile.first->begun_us = INT64_MIN / 2 + 1;
	hostile_pass(sizeof(hostile.message), &ends[0], 1);
	close(ends[0]);
	sibling_turn(hostile.to);
	assert_int_equal(sibling_conns(hostile.to), 2);
	assert_in_range(sibling_record(hostile.to, 1)->begun_us, oldest_us, clock_us());
	siblings_say(ends[1], "x");
	siblings_settle(&hostile.all);
	assert_true(tally->first_byte_seconds.sum_us < 1000000);
	close(ends[1]);
	siblings_settle(&hostile.all);
}

#define HEADS(ROW)                                                         \
	ROW(magic, hostile.head->magic ^= 1)                               \
	ROW(version, hostile.head->version++)                              \
	ROW(record_size, hostile.head->record_size += 8)                   \
	ROW(sender_itself, hostile.head->sender = 1)                       \
	ROW(sender_not_there, hostile.head->sender = 2)                    \
	ROW(sender_beyond, hostile.head->sender = SCOREBOARD_SLOTS)        \
	ROW(sender_far_beyond, hostile.head->sender = UINT32_MAX)          \
	ROW(receiver, hostile.head->receiver = 0)                          \
	ROW(generation_before, hostile.head->generation = HOSTILE_OLD - 1) \
	ROW(generation_after, hostile.head->generation = HOSTILE_OLD + 1)  \
	ROW(cause, hostile.head->cause = MOVE_CAUSES)                      \
	ROW(batch_none, hostile.head->batch = 0)                           \
	ROW(batch_beyond, hostile.head->batch = UINT64_C(1) << 56)         \
	ROW(batch_ahead, hostile.head->batch = clock_us() + 60000000)      \
	ROW(batch_far_beyond, hostile.head->batch = UINT64_MAX)            \
	ROW(conns_none, hostile.head->conns = 0)                           \
	ROW(conns_beyond, hostile.head->conns = DOOR_CONNS_MOST + 1)       \
	ROW(conns_far_beyond, hostile.head->conns = UINT32_MAX)            \
	ROW(pid_of_another, atomic_store(&hostile.from->info->pid, 1))     \
	ROW(pid_unknown, atomic_store(&hostile.from->info->pid, 0))        \
	ROW(slot_empty, atomic_store(&hostile.from->info->is_taken, 0))

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
		hostile_pass(sizeof(hostile.message), &hostile.client, 1);
		hostile_assert_unmoved();
		assert_int_equal(sibling_metric(hostile.to, METRIC_moves_refused_total), 1);
		for (unsigned k = 0; k < SCOREBOARD_SLOTS; k++)
			assert_int_equal(hostile.to->slot->door_taken[k], 0);
		atomic_store(&hostile.from->info->is_taken, 1);
		atomic_store(&hostile.from->info->pid, (uint32_t)getpid());
		hostile_tear_down(state);
		hostile_set_up(state);
	}
}

/* It is no attack; the next worker of the sender's slot has its connections. */
static void message__of_a_worker_that_died__is_dropped_and_not_counted(void **state)
{
	(void)state;
	atomic_store(&hostile.from->info->last_pid, (uint32_t)getpid());
	for (unsigned next = 0; next < 2; next++) { /* there is none yet, and then there is one */
		atomic_store(&hostile.from->info->pid, next);
		hostile_write();
		hostile_pass(sizeof(hostile.message), &hostile.client, 1);
		hostile_assert_unmoved();
		assert_int_equal(sibling_metric(hostile.to, METRIC_moves_refused_total), 0);
		assert_int_equal(hostile.to->slot->door_taken[0], 0);
	}
	atomic_store(&hostile.from->info->pid, (uint32_t)getpid());
}

/* One byte tells the worker to look for a decision on its own batch. */
static void message__of_any_other_length__is_dropped(void **state)
{
	static const size_t sizes[] = { 0, 1, 2, sizeof(struct door_head) - 1 };

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		hostile_pass(sizes[i], NULL, 0);
		hostile_assert_unmoved();
		hostile_write();
		hostile_pass(sizes[i], &hostile.client, 1);
		hostile_assert_unmoved();
		hostile_write();
	}
}

static void message__longer_than_any__is_dropped(void **state)
{
	static char bytes[DOOR_MESSAGE_MOST + 1];
	const struct iovec part = { bytes, sizeof(bytes) };
	int more = 2 * DOOR_MESSAGE_MOST; /* root's workers can have it */

	(void)state;
	if (setsockopt(hostile.all.doorbells[1], SOL_SOCKET, SO_SNDBUFFORCE, &more, sizeof(more)) <
	    0)
		skip();
	memcpy(bytes, hostile.message, sizeof(hostile.message));
	assert_int_equal(rights_send(hostile.all.doorbells[1], &part, 1, &hostile.client, 1,
				     MSG_DONTWAIT),
			 sizeof(bytes));
	hostile_assert_unmoved();
	assert_int_equal(hostile.to->slot->door_taken[0], 0);
}

static void descriptors__more_than_are_named__are_closed(void **state)
{
	int fds[RIGHTS_MOST];

	(void)state;
	for (unsigned i = 0; i < RIGHTS_MOST; i++)
		fds[i] = hostile.client;
	hostile_pass(sizeof(hostile.message), fds, RIGHTS_MOST);
	hostile_assert_unmoved();
	hostile_write();
	hostile_pass(1, fds, RIGHTS_MOST);
	hostile_assert_unmoved();
}

/* --- Many of them --------------------------------------------------------------------------- */

static void flood(void)
{
	unsigned sent = 0;
	const struct iovec part = { hostile.message, sizeof(hostile.message) };

	while (sent < FLOOD && rights_send(hostile.all.doorbells[1], &part, 1, &hostile.client, 1,
					   MSG_DONTWAIT) > 0)
		sent++;
	assert_true(sent > A_TURN);
}

static void flood__of_messages__stops_no_other_event(void **state)
{
	struct pollfd answer = { .fd = hostile.client, .events = POLLIN };
	unsigned left = 0;

	(void)state;
	hostile.head->version = 0;
	flood();
	siblings_say(hostile.client, "own");
	for (unsigned i = 0; i < TURNS && poll(&answer, 1, 0) == 0; i++)
		sibling_turn(hostile.to);
	assert_int_equal(recv(hostile.client, hostile.message, 3, MSG_DONTWAIT), 3);
	assert_memory_equal(hostile.message, "own", 3);
	siblings_assert_open(&hostile.all);
	while (recv(hostile.to->door.watch.fd, hostile.message, 1, MSG_DONTWAIT) >= 0)
		left++;
	assert_true(left > 0);
	hostile_write();
	hostile_assert_unmoved();
}

/* Any worker that holds the other end can shut the door for all. */
static void door__that_is_shut__wakes_nobody_for_ever(void **state)
{
	(void)state;
	assert_int_equal(shutdown(hostile.all.doorbells[1], SHUT_RDWR), 0);
	siblings_settle(&hostile.all);
	assert_int_equal(poll(&(struct pollfd){ hostile.to->loop.epfd, POLLIN, 0 }, 1, 0), 0);
	siblings_say(hostile.client, "own");
	siblings_expect(&hostile.all, hostile.client, "own", false);
	sibling_die(hostile.to);
	sibling_recover(hostile.to);
	siblings_settle(&hostile.all);
	assert_int_equal(poll(&(struct pollfd){ hostile.to->loop.epfd, POLLIN, 0 }, 1, 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		HOSTILE_CASE(message__in_which_all_is_right__is_taken),
		HOSTILE_CASE(message__with_forged_times__says_no_more_than_a_client_can_cause),
		HOSTILE_CASE(head__with_anything_wrong__is_refused),
		HOSTILE_CASE(message__of_a_worker_that_died__is_dropped_and_not_counted),
		HOSTILE_CASE(message__of_any_other_length__is_dropped),
		HOSTILE_CASE(message__longer_than_any__is_dropped),
		HOSTILE_CASE(descriptors__more_than_are_named__are_closed),
		HOSTILE_CASE(flood__of_messages__stops_no_other_event),
		HOSTILE_CASE(door__that_is_shut__wakes_nobody_for_ever),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
