/* SPDX-License-Identifier: MIT */
/* Receivers that object to connections, rightly or falsely: which of them the sender believes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/sys.h"
#include "unit/movers.h"

enum { CONNS = 20, LOOKS_MOST = 100, LIAR = 1 };

static const enum stay_reason lies[] = { STAY_listener_gone, STAY_options_changed, STAY_not_movable,
					 STAY_damaged, STAY_too_large };

/* A worker that was taken over reads no batch, and writes a false note about each. */
static void lie_once(enum stay_reason lie)
{
	const struct arena_batch *batch = &movers.from->pool.arena->head->offered;

	atomic_store(&movers.one->slot->live, 0);
	if (batch->number > 0 && batch->slot == LIAR)
		atomic_store(&movers.one->slot->door_taken[0],
			     door_note(batch->number, DOOR_REFUSED + lie));
	sibling_alarm(movers.from, MOVERS_LOOK_MS);
	siblings_settle(&movers.all);
}

static void leave_beside_liar(unsigned generation, enum stay_reason lie)
{
	movers_start("echo", generation, generation);
	movers_connect(CONNS);
	movers.one->is_up = false;
	leave_move(&movers.from->leave);
	for (unsigned i = 0; i < LOOKS_MOST && movers.from->moving.state != MOVING_IDLE; i++)
		lie_once(lie);
	movers.one->is_up = true;
	movers_assert_work(CONNS);
	if (sibling_conns(movers.two) != CONNS)
		fail_msg("%s: %u move", stay_reason_name(lie), sibling_conns(movers.two));
}

static void check_lies(unsigned generation)
{
	void *state = NULL;

	for (unsigned i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		movers_begin(&state);
		leave_beside_liar(generation, lies[i]);
		movers_end(&state);
	}
}

static void false_note__of_a_peer__keeps_nothing(void **state)
{
	(void)state;
	check_lies(MOVERS_OLD);
}

static void false_note__of_a_new_worker__keeps_nothing(void **state)
{
	(void)state;
	check_lies(MOVERS_NEW);
}

/* It has the same listeners: that it is the only one makes its note no truer. */
static void false_note__of_the_only_peer__is_no_reason(void **state)
{
	(void)state;
	movers.from = sibling_start(&movers.all, 0, MOVERS_OLD, "echo", NULL);
	movers.one = sibling_start(&movers.all, 1, MOVERS_OLD, "echo", NULL);
	movers_connect(CONNS);
	movers.one->is_up = false;
	leave_move(&movers.from->leave);
	for (unsigned i = 0; i < LOOKS_MOST && movers.from->moving.state != MOVING_IDLE; i++)
		lie_once(STAY_listener_gone);
	movers.one->is_up = true;
	siblings_settle(&movers.all);
	assert_int_equal(movers_staying(STAY_listener_gone), 0);
	assert_int_equal(movers_staying(STAY_unanswered), CONNS);
	siblings_assert_sole(&movers.all, CONNS);
}

/* It may be false, but there is no other to ask. */
static void note__of_the_only_receiver__is_believed(void **state)
{
	(void)state;
	movers.from = sibling_start(&movers.all, 0, MOVERS_OLD, "echo", NULL);
	movers.all.port = 10;
	movers.one = sibling_start(&movers.all, 1, MOVERS_NEW, "echo", NULL);
	movers_connect(CONNS);
	leave_move(&movers.from->leave);
	siblings_settle(&movers.all);
	assert_int_equal(movers_staying(STAY_listener_gone), CONNS);
	assert_int_equal(movers.from->slot->state, SLOT_DRAINING);
	assert_int_equal(movers.from->moving.turn, 3);
	siblings_assert_sole(&movers.all, CONNS);
}

/* Only the connections of the listener that is gone stay. */
static void note__with_which_a_second_receiver_agrees__is_believed(void **state)
{
	(void)state;
	movers.from = sibling_start(&movers.all, 0, MOVERS_OLD, "ack", "framing", "line", NULL);
	movers.one = sibling_start(&movers.all, 1, MOVERS_NEW, "ack", "framing", "length", NULL);
	movers.two = sibling_start(&movers.all, 2, MOVERS_NEW, "ack", "framing", "length", NULL);
	for (unsigned i = 0; i < CONNS; i++)
		(void)sibling_connect(movers.from, i % 2);
	leave_move(&movers.from->leave);
	siblings_settle(&movers.all);
	assert_int_equal(movers_staying(STAY_options_changed), CONNS / 2);
	assert_int_equal(sibling_conns(movers.from), CONNS / 2);
	assert_int_equal(sibling_conns(movers.one) + sibling_conns(movers.two), CONNS / 2);
	assert_true(sibling_conns(movers.one) > 0 && sibling_conns(movers.two) > 0);
	siblings_assert_sole(&movers.all, CONNS);
}

static void look_often(void)
{
	for (unsigned i = 0; i < LOOKS_MOST && movers.from->moving.state != MOVING_IDLE; i++)
		movers_look_late();
}

/* The second one does not answer in all the time that there is. */
static void note__beside_a_silent_receiver__is_believed_at_last(void **state)
{
	(void)state;
	movers.from = sibling_start(&movers.all, 0, MOVERS_OLD, "echo", NULL);
	movers.all.port = 10;
	movers.one = sibling_start(&movers.all, 1, MOVERS_NEW, "echo", NULL);
	movers.two = sibling_start(&movers.all, 2, MOVERS_NEW, "echo", NULL);
	movers_connect(CONNS);
	movers.two->is_up = false;
	leave_move(&movers.from->leave);
	look_often();
	assert_int_equal(movers.from->slot->state, SLOT_MOVING);
	assert_int_equal(movers_staying(STAY_listener_gone), 0);
	movers.from->moving.until_ms = 0;
	look_often();
	movers.two->is_up = true;
	siblings_settle(&movers.all);
	assert_int_equal(movers_staying(STAY_listener_gone), CONNS);
	siblings_assert_sole(&movers.all, CONNS);
}

/* The second one waits for a CPU, and then takes all. */
static void false_note__beside_a_receiver_that_pauses__keeps_nothing(void **state)
{
	(void)state;
	for (unsigned i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		void *movers_state = NULL;

		movers_begin(&movers_state);
		movers_start("echo", MOVERS_NEW, MOVERS_NEW);
		movers_connect(CONNS);
		movers.one->is_up = movers.two->is_up = false;
		leave_move(&movers.from->leave);
		for (unsigned k = 0; k < LOOKS_MOST; k++) {
			movers.from->moving.offer.began_us -= MOVERS_LATE_US;
			lie_once(lies[i]);
		}
		assert_int_equal(movers.from->slot->state, SLOT_MOVING);
		movers.two->is_up = true;
		for (unsigned k = 0; k < LOOKS_MOST && movers.from->moving.state != MOVING_IDLE;
		     k++)
			lie_once(lies[i]);
		movers.one->is_up = true;
		movers_assert_work(CONNS);
		assert_int_equal(sibling_conns(movers.two), CONNS);
		movers_end(&movers_state);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(false_note__of_a_peer__keeps_nothing),
		cmocka_unit_test(false_note__of_a_new_worker__keeps_nothing),
		cmocka_unit_test(false_note__beside_a_receiver_that_pauses__keeps_nothing),
		MOVERS(false_note__of_the_only_peer__is_no_reason),
		MOVERS(note__of_the_only_receiver__is_believed),
		MOVERS(note__with_which_a_second_receiver_agrees__is_believed),
		MOVERS(note__beside_a_silent_receiver__is_believed_at_last),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
