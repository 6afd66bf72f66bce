/* SPDX-License-Identifier: MIT */
/* Receivers that are silent, hang or are full while connections move; a sender that must wait. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/sys.h"
#include "unit/movers.h"

enum { MUCH_LATER_US = 1000 * 1000 };

/* It waits for a CPU: its silence is no reason to keep connections. */
static void receiver__that_is_silent_at_first__is_asked_again(void **state)
{
	(void)state;
	movers_start("echo", MOVERS_OLD, MOVERS_OLD);
	movers_connect(20);
	movers.one->is_up = movers.two->is_up = false;
	leave_move(&movers.from->leave);
	for (unsigned i = 0; i < 5; i++)
		movers_look_late();
	assert_int_equal(movers.from->slot->state, SLOT_MOVING);
	movers.one->is_up = movers.two->is_up = true;
	movers_assert_work(20);
	assert_int_equal(sibling_conns(movers.from), 0);
}

/*
 * While its loop stands still it is not asked, so that the connections are served; it takes all
 * once it turns.
 */
static void receiver__that_stands_still__is_waited_for(void **state)
{
	(void)state;
	movers.from = sibling_start(&movers.all, 0, MOVERS_OLD, "echo", NULL);
	movers.one = sibling_start(&movers.all, 1, MOVERS_OLD, "echo", NULL);
	movers_connect(20);
	movers.one->is_up = false;
	leave_move(&movers.from->leave);
	movers_look_late();
	for (unsigned i = 0; i < 50; i++) {
		movers_look_late();
		assert_int_equal(movers.from->moving.offer.count, 0);
		assert_int_equal(movers.from->slot->state, SLOT_MOVING);
	}
	movers_assert_work(20);
	movers.one->is_up = true;
	siblings_settle(&movers.all);
	sibling_turn(movers.one);
	sibling_alarm(movers.from, MOVERS_LOOK_MS); /* it has turned */
	sibling_alarm(movers.from, MOVERS_LOOK_MS);
	movers_assert_work(20);
	assert_int_equal(sibling_conns(movers.one), 20);
}

/* Messages in progress need the rest of the time that the worker has. */
static void receiver__that_stands_still__leaves_time_to_drain(void **state)
{
	int64_t now_ms = clock_ms(), until_ms, end_ms;

	(void)state;
	movers.from = sibling_start(&movers.all, 0, MOVERS_OLD, "echo", NULL);
	movers.one = sibling_start(&movers.all, 1, MOVERS_OLD, "echo", NULL);
	movers_connect(20);
	movers.one->is_up = false;
	leave_move(&movers.from->leave);
	until_ms = movers.from->moving.until_ms;
	end_ms = movers.from->leave.give_up.timer.due_ms;
	assert_in_range(until_ms, now_ms + (end_ms - now_ms) / 2, end_ms - 1);
	movers.from->moving.until_ms = now_ms;
	movers_look_late();
	movers.one->is_up = true;
	siblings_settle(&movers.all);
	assert_int_equal(movers.from->slot->state, SLOT_DRAINING);
	assert_int_equal(movers_staying(STAY_unanswered), 20);
	siblings_assert_sole(&movers.all, 20);
}

/* One that is aside and turns again does not delay those that answer. */
static void receiver__that_stood_still__comes_after_the_others(void **state)
{
	(void)state;
	movers_start("echo", MOVERS_OLD, MOVERS_OLD);
	movers_connect(20);
	movers.one->is_up = false;
	leave_move(&movers.from->leave);
	for (unsigned i = 0; i < 20; i++) {
		movers_look_late();
		atomic_fetch_add(&movers.one->slot->turns, 1);
	}
	movers.one->is_up = true;
	movers_assert_work(20);
	assert_int_equal(sibling_conns(movers.two), 20);
	assert_true(movers.from->moving.standing.aside.bits[0] != 0);
}

