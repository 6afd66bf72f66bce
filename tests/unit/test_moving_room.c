/* SPDX-License-Identifier: MIT */
/*
 * Receivers that are full while connections move: which of them get room again, and for which
 * connections there is some.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/sys.h"
#include "unit/movers.h"

enum { PLACES = 10, CONNECTIONS = 15, REBALANCE_MS = 60, ROUNDS = 20 };

/* Two workers of the new generation; the old one has a door to the first alone. */
static void start_unreachable(void)
{
	movers.from = sibling_start(&movers.all, 0, MOVERS_OLD, "echo", NULL);
	movers.all.places = PLACES;
	movers.one = sibling_start(&movers.all, 1, MOVERS_NEW, "echo", NULL);
	movers.two = sibling_start(&movers.all, 2, MOVERS_NEW, "echo", NULL);
	movers.from->heritage.next.count = 1;
	movers_connect(CONNECTIONS);
}

static void go_on(void)
{
	for (unsigned i = 0; i < ROUNDS; i++) {
		siblings_settle(&movers.all);
		sibling_alarm(movers.from, MOVERS_LOOK_MS);
		siblings_settle(&movers.all);
		sibling_alarm(movers.one, REBALANCE_MS);
	}
}

static void receiver__that_is_full__makes_room_by_its_peers(void **state)
{
	(void)state;
	start_unreachable();
	rebalance_start(&movers.one->rebalance);
	leave_move(&movers.from->leave);
	siblings_settle(&movers.all);
	assert_int_equal(movers.from->slot->state, SLOT_MOVING);
	assert_int_equal(sibling_conns(movers.one), PLACES);
	go_on();
	movers_assert_work(CONNECTIONS);
	assert_int_equal(sibling_conns(movers.from), 0);
	assert_int_equal(sibling_conns(movers.one) + sibling_conns(movers.two), CONNECTIONS);
	assert_int_equal(movers_staying(STAY_no_room), 0);
}

/* It does not pass connections on, as with rebalance = no. */
static void receiver__that_stays_full__is_given_up_at_last(void **state)
{
	(void)state;
	start_unreachable();
	leave_move(&movers.from->leave);
	go_on();
	assert_int_equal(movers.from->slot->state, SLOT_MOVING);
	assert_int_equal(sibling_conns(movers.from), CONNECTIONS - PLACES);
	movers.from->moving.taken_us -= MOVERS_PATIENCE_US;
	sibling_alarm(movers.from, MOVERS_LOOK_MS);
	assert_int_equal(movers.from->slot->state, SLOT_DRAINING);
	assert_int_equal(movers_staying(STAY_no_room), CONNECTIONS - PLACES);
}

/* Places become free in a worker that has refused before. */
static void receiver__that_has_room_again__is_asked_again(void **state)
{
	(void)state;
	start_unreachable();
	leave_move(&movers.from->leave);
	siblings_settle(&movers.all);
	assert_int_equal(sibling_conns(movers.from), CONNECTIONS - PLACES);
	atomic_store(&movers.two->slot->live, PLACES); /* it has no room now */
	for (unsigned i = 0; i < CONNECTIONS - PLACES; i++)
		siblings_close(&movers.all, movers.clients[i]);
	go_on();
	assert_int_equal(sibling_conns(movers.from), 0);
	assert_int_equal(sibling_conns(movers.one), PLACES);
	atomic_store(&movers.two->slot->live, 0);
	siblings_assert_sole(&movers.all, PLACES);
}

/*
 * Its peer has fewer connections, which says nothing about places; nor does a peer that claims to
 * have any number say that a full one has room.
 */
static void receiver__that_refuses_for_another_reason__is_not_waited_for(void **state)
{
	struct receivers_full full = { 0 };
	struct receiver_mask refused = { 0 };

	(void)state;
	start_unreachable();
	atomic_store(&movers.two->slot->live, PLACES / 2);
	atomic_store(&movers.one->slot->live, PLACES);
	receiver_mask_add(&refused, 1);
	assert_false(receiver_find_room(&movers.from->heritage, &full, &refused));
	receiver_note_full(&movers.from->heritage, &full, 1);
	assert_true(receiver_find_room(&movers.from->heritage, &full, &refused));
	assert_true(receiver_mask_has(&refused, 1)); /* only its peer has room */
	atomic_store(&movers.one->slot->live, PLACES - 1);
	assert_true(receiver_find_room(&movers.from->heritage, &full, &refused));
	assert_false(receiver_mask_has(&refused, 1));
	atomic_store(&movers.one->slot->live, 0);
	atomic_store(&movers.two->slot->live, 0);
}

/* The first listener reserves all places but one, and all connections of the other come first. */
static void listener__without_room__keeps_its_own_connections_alone(void **state)
{
	enum { EACH = 5 };

	(void)state;
	movers.from = sibling_start(&movers.all, 0, MOVERS_OLD, "echo", NULL);
	movers.all.places = PLACES;
	movers.one = sibling_start(&movers.all, 1, MOVERS_NEW, "echo", "reserve", "9", NULL);
	for (unsigned i = 0; i < EACH; i++)
		(void)sibling_connect(movers.from, 1);
	movers_connect(EACH);
	leave_move(&movers.from->leave);
	for (unsigned i = 0; i < ROUNDS; i++) {
		siblings_settle(&movers.all);
		sibling_alarm(movers.from, MOVERS_LOOK_MS);
	}
	assert_int_equal(movers_staying(STAY_no_room), EACH - 1);
	assert_int_equal(sibling_conns(movers.one), EACH + 1);
	for (unsigned i = 0; i < EACH; i++) {
		siblings_say(movers.clients[i], "on");
		siblings_expect(&movers.all, movers.clients[i], "on", false);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		MOVERS(receiver__that_is_full__makes_room_by_its_peers),
		MOVERS(receiver__that_stays_full__is_given_up_at_last),
		MOVERS(receiver__that_has_room_again__is_asked_again),
		MOVERS(receiver__that_refuses_for_another_reason__is_not_waited_for),
		MOVERS(listener__without_room__keeps_its_own_connections_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
