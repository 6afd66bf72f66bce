/* SPDX-License-Identifier: MIT */
/* Which worker gives how many connections to which, and that this leads to even loads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <string.h>

#include "base/sys.h"
#include "unit/siblings.h"

enum { MOST = 16, AT_ONCE = 256, OLD = 3, LOOK_MS = 60 };

static void assert_none(const uint32_t *loads, unsigned count)
{
	for (unsigned own = 0; own < count; own++)
		assert_int_equal(rebalance_find(loads, count, own).count, 0);
}

static void even__loads__move_nothing(void **state)
{
	static const uint32_t none[4] = { 0 }, some[] = { 7, 7, 7, 7 },
			      many[] = { 9000, 9000, 9000, 9000 }, one[] = { 9000 };

	(void)state;
	assert_none(none, 4);
	assert_none(some, 4);
	assert_none(many, 4);
	assert_none(one, 1);
	assert_none(one, 0);
	assert_int_equal(rebalance_find(none, 0, 0).count, 0);
}

/* Short connections make such a difference at any time. */
static void small__surplus__moves_nothing(void **state)
{
	static const uint32_t few[] = { 4, 0, 0, 0 }, more[] = { 5, 1, 1, 1 },
			      many[] = { 1030, 1000, 990, 980 };

	(void)state;
	assert_none(few, 4);
	assert_none(more, 4);
	assert_none(many, 4);
}

static void one__with_all__gives_to_the_lightest(void **state)
{
	static const uint32_t loads[] = { 0, 0, 0, 1200 }, small[] = { 3, 0, 40, 9 };
	struct rebalance_share share = rebalance_find(loads, 4, 3);

	(void)state;
	assert_int_equal(share.count, AT_ONCE);
	assert_int_equal(share.receiver, 0);
	for (unsigned own = 0; own < 3; own++)
		assert_int_equal(rebalance_find(loads, 4, own).count, 0);
	share = rebalance_find(small, 4, 2);
	assert_int_equal(share.receiver, 1);
	assert_int_equal(share.count, 13); /* the mean, which the lightest lacks */
}

static void loads__of_the_highest_numbers__do_not_overflow(void **state)
{
	static const uint32_t loads[] = { UINT32_MAX, UINT32_MAX, UINT32_MAX, 0 };

	(void)state;
	assert_int_equal(rebalance_find(loads, 4, 0).count, AT_ONCE);
	assert_int_equal(rebalance_find(loads, 4, 0).receiver, 3);
	assert_int_equal(rebalance_find(loads, 4, 3).count, 0);
}

/* Each gives its part of what the lightest lacks, at the same time as the others. */
static void several__heavy_workers__do_not_overshoot(void **state)
{
	static const uint32_t loads[] = { 100, 100, 100, 0 }, unlike[] = { 400, 100, 20, 300 };
	uint32_t given = 0;

	(void)state;
	for (unsigned own = 0; own < 3; own++)
		given += rebalance_find(loads, 4, own).count;
	assert_in_range(given, 70, 75);
	given = 0;
	for (unsigned own = 0; own < 4; own++)
		given += rebalance_find(unlike, 4, own).count;
	assert_in_range(given, 180, 205 - 20);
}

/* The lightest never gets beyond the mean, whatever the loads are. */
static void any__loads__never_exceed_the_mean(void **state)
{
	uint64_t seed = 1;

	(void)state;
	for (unsigned round = 0; round < 20000; round++) {
		uint32_t loads[MOST];
		uint64_t sum = 0, given = 0;
		unsigned count, receiver = 0;

		seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407U;
		count = 2 + (unsigned)(seed >> 40) % (MOST - 2);
		for (unsigned i = 0; i < count; i++) {
			seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407U;
			loads[i] = (uint32_t)(seed >> 40) % (10U << seed % 12);
			sum += loads[i];
		}
		for (unsigned own = 0; own < count; own++) {
			struct rebalance_share share = rebalance_find(loads, count, own);

			assert_true(share.receiver < count && share.count <= AT_ONCE);
			assert_true(share.count == 0 || share.receiver != own);
			assert_true(loads[own] - share.count >= sum / count || share.count == 0);
			given += share.count;
			receiver = share.receiver;
		}
		assert_true(given == 0 || loads[receiver] + given <= sum / count);
	}
}

/* Gives of each full worker, all at the same time; returns how many. */
static uint32_t give_of_full(uint32_t *loads, unsigned count, uint32_t places)
{
	uint32_t before[MOST], given = 0;

	memcpy(before, loads, sizeof(before));
	for (unsigned own = 0; own < count; own++) {
		struct rebalance_share share = { 0 };

		if (before[own] == places)
			share = rebalance_find_full(before, count, own);
		assert_true(share.count == 0 || before[share.receiver] + 1 < before[own]);
		loads[own] -= share.count;
		loads[share.receiver] += share.count;
		given += share.count;
	}
	return given;
}