static void receiver__that_hangs__is_given_up(void **state)
{
	(void)state;
	movers_start("echo", MOVERS_OLD, MOVERS_OLD);
	movers_connect(20);
	movers.one->is_up = false; /* it does not turn */
	leave_move(&movers.from->leave);
	for (unsigned i = 0; i < 20; i++)
		movers_look_late();
	movers.one->is_up = true;
	movers_assert_work(20);
	assert_int_equal(sibling_conns(movers.two), 20);
}

static void receiver__whose_door_stays_full__is_given_up(void **state)
{
	(void)state;
	movers_start("echo", MOVERS_OLD, MOVERS_OLD);
	movers_connect(20);
	movers.one->is_up = false;
	while (send(movers.all.doorbells[1], "", 1, MSG_DONTWAIT) == 1)
		;
	leave_move(&movers.from->leave);
	for (unsigned i = 0; i < 20; i++) {
		siblings_settle(&movers.all);
		if (movers.from->moving.busy_us > 0)
			movers.from->moving.busy_us -= MOVERS_LATE_US;
		sibling_alarm(movers.from, MOVERS_LOOK_MS);
	}
	movers.one->is_up = true;
	movers_assert_work(20);
	assert_int_equal(sibling_conns(movers.two), 20);
}

/* The message of a worker that the master does not know yet would be refused. */
static void worker__whose_pid_is_not_noted__waits(void **state)
{
	(void)state;
	movers_start("echo", MOVERS_OLD, MOVERS_OLD);
	movers_connect(20);
	atomic_store(&movers.from->info->pid, 0);
	leave_move(&movers.from->leave);
	siblings_settle(&movers.all);
	assert_int_equal(sibling_conns(movers.from), 20);
	assert_int_equal(sibling_metric(movers.one, METRIC_moves_refused_total), 0);
	atomic_store(&movers.from->info->pid, (uint32_t)getpid());
	sibling_alarm(movers.from, MOVERS_LOOK_MS);
	movers_assert_work(20);
	assert_int_equal(sibling_conns(movers.from), 0);
}

/* Its place in the sender's tables is that of a reason. */
static void reason__that_is_none__is_none(void **state)
{
	uint64_t batch;

	(void)state;
	movers.from = sibling_start(&movers.all, 0, MOVERS_OLD, "echo", NULL);
	movers.one = sibling_start(&movers.all, 1, MOVERS_OLD, "echo", NULL);
	movers_connect(1);
	movers.one->is_up = false;
	leave_move(&movers.from->leave);
	batch = movers.from->pool.arena->head->offered.number;
	atomic_store(&movers.one->slot->door_taken[0], door_note(batch, 255));
	movers.from->moving.until_ms = 0;
	sibling_alarm(movers.from, MOVERS_LOOK_MS);
	movers.one->is_up = true;
	assert_int_equal(movers_staying(STAY_unanswered), 1);
	assert_int_equal(sibling_metric(movers.from, METRIC_connections_not_moved_total), 1);
	assert_int_equal(sibling_metric(movers.from, METRIC_move_seconds), 0);
}

/* Its door is full of the messages of another worker, so the batch is not lost with it. */
static void receiver__whose_loop_turns__is_waited_for_longer(void **state)
{
	struct offer *offer;

	(void)state;
	movers_start("echo", MOVERS_OLD, MOVERS_OLD);
	movers_connect(1);
	offer = &movers.from->moving.offer;
	assert_int_equal(sibling_send(movers.from, movers.one, 1), OFFER_WAITS);
	atomic_fetch_add(&movers.one->slot->turns, 1);
	offer->began_us -= MOVERS_LATE_US;
	assert_int_equal(offer_look(offer), OFFER_WAITS);
	offer->began_us -= MUCH_LATER_US;
	assert_int_equal(offer_look(offer), OFFER_REFUSED);
	siblings_settle(&movers.all);
	movers_assert_work(1);
	assert_int_equal(sibling_conns(movers.from), 1);
}

