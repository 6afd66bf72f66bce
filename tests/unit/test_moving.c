/* SPDX-License-Identifier: MIT */
/* The order in which connections move: to which workers, how many, and which of them stay. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/sys.h"
#include "unit/siblings.h"

enum {
	OLD = 3,
	NEW = 4,
	MANY = 90,
	LATE_US = 200 * 1000,
	PATIENCE_US = 3 * 1000 * 1000,
	LOOK_MS = 5
};

static struct siblings all;
static struct sibling *from, *one, *two;
static int clients[MANY];

static int set_up(void **state)
{
	(void)state;
	siblings_begin(&all);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	siblings_end(&all);
	return 0;
}

static void start_all(const char *service, unsigned generation_of_one, unsigned generation_of_two)
{
	from = sibling_start(&all, 0, OLD, service, NULL);
	one = sibling_start(&all, 1, generation_of_one, service, NULL);
	two = sibling_start(&all, 2, generation_of_two, service, NULL);
}

static void connect_many(unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		clients[i] = sibling_connect(from, 0);
	siblings_settle(&all);
	siblings_count_open(&all);
}

static void assert_work(unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		siblings_say(clients[i], "on");
		siblings_expect(&all, clients[i], "on", false);
	}
	siblings_assert_open(&all);
	siblings_assert_sole(&all, count);
}

static uint64_t count_staying(enum stay_reason reason)
{
	return from->slot->tally.connections_not_moved_total[reason];
}

static void leave__with_two_receivers__shares_evenly(void **state)
{
	(void)state;
	start_all("echo", OLD, OLD);
	connect_many(MANY);
	leave_move(&from->leave);
	assert_work(MANY);
	assert_int_equal(sibling_conns(from), 0);
	assert_in_range(sibling_conns(one), MANY / 2 - 4, MANY / 2 + 4);
	assert_int_equal(from->slot->tally.connections_moved_out_total[MOVE_retirement], MANY);
	assert_true(from->leave.is_over);
	assert_int_equal(from->slot->state, SLOT_DRAINING);
}

static void leave__with_a_newer_generation__prefers_it(void **state)
{
	(void)state;
	start_all("echo", OLD, NEW);
	connect_many(MANY);
	leave_move(&from->leave);
	assert_work(MANY);
	assert_int_equal(sibling_conns(two), MANY);
	assert_int_equal(from->slot->tally.connections_moved_out_total[MOVE_reload], MANY);
}

/* A reload's new workers may be ready before they replace the old ones. */
static void leave__while_its_own_generation_is_current__goes_to_peers(void **state)
{
	(void)state;
	start_all("echo", OLD, NEW);
	cell_set(&all.board->server.generation, OLD);
	connect_many(MANY);
	leave_move(&from->leave);
	assert_work(MANY);
	assert_int_equal(sibling_conns(one), MANY);
	assert_int_equal(from->slot->tally.connections_moved_out_total[MOVE_retirement], MANY);
}

static void begin_messages(unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		siblings_say(clients[i], "in a message");
	siblings_settle(&all);
}

/* The peers of the old generation leave as well. */
static void leave__beyond_the_room_of_the_newest__keeps_the_rest(void **state)
{
	(void)state;
	from = sibling_start(&all, 0, OLD, "ack", "framing", "line", NULL);
	one = sibling_start(&all, 1, OLD, "ack", "framing", "line", NULL);
	all.places = MANY / 2;
	two = sibling_start(&all, 2, NEW, "ack", "framing", "line", NULL);
	connect_many(MANY);
	begin_messages(MANY);
	leave_move(&from->leave);
	siblings_settle(&all);
	siblings_assert_sole(&all, MANY);
	assert_int_equal(sibling_conns(one), 0);
	assert_true(sibling_conns(two) > 0);
	assert_int_equal(count_staying(STAY_no_room), sibling_conns(from));
}

static void leave__without_room_anywhere__keeps_the_rest(void **state)
{
	(void)state;
	from = sibling_start(&all, 0, OLD, "ack", "framing", "line", NULL);
	all.places = 10;
	one = sibling_start(&all, 1, OLD, "ack", "framing", "line", NULL);
	connect_many(MANY);
	begin_messages(MANY);
	leave_move(&from->leave);
	siblings_settle(&all);
	siblings_assert_sole(&all, MANY);
	assert_int_equal(sibling_conns(from) + sibling_conns(one), MANY);
	assert_int_equal(count_staying(STAY_no_room), sibling_conns(from));
	assert_int_equal(from->slot->state, SLOT_DRAINING);
	assert_false(from->leave.is_over);
}