/* The lighter ones get something at once, and none is full that was not. */
static void full__workers__make_room_by_all_that_are_lighter(void **state)
{
	uint32_t few[MOST] = { 100, 100, 100, 0, 0, 40 }, many[MOST] = { 100, 100, 100, 100, 20 },
		 one[MOST] = { 100, 0, 0, 0 };

	(void)state;
	assert_in_range(give_of_full(few, 6, 100), 100, 150);
	assert_in_range(give_of_full(many, 5, 100), 60, 79);
	assert_int_equal(give_of_full(one, 4, 100), 50);
	for (unsigned i = 0; i < 6; i++)
		assert_true(few[i] < 100 && few[i] > 0);
	for (unsigned i = 0; i < 5; i++)
		assert_true(many[i] < 100 && many[i] > 20);
}

static void full__workers_beside_almost_full_ones__come_to_rest(void **state)
{
	uint32_t loads[MOST] = { 100, 98, 100, 99, 100 };
	static const uint32_t full[] = { 100, 100, 99 };

	(void)state;
	for (unsigned i = 0; i < 3; i++)
		give_of_full(loads, 5, 100);
	assert_int_equal(give_of_full(loads, 5, 100), 0);
	assert_int_equal(rebalance_find_full(full, 3, 0).count, 0);
	assert_int_equal(rebalance_find_full(full, 1, 0).count, 0);
}

/* --- With workers --------------------------------------------------------------------------- */

static struct siblings all;

static void look_around(unsigned rounds)
{
	for (unsigned i = 0; i < rounds; i++)
		for (unsigned k = 0; k < SIBLINGS_MOST; k++) {
			siblings_settle(&all);
			sibling_alarm(&all.list[k], LOOK_MS);
		}
	siblings_settle(&all);
}

static void start_all(void)
{
	siblings_begin(&all);
	for (unsigned i = 0; i < SIBLINGS_MOST; i++)
		rebalance_start(&sibling_start(&all, i, OLD, "echo", NULL)->rebalance);
}

static void workers__with_unlike_loads__become_alike(void **state)
{
	(void)state;
	start_all();
	for (unsigned i = 0; i < 60; i++)
		(void)sibling_connect(&all.list[0], 0);
	for (unsigned i = 0; i < 30; i++)
		(void)sibling_connect(&all.list[1], 0);
	siblings_count_open(&all);
	look_around(6);
	for (unsigned i = 0; i < SIBLINGS_MOST; i++)
		assert_in_range(sibling_conns(&all.list[i]), 26, 34);
	siblings_assert_open(&all);
	siblings_assert_sole(&all, 90);
	assert_true(all.list[0].slot->tally.connections_moved_out_total[MOVE_rebalance] > 0);
	siblings_end(&all);
}

/* A worker that has had fewer connections meanwhile has no surplus. */
static void load__of_short_connections__moves_nothing(void **state)
{
	(void)state;
	start_all();
	for (unsigned i = 0; i < 60; i++)
		(void)sibling_connect(&all.list[0], 0);
	rebalance_note(&all.list[0].rebalance, 0);
	sibling_alarm(&all.list[0], LOOK_MS);
	assert_int_equal(all.list[0].moving.state, MOVING_IDLE);
	siblings_settle(&all);
	siblings_end(&all);
}

static void workers__that_leave__get_nothing(void **state)
{
	(void)state;
	start_all();
	all.list[1].slot->state = SLOT_DRAINING;
	all.list[2].slot->state = SLOT_MOVING;
	for (unsigned i = 0; i < 60; i++)
		(void)sibling_connect(&all.list[0], 0);
	look_around(3);
	assert_int_equal(sibling_conns(&all.list[0]), 60);
	all.list[2].slot->state = SLOT_READY;
	look_around(3);
	assert_int_equal(sibling_conns(&all.list[1]), 0);
	assert_in_range(sibling_conns(&all.list[2]), 26, 34);
	siblings_end(&all);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(even__loads__move_nothing),
		cmocka_unit_test(small__surplus__moves_nothing),
		cmocka_unit_test(one__with_all__gives_to_the_lightest),
		cmocka_unit_test(loads__of_the_highest_numbers__do_not_overflow),
		cmocka_unit_test(several__heavy_workers__do_not_overshoot),
		cmocka_unit_test(any__loads__never_exceed_the_mean),
		cmocka_unit_test(full__workers__make_room_by_all_that_are_lighter),
		cmocka_unit_test(full__workers_beside_almost_full_ones__come_to_rest),
		cmocka_unit_test(workers__with_unlike_loads__become_alike),
		cmocka_unit_test(load__of_short_connections__moves_nothing),
		cmocka_unit_test(workers__that_leave__get_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
