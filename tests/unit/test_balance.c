/* SPDX-License-Identifier: MIT */
/* Who is lighter, who is deaf, and how a kick arrives. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/sys.h"
#include "worker/balance.h"

enum { PEERS = 4 };

struct fixture {
	struct slot slots[PEERS];
	struct peers peers;
	struct wire wires[PEERS];
	struct balance of[PEERS];
};

static int set_up(void **state)
{
	struct fixture *f = aligned_alloc(SCOREBOARD_PAGE, sizeof(*f));

	memset(f, 0, sizeof(*f));
	if (!peers_new(&f->peers, PEERS))
		return -1;
	for (unsigned i = 0; i < PEERS; i++) {
		int pair[2];

		assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair), 0);
		f->wires[i] = (struct wire){ { -1, pair[0], pair[1] } };
		atomic_store(&f->slots[i].state, SLOT_READY);
		atomic_store(&f->slots[i].seat, i);
		f->of[i] = (struct balance){
			.slots = f->slots, .peers = &f->peers, .wires = f->wires, .number = i
		};
		assert_true(balance_start(&f->of[i]));
		balance_tell(&f->of[i], 0);
	}
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	for (unsigned i = 0; i < PEERS; i++) {
		close(f->wires[i].fds[WIRE_KICKED]);
		close(f->wires[i].fds[WIRE_KICK]);
		free(f->of[i].kicks);
	}
	peers_free(&f->peers);
	free(f);
	return 0;
}

static void set_state(struct fixture *f, unsigned i, enum slot_state state)
{
	atomic_store(&f->slots[i].state, state);
	balance_tell(&f->of[i], f->slots[i].live);
}

static void set_live(struct fixture *f, uint32_t a, uint32_t b, uint32_t c, uint32_t d)
{
	uint32_t live[PEERS] = { a, b, c, d };

	for (unsigned i = 0; i < PEERS; i++) {
		atomic_store(&f->slots[i].live, live[i]);
		balance_tell(&f->of[i], live[i]);
	}
}

static void lighter__within_the_margin__is_nobody(void **state)
{
	struct fixture *f = *state;

	set_live(f, 13, 10, 10, 10);
	assert_int_equal(balance_lighter(&f->of[0], 13, 0), -1);
	assert_int_equal(balance_lighter(&f->of[1], 10, 0), -1);
}

static void lighter__beyond_the_margin__is_the_least_loaded(void **state)
{
	struct fixture *f = *state;

	set_live(f, 14, 11, 9, 10);
	assert_int_equal(balance_lighter(&f->of[0], 14, 0), 2);
}

static void lighter__passes_over_those_not_ready(void **state)
{
	struct fixture *f = *state;

	set_live(f, 14, 0, 0, 10);
	set_state(f, 1, SLOT_EMPTY);
	set_state(f, 2, SLOT_DRAINING);
	assert_int_equal(balance_lighter(&f->of[0], 14, 0), 3);
	set_state(f, 3, SLOT_STARTING);
	assert_int_equal(balance_lighter(&f->of[0], 14, 0), -1);
	assert_false(balance_has_peer(&f->of[0]));
}

static void kicked__that_does_not_turn__is_passed_over_until_it_does(void **state)
{
	struct fixture *f = *state;

	set_live(f, 20, 0, 10, 10);
	balance_kick(&f->of[0], 1, 0, 1000);
	assert_int_equal(balance_lighter(&f->of[0], 20, 1009), 1);
	balance_kick(&f->of[0], 1, 0, 1009); /* again: the first one counts */
	assert_int_equal(balance_lighter(&f->of[0], 20, 1010), 2);
	atomic_fetch_add(&f->slots[1].turns, 1);
	assert_int_equal(balance_lighter(&f->of[0], 20, 1011), 1);
}

static void hint__that_the_slot_denies__is_not_acted_on__nor_believed_for_a_while(void **state)
{
	struct fixture *f = *state;

	set_live(f, 20, 20, 10, 19);
	peers_set(&f->peers, 1, (struct peer){ .live = 0, .seat = 1, .state = SLOT_READY });
	assert_int_equal(balance_lighter(&f->of[0], 20, 1000), -1);
	assert_int_equal(balance_lighter(&f->of[0], 20, 1001), 2);
	assert_int_equal(balance_lighter(&f->of[0], 20, 1100), -1);
	balance_tell(&f->of[1], 20);
	assert_int_equal(balance_lighter(&f->of[0], 20, 1200), 2);
}