/* Another worker may come, in the place of a dead one. */
static void leave__alone__waits_for_a_while_and_keeps_all(void **state)
{
	(void)state;
	from = sibling_start(&all, 0, OLD, "ack", "framing", "line", NULL);
	connect_many(3);
	begin_messages(3);
	leave_move(&from->leave);
	siblings_settle(&all);
	assert_int_equal(from->slot->state, SLOT_MOVING);
	from->moving.began_us -= PATIENCE_US;
	sibling_alarm(from, LOOK_MS);
	siblings_settle(&all);
	siblings_assert_sole(&all, 3);
	assert_int_equal(from->slot->state, SLOT_DRAINING);
	assert_int_equal(count_staying(STAY_unanswered), 3);
}

static void leave__alone__passes_all_to_a_worker_that_comes(void **state)
{
	(void)state;
	from = sibling_start(&all, 0, OLD, "echo", NULL);
	connect_many(3);
	leave_move(&from->leave);
	siblings_settle(&all);
	assert_int_equal(from->slot->state, SLOT_MOVING);
	one = sibling_start(&all, 1, OLD, "echo", NULL);
	siblings_count_open(&all);
	sibling_alarm(from, LOOK_MS);
	assert_work(3);
	assert_int_equal(sibling_conns(one), 3);
}

static void leave__alone__with_nothing_to_move__is_over(void **state)
{
	(void)state;
	from = sibling_start(&all, 0, OLD, "echo", NULL);
	leave_move(&from->leave);
	assert_int_equal(from->slot->state, SLOT_DRAINING);
}

/* It waits for a CPU: its silence is no reason to keep connections. */
static void receiver__that_is_silent_at_first__is_asked_again(void **state)
{
	(void)state;
	start_all("echo", OLD, OLD);
	connect_many(20);
	one->is_up = two->is_up = false;
	leave_move(&from->leave);
	for (unsigned i = 0; i < 5; i++) {
		siblings_settle(&all);
		from->moving.offer.began_us -= LATE_US;
		sibling_alarm(from, LOOK_MS);
	}
	assert_int_equal(from->slot->state, SLOT_MOVING);
	one->is_up = two->is_up = true;
	assert_work(20);
	assert_int_equal(sibling_conns(from), 0);
}

static void connections__whose_service_cannot_move__stay(void **state)
{
	(void)state;
	start_all("still", OLD, OLD);
	connect_many(5);
	for (unsigned i = 5; i < 10; i++)
		clients[i] = sibling_connect(from, 1);
	leave_move(&from->leave);
	siblings_settle(&all);
	assert_int_equal(count_staying(STAY_not_movable), 5);
	assert_int_equal(sibling_metric(from, METRIC_connections_moved_out_total), 5);
	for (unsigned i = 5; i < 10; i++) {
		siblings_say(clients[i], "on");
		siblings_expect(&all, clients[i], "on", false);
	}
}

/* The state of the third connection is unsound, for the receiver alone. */
static bool judge(const struct conn *c)
{
	return c->record->number % 10 != 3;
}

static void damaged__connections_of_a_batch__stay_alone(void **state)
{
	(void)state;
	start_all("picky", OLD, OLD);
	connect_many(40);
	sibling_services.is_sound = judge;
	from->moving.is_stopping = false;
	moving_share(&from->moving, 1, 40);
	siblings_settle(&all);
	assert_int_equal(sibling_conns(from), 4);
	assert_int_equal(sibling_conns(one), 36);
	assert_int_equal(from->moving.state, MOVING_IDLE);
	assert_work(40);
}

/* Batches of one go through where a larger one does not. */
static void large__batches__go_one_by_one(void **state)
{
	int size = 1;

	(void)state;
	start_all("echo", OLD, OLD);
	connect_many(40);
	assert_int_equal(setsockopt(all.doorbells[1], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)),
			 0);
	moving_share(&from->moving, 1, 40);
	siblings_settle(&all);
	assert_int_equal(sibling_conns(one), 40);
	assert_work(40);
}

static void receiver__that_hangs__is_given_up(void **state)
{
	(void)state;
	start_all("echo", OLD, OLD);
	connect_many(20);
	one->is_up = false; /* it does not turn */
	leave_move(&from->leave);
	for (unsigned i = 0; i < 20; i++) {
		siblings_settle(&all);
		from->moving.offer.began_us -= LATE_US;
		sibling_alarm(from, LOOK_MS);
	}
	one->is_up = true;
	assert_work(20);
	assert_int_equal(sibling_conns(two), 20);
}