static void worker__after_one_that_withdrew_all_batches__offers_its_own(void **state)
{
	(void)state;
	movers_start("echo", MOVERS_OLD, MOVERS_OLD);
	movers_connect(1);
	atomic_store(&movers.from->slot->door_withdrawn, UINT64_MAX);
	sibling_die(movers.from);
	sibling_recover(movers.from);
	assert_int_equal(sibling_offer(movers.from, movers.one, 1), OFFER_TAKEN);
	movers_assert_work(1);
	assert_int_equal(sibling_conns(movers.one), 1);
}

static unsigned choose(unsigned turn, uint32_t slack)
{
	const struct receiver_mask none = { 0 };

	return receiver_choose(movers.from->door.heritage, &none, turn, slack).lightest.slot;
}

/* Otherwise all senders would wait for the same one. */
static void receivers__about_as_light__take_turns(void **state)
{
	(void)state;
	movers_start("echo", MOVERS_OLD, MOVERS_OLD);
	atomic_store(&movers.one->slot->live, 10);
	atomic_store(&movers.two->slot->live, 7);
	assert_int_equal(choose(0, 2), choose(1, 2));
	assert_int_equal(choose(0, 2), choose(1, 0));
	assert_int_not_equal(choose(0, 3), choose(1, 3));
	assert_int_equal(choose(0, 3), choose(2, 3));
	atomic_store(&movers.one->slot->live, 0);
	atomic_store(&movers.two->slot->live, 0);
}

/* Nothing opens it again: the worker drains without waiting. */
static void receiver__whose_door_is_shut__is_not_waited_for(void **state)
{
	(void)state;
	movers_start("echo", MOVERS_OLD, MOVERS_OLD);
	movers_connect(20);
	assert_int_equal(shutdown(movers.all.doorbells[1], SHUT_RDWR), 0);
	assert_int_equal(shutdown(movers.all.doorbells[2], SHUT_RDWR), 0);
	leave_move(&movers.from->leave);
	assert_int_equal(movers.from->slot->state, SLOT_DRAINING);
	assert_int_equal(movers_staying(STAY_unanswered), 20);
}

/* Each share that it does not answer holds up connections; it counts turns, as it pleases. */
static void peer__that_is_silent__gets_no_share_for_a_time(void **state)
{
	enum { LATER_US = 20 * 1000 * 1000 };

	(void)state;
	movers_start("echo", MOVERS_OLD, MOVERS_OLD);
	movers_connect(20);
	movers.one->is_up = false;
	moving_share(&movers.from->moving, 1, 5);
	for (unsigned i = 0; i < 3; i++) {
		movers_look_late();
		assert_int_equal(movers.from->moving.offer.count, 0);
		atomic_fetch_add(&movers.one->slot->turns, 1);
		moving_share(&movers.from->moving, 1, 5);
	}
	assert_int_equal(movers.from->moving.state, MOVING_IDLE);
	moving_share(&movers.from->moving, 2, 5);
	siblings_settle(&movers.all);
	sibling_alarm(movers.from, MOVERS_LOOK_MS);
	assert_int_equal(sibling_conns(movers.two), 5);
	movers.from->moving.silent_us -= LATER_US;
	movers.one->is_up = true;
	moving_share(&movers.from->moving, 1, 5);
	movers_assert_work(20);
	assert_int_equal(sibling_conns(movers.one), 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		MOVERS(receiver__that_is_silent_at_first__is_asked_again),
		MOVERS(receiver__that_stands_still__is_waited_for),
		MOVERS(receiver__that_stands_still__leaves_time_to_drain),
		MOVERS(receiver__that_stood_still__comes_after_the_others),
		MOVERS(receiver__that_hangs__is_given_up),
		MOVERS(receiver__whose_door_stays_full__is_given_up),
		MOVERS(worker__whose_pid_is_not_noted__waits),
		MOVERS(reason__that_is_none__is_none),
		MOVERS(receiver__whose_loop_turns__is_waited_for_longer),
		MOVERS(worker__after_one_that_withdrew_all_batches__offers_its_own),
		MOVERS(receivers__about_as_light__take_turns),
		MOVERS(receiver__whose_door_is_shut__is_not_waited_for),
		MOVERS(peer__that_is_silent__gets_no_share_for_a_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