static void hints__of_any_value__lead_to_nobody_who_is_not_ready_and_lighter(void **state)
{
	static const uint8_t states[] = { SLOT_READY, SLOT_EMPTY, SLOT_LEAVING, UINT8_MAX };
	struct fixture *f = *state;

	set_live(f, 20, UINT32_MAX, 17, 0);
	atomic_store(&f->slots[3].state, SLOT_DRAINING);
	for (unsigned i = 0; i < 8 * PEERS; i++) {
		struct peer peer = { .live = i % 8 < 4 ? 0 : UINT32_MAX,
				     .seat = UINT16_MAX,
				     .state = states[i % 4] };

		peers_set(&f->peers, i / 8, peer);
		assert_int_equal(balance_lighter(&f->of[0], 20, 1000 * i), -1);
	}
}

static void deputy__of_a_socket_without_owner__is_the_lowest_ready(void **state)
{
	struct fixture *f = *state;

	assert_false(balance_is_deputy(&f->of[0], 2, 4));
	set_state(f, 2, SLOT_EMPTY);
	assert_true(balance_is_deputy(&f->of[0], 2, 4));
	assert_false(balance_is_deputy(&f->of[1], 2, 4));
	set_state(f, 0, SLOT_DRAINING);
	assert_true(balance_is_deputy(&f->of[1], 2, 4));
	assert_false(balance_is_deputy(&f->of[1], 1, 2)); /* worker 3 owns it as well */
}

static void owner__of_a_socket__is_who_sits_there_whatever_its_number(void **state)
{
	struct fixture *f = *state;

	atomic_store(&f->slots[3].seat, 0);
	set_state(f, 3, SLOT_READY);
	set_state(f, 0, SLOT_EMPTY);
	assert_true(balance_owns(&f->of[3], 0, 3));
	assert_false(balance_owns(&f->of[2], 0, 3));
	assert_false(balance_is_deputy(&f->of[1], 0, 3));
	assert_true(balance_is_deputy(&f->of[1], 3, 4));
}

static void kick__names_the_listener__and_is_heard_once(void **state)
{
	struct fixture *f = *state;
	uint64_t mask;

	balance_kick(&f->of[0], 1, 2, 0);
	balance_kick(&f->of[3], 1, 70, 0);
	mask = balance_asked(&f->of[1]);
	assert_int_equal(mask, peers_mask(2) | peers_mask(70));
	assert_int_equal(balance_asked(&f->of[1]), 0);
	assert_int_equal(cell_get(&f->slots[0].tally.accept_kicks_total), 1);
}

/* The sockets here block, as if a worker had made them: neither side may wait. */
static void kick__into_a_full_queue__does_not_wait(void **state)
{
	struct fixture *f = *state;
	char byte;

	for (unsigned i = 0; i < 10000; i++)
		balance_kick(&f->of[0], 1, 2, 0);
	assert_int_equal(balance_asked(&f->of[1]), peers_mask(2));
	while (recv(f->wires[1].fds[WIRE_KICKED], &byte, 1, MSG_DONTWAIT) >= 0)
		;
	assert_int_equal(balance_asked(&f->of[1]), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(kick__into_a_full_queue__does_not_wait, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(lighter__within_the_margin__is_nobody, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(lighter__beyond_the_margin__is_the_least_loaded,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(lighter__passes_over_those_not_ready, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(
			kicked__that_does_not_turn__is_passed_over_until_it_does, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			hint__that_the_slot_denies__is_not_acted_on__nor_believed_for_a_while,
			set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			hints__of_any_value__lead_to_nobody_who_is_not_ready_and_lighter, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			deputy__of_a_socket_without_owner__is_the_lowest_ready, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			owner__of_a_socket__is_who_sits_there_whatever_its_number, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(kick__names_the_listener__and_is_heard_once, set_up,
						tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