static void receiver__whose_door_stays_full__is_given_up(void **state)
{
	(void)state;
	start_all("echo", OLD, OLD);
	connect_many(20);
	one->is_up = false;
	while (send(all.doorbells[1], "", 1, MSG_DONTWAIT) == 1)
		;
	leave_move(&from->leave);
	for (unsigned i = 0; i < 20; i++) {
		siblings_settle(&all);
		if (from->moving.busy_us > 0)
			from->moving.busy_us -= LATE_US;
		sibling_alarm(from, LOOK_MS);
	}
	one->is_up = true;
	assert_work(20);
	assert_int_equal(sibling_conns(two), 20);
}

static void share__moves_so_many_that_rest__to_one_worker(void **state)
{
	(void)state;
	for (unsigned i = 0; i < SIBLINGS_MOST; i++)
		(void)sibling_start(&all, i, OLD, "ack", "framing", "line", NULL);
	from = &all.list[0];
	one = &all.list[1];
	two = &all.list[2];
	connect_many(40);
	for (unsigned i = 0; i < 40; i += 2)
		siblings_say(clients[i], "in a message");
	siblings_settle(&all);
	moving_share(&from->moving, 2, 15);
	siblings_settle(&all);
	assert_int_equal(sibling_conns(two), 15);
	assert_int_equal(sibling_conns(one), 0);
	assert_int_equal(from->moving.state, MOVING_IDLE);
	moving_share(&from->moving, 2, 15);
	siblings_settle(&all);
	assert_int_equal(sibling_conns(two), 20);
	assert_int_equal(count_staying(STAY_unanswered), 0);
	siblings_assert_sole(&all, 40);
}

static void share__with_a_full_worker__ends(void **state)
{
	(void)state;
	from = sibling_start(&all, 0, OLD, "echo", NULL);
	all.places = 3;
	one = sibling_start(&all, 1, OLD, "echo", NULL);
	connect_many(20);
	moving_share(&from->moving, 1, 10);
	siblings_settle(&all);
	assert_int_equal(from->moving.state, MOVING_IDLE);
	assert_work(20);
}

/* The message of a worker that the master does not know yet would be refused. */
static void worker__whose_pid_is_not_noted__waits(void **state)
{
	(void)state;
	start_all("echo", OLD, OLD);
	connect_many(20);
	atomic_store(&from->info->pid, 0);
	leave_move(&from->leave);
	siblings_settle(&all);
	assert_int_equal(sibling_conns(from), 20);
	assert_int_equal(sibling_metric(one, METRIC_moves_refused_total), 0);
	atomic_store(&from->info->pid, (uint32_t)getpid());
	sibling_alarm(from, LOOK_MS);
	assert_work(20);
	assert_int_equal(sibling_conns(from), 0);
}

/* Its place in the sender's tables is that of a reason. */
static void reason__that_is_none__is_none(void **state)
{
	uint64_t batch;

	(void)state;
	from = sibling_start(&all, 0, OLD, "echo", NULL);
	one = sibling_start(&all, 1, OLD, "echo", NULL);
	connect_many(1);
	one->is_up = false;
	leave_move(&from->leave);
	batch = from->pool.arena->head->offered.number;
	atomic_store(&one->slot->door_taken[0], door_note(batch, 255));
	from->moving.began_us -= PATIENCE_US;
	sibling_alarm(from, LOOK_MS);
	one->is_up = true;
	assert_int_equal(count_staying(STAY_unanswered), 1);
	assert_int_equal(sibling_metric(from, METRIC_connections_not_moved_total), 1);
	assert_int_equal(sibling_metric(from, METRIC_move_seconds), 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(leave__with_two_receivers__shares_evenly),
		CASE(leave__with_a_newer_generation__prefers_it),
		CASE(leave__while_its_own_generation_is_current__goes_to_peers),
		CASE(leave__beyond_the_room_of_the_newest__keeps_the_rest),
		CASE(leave__without_room_anywhere__keeps_the_rest),
		CASE(leave__alone__waits_for_a_while_and_keeps_all),
		CASE(leave__alone__passes_all_to_a_worker_that_comes),
		CASE(leave__alone__with_nothing_to_move__is_over),
		CASE(connections__whose_service_cannot_move__stay),
		CASE(damaged__connections_of_a_batch__stay_alone),
		CASE(large__batches__go_one_by_one),
		CASE(receiver__that_is_silent_at_first__is_asked_again),
		CASE(receiver__that_hangs__is_given_up),
		CASE(receiver__whose_door_stays_full__is_given_up),
		CASE(share__moves_so_many_that_rest__to_one_worker),
		CASE(share__with_a_full_worker__ends),
		CASE(worker__whose_pid_is_not_noted__waits),
		CASE(reason__that_is_none__is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
