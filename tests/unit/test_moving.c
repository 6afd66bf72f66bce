/* SPDX-License-Identifier: MIT */
/* The order in which connections move: to which workers, how many, and which of them stay. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/sys.h"
#include "unit/movers.h"

static void leave__with_two_receivers__shares_evenly(void **state)
{
	(void)state;
	movers_start("echo", MOVERS_OLD, MOVERS_OLD);
	movers_connect(MOVERS_MOST);
	leave_move(&movers.from->leave);
	movers_assert_work(MOVERS_MOST);
	assert_int_equal(sibling_conns(movers.from), 0);
	assert_in_range(sibling_conns(movers.one), MOVERS_MOST / 2 - 4, MOVERS_MOST / 2 + 4);
	assert_int_equal(movers.from->slot->tally.connections_moved_out_total[MOVE_retirement],
			 MOVERS_MOST);
	assert_true(movers.from->leave.is_over);
	assert_int_equal(movers.from->slot->state, SLOT_DRAINING);
}

static void leave__with_a_newer_generation__prefers_it(void **state)
{
	(void)state;
	movers_start("echo", MOVERS_OLD, MOVERS_NEW);
	movers_connect(MOVERS_MOST);
	leave_move(&movers.from->leave);
	movers_assert_work(MOVERS_MOST);
	assert_int_equal(sibling_conns(movers.two), MOVERS_MOST);
	assert_int_equal(movers.from->slot->tally.connections_moved_out_total[MOVE_reload],
			 MOVERS_MOST);
}

/* A reload's new workers may be ready before they replace the old ones. */
static void leave__while_its_own_generation_is_current__goes_to_peers(void **state)
{
	(void)state;
	movers_start("echo", MOVERS_OLD, MOVERS_NEW);
	cell_set(&movers.all.board->server.generation, MOVERS_OLD);
	movers_connect(MOVERS_MOST);
	leave_move(&movers.from->leave);
	movers_assert_work(MOVERS_MOST);
	assert_int_equal(sibling_conns(movers.one), MOVERS_MOST);
	assert_int_equal(movers.from->slot->tally.connections_moved_out_total[MOVE_retirement],
			 MOVERS_MOST);
}

static void begin_messages(unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		siblings_say(movers.clients[i], "in a message");
	siblings_settle(&movers.all);
}

/* The peers of the old generation leave as well. */
static void leave__beyond_the_room_of_the_newest__keeps_the_rest(void **state)
{
	(void)state;
	movers.from = sibling_start(&movers.all, 0, MOVERS_OLD, "ack", "framing", "line", NULL);
	movers.one = sibling_start(&movers.all, 1, MOVERS_OLD, "ack", "framing", "line", NULL);
	movers.all.places = MOVERS_MOST / 2;
	movers.two = sibling_start(&movers.all, 2, MOVERS_NEW, "ack", "framing", "line", NULL);
	movers_connect(MOVERS_MOST);
	begin_messages(MOVERS_MOST);
	leave_move(&movers.from->leave);
	siblings_settle(&movers.all);
	siblings_assert_sole(&movers.all, MOVERS_MOST);
	assert_int_equal(sibling_conns(movers.one), 0);
	assert_int_equal(sibling_conns(movers.two), MOVERS_MOST / 2);
	assert_int_equal(movers_staying(STAY_no_room), sibling_conns(movers.from));
}

static void leave__without_room_anywhere__keeps_the_rest(void **state)
{
	(void)state;
	movers.from = sibling_start(&movers.all, 0, MOVERS_OLD, "ack", "framing", "line", NULL);
	movers.all.places = 10;
	movers.one = sibling_start(&movers.all, 1, MOVERS_OLD, "ack", "framing", "line", NULL);
	movers_connect(MOVERS_MOST);
	begin_messages(MOVERS_MOST);
	leave_move(&movers.from->leave);
	siblings_settle(&movers.all);
	siblings_assert_sole(&movers.all, MOVERS_MOST);
	assert_int_equal(sibling_conns(movers.from) + sibling_conns(movers.one), MOVERS_MOST);
	assert_int_equal(movers_staying(STAY_no_room), sibling_conns(movers.from));
	assert_int_equal(movers.from->slot->state, SLOT_DRAINING);
	assert_false(movers.from->leave.is_over);
}

/* Another worker may come, in the place of a dead one. */
static void leave__alone__waits_for_a_while_and_keeps_all(void **state)
{
	(void)state;
	movers.from = sibling_start(&movers.all, 0, MOVERS_OLD, "ack", "framing", "line", NULL);
	movers_connect(3);
	begin_messages(3);
	leave_move(&movers.from->leave);
	siblings_settle(&movers.all);
	assert_int_equal(movers.from->slot->state, SLOT_MOVING);
	movers.from->moving.taken_us -= MOVERS_PATIENCE_US;
	sibling_alarm(movers.from, MOVERS_LOOK_MS);
	siblings_settle(&movers.all);
	siblings_assert_sole(&movers.all, 3);
	assert_int_equal(movers.from->slot->state, SLOT_DRAINING);
	assert_int_equal(movers_staying(STAY_unanswered), 3);
}

/* Its doors of the next generation are not those of the one after that. */
static void leave__two_generations_behind__asks_none(void **state)
{
	(void)state;
	movers_start("echo", MOVERS_NEW, MOVERS_NEW);
	movers_connect(3);
	atomic_store(&movers.one->info->before, MOVERS_OLD - 1);
	atomic_store(&movers.two->info->before, MOVERS_OLD - 1);
	leave_move(&movers.from->leave);
	siblings_settle(&movers.all);
	movers.from->moving.taken_us -= MOVERS_PATIENCE_US;
	sibling_alarm(movers.from, MOVERS_LOOK_MS);
	siblings_settle(&movers.all);
	assert_int_equal(movers_staying(STAY_unanswered), 3);
	assert_int_equal(sibling_metric(movers.one, METRIC_moves_refused_total), 0);
	assert_int_equal(sibling_metric(movers.two, METRIC_moves_refused_total), 0);
}

static void leave__alone__passes_all_to_a_worker_that_comes(void **state)
{
	(void)state;
	movers.from = sibling_start(&movers.all, 0, MOVERS_OLD, "echo", NULL);
	movers_connect(3);
	leave_move(&movers.from->leave);
	siblings_settle(&movers.all);
	assert_int_equal(movers.from->slot->state, SLOT_MOVING);
	movers.one = sibling_start(&movers.all, 1, MOVERS_OLD, "echo", NULL);
	siblings_count_open(&movers.all);
	sibling_alarm(movers.from, MOVERS_LOOK_MS);
	movers_assert_work(3);
	assert_int_equal(sibling_conns(movers.one), 3);
}

static void leave__alone__with_nothing_to_move__is_over(void **state)
{
	(void)state;
	movers.from = sibling_start(&movers.all, 0, MOVERS_OLD, "echo", NULL);
	leave_move(&movers.from->leave);
	assert_int_equal(movers.from->slot->state, SLOT_DRAINING);
}

static void connections__whose_service_cannot_move__stay(void **state)
{
	(void)state;
	movers_start("still", MOVERS_OLD, MOVERS_OLD);
	movers_connect(5);
	for (unsigned i = 5; i < 10; i++)
		movers.clients[i] = sibling_connect(movers.from, 1);
	leave_move(&movers.from->leave);
	siblings_settle(&movers.all);
	assert_int_equal(movers_staying(STAY_not_movable), 5);
	assert_int_equal(sibling_metric(movers.from, METRIC_connections_moved_out_total), 5);
	for (unsigned i = 5; i < 10; i++) {
		siblings_say(movers.clients[i], "on");
		siblings_expect(&movers.all, movers.clients[i], "on", false);
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
	movers_start("picky", MOVERS_OLD, MOVERS_OLD);
	movers_connect(40);
	sibling_services.is_sound = judge;
	movers.from->moving.is_stopping = false;
	moving_share(&movers.from->moving, 1, 40);
	siblings_settle(&movers.all);
	assert_int_equal(sibling_conns(movers.from), 4);
	assert_int_equal(sibling_conns(movers.one), 36);
	assert_int_equal(movers.from->moving.state, MOVING_IDLE);
	movers_assert_work(40);
}

/* Batches of one go through where a larger one does not. */
static void large__batches__go_one_by_one(void **state)
{
	int size = 1;

	(void)state;
	movers_start("echo", MOVERS_OLD, MOVERS_OLD);
	movers_connect(40);
	assert_int_equal(
		setsockopt(movers.all.doorbells[1], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)), 0);
	moving_share(&movers.from->moving, 1, 40);
	siblings_settle(&movers.all);
	assert_int_equal(sibling_conns(movers.one), 40);
	movers_assert_work(40);
}

static void share__moves_so_many_that_rest__to_one_worker(void **state)
{
	(void)state;
	for (unsigned i = 0; i < SIBLINGS_MOST; i++)
		(void)sibling_start(&movers.all, i, MOVERS_OLD, "ack", "framing", "line", NULL);
	movers.from = &movers.all.list[0];
	movers.one = &movers.all.list[1];
	movers.two = &movers.all.list[2];
	movers_connect(40);
	for (unsigned i = 0; i < 40; i += 2)
		siblings_say(movers.clients[i], "in a message");
	siblings_settle(&movers.all);
	moving_share(&movers.from->moving, 2, 15);
	siblings_settle(&movers.all);
	assert_int_equal(sibling_conns(movers.two), 15);
	assert_int_equal(sibling_conns(movers.one), 0);
	assert_int_equal(movers.from->moving.state, MOVING_IDLE);
	moving_share(&movers.from->moving, 2, 15);
	siblings_settle(&movers.all);
	assert_int_equal(sibling_conns(movers.two), 20);
	assert_int_equal(movers_staying(STAY_unanswered), 0);
	siblings_assert_sole(&movers.all, 40);
}

static void share__with_a_full_worker__ends(void **state)
{
	(void)state;
	movers.from = sibling_start(&movers.all, 0, MOVERS_OLD, "echo", NULL);
	movers.all.places = 3;
	movers.one = sibling_start(&movers.all, 1, MOVERS_OLD, "echo", NULL);
	movers_connect(20);
	moving_share(&movers.from->moving, 1, 10);
	siblings_settle(&movers.all);
	assert_int_equal(movers.from->moving.state, MOVING_IDLE);
	movers_assert_work(20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		MOVERS(leave__with_two_receivers__shares_evenly),
		MOVERS(leave__with_a_newer_generation__prefers_it),
		MOVERS(leave__while_its_own_generation_is_current__goes_to_peers),
		MOVERS(leave__beyond_the_room_of_the_newest__keeps_the_rest),
		MOVERS(leave__without_room_anywhere__keeps_the_rest),
		MOVERS(leave__alone__waits_for_a_while_and_keeps_all),
		MOVERS(leave__two_generations_behind__asks_none),
		MOVERS(leave__alone__passes_all_to_a_worker_that_comes),
		MOVERS(leave__alone__with_nothing_to_move__is_over),
		MOVERS(connections__whose_service_cannot_move__stay),
		MOVERS(damaged__connections_of_a_batch__stay_alone),
		MOVERS(large__batches__go_one_by_one),
		MOVERS(share__moves_so_many_that_rest__to_one_worker),
		MOVERS(share__with_a_full_worker__ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
