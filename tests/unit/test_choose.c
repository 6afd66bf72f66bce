/* SPDX-License-Identifier: MIT */
/* The choice of a server: the ways of balancing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "services/proxy/choose.h"
#include "stats/servers.h"
#include "unit/folder.h"
#include "unit/upstreams.h"

#define THREE  "server = {\"10.0.0.1:1 weight=5\", \"10.0.0.2:1\", \"10.0.0.3:1 weight=2\"}\n"
#define EQUALS "server = {\"10.0.0.1:1\", \"10.0.0.2:1\", \"10.0.0.3:1\"}\n"

static void round_robin__gives_each_exactly_its_weight(void **state)
{
	unsigned counts[UPSTREAMS_MOST];
	struct upstreams u;

	upstreams_make(&u, *state, THREE "balance = round_robin");
	for (unsigned round = 1; round < 40; round++) {
		upstreams_count(&u, 8 * round, counts);
		assert_int_equal(counts[0], 5 * round);
		assert_int_equal(counts[1], round);
		assert_int_equal(counts[2], 2 * round);
	}
	upstreams_free(&u);
}

/* A heavy one does not get its share in one piece. */
static void round_robin__spreads_the_turns_of_a_heavy_server(void **state)
{
	unsigned row = 0, longest = 0;
	struct upstreams u;

	upstreams_make(&u, *state, THREE "balance = round_robin");
	for (unsigned i = 0; i < 800; i++) {
		row = upstreams_choose_now(&u) == 0 ? row + 1 : 0;
		longest = row > longest ? row : longest;
	}
	assert_in_range(longest, 1, 2);
	upstreams_free(&u);
}

static void round_robin__without_one__divides_among_the_others(void **state)
{
	unsigned counts[UPSTREAMS_MOST];
	struct upstreams u;

	upstreams_make(&u, *state, THREE "balance = round_robin");
	upstreams_set_health(&u, 0, SERVER_CHECK_FAILED);
	upstreams_count(&u, 300, counts);
	assert_int_equal(counts[0], 0);
	assert_int_equal(counts[1], 100);
	assert_int_equal(counts[2], 200);
	upstreams_free(&u);
}

/* As connections that stay. */
static void least_conn__fills_servers_by_their_weights(void **state)
{
	unsigned counts[UPSTREAMS_MOST] = { 0 };
	struct upstreams u;

	upstreams_make(&u, *state, THREE "balance = least_conn");
	for (unsigned i = 0; i < 800; i++) {
		int index = upstreams_choose_now(&u);

		assert_in_range(index, 0, 2);
		upstreams_set_live(&u, (unsigned)index, ++counts[index]);
	}
	assert_in_range(counts[0], 499, 501);
	assert_in_range(counts[1], 99, 101);
	assert_in_range(counts[2], 199, 201);
	upstreams_free(&u);
}

/* Each has ended before the next one comes. */
static void least_conn__of_connections_that_do_not_stay__shares_by_weight(void **state)
{
	unsigned counts[UPSTREAMS_MOST];
	struct upstreams u;

	upstreams_make(&u, *state, THREE "balance = least_conn");
	upstreams_count(&u, 800, counts);
	assert_int_equal(counts[0], 500);
	assert_int_equal(counts[1], 100);
	assert_int_equal(counts[2], 200);
	upstreams_free(&u);
}

static void least_conn__among_equals__takes_turns(void **state)
{
	unsigned counts[UPSTREAMS_MOST];
	struct upstreams u;

	upstreams_make(&u, *state, EQUALS);
	upstreams_count(&u, 300, counts);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(counts[i], 100);
	upstreams_set_live(&u, 1, 7);
	upstreams_set_live(&u, 2, 7);
	upstreams_count(&u, 100, counts);
	assert_int_equal(counts[0], 100);
	upstreams_free(&u);
}

/* Of two picks by weight the lighter one is taken; here all are equally loaded for their weight. */
static void random__stays_within_bounds_of_the_weights(void **state)
{
	uint64_t seed = 4711;
	unsigned counts[UPSTREAMS_MOST] = { 0 };
	struct upstreams u;

	upstreams_make(&u, *state, THREE "balance = random");
	for (unsigned i = 0; i < 8000; i++) {
		struct choice c = upstreams_choice(&u);

		c.random = upstreams_random(&seed);
		counts[upstreams_choose(&c)]++;
	}
	assert_in_range(counts[0], 4800, 5200);
	assert_in_range(counts[1], 850, 1150);
	assert_in_range(counts[2], 1800, 2200);
	upstreams_free(&u);
}

static void random__prefers_the_lighter_of_two(void **state)
{
	uint64_t seed = 42;
	unsigned counts[UPSTREAMS_MOST] = { 0 };
	struct upstreams u;

	upstreams_make(&u, *state, EQUALS "balance = random");
	upstreams_set_live(&u, 0, 100);
	for (unsigned i = 0; i < 9000; i++) {
		struct choice c = upstreams_choice(&u);

		c.random = upstreams_random(&seed);
		counts[upstreams_choose(&c)]++;
	}
	assert_in_range(counts[0], 850, 1150); /* both picks: a ninth */
	upstreams_free(&u);
}

enum { CLIENTS = 20000 };

static int choose_by_hash(const struct upstreams *u, uint64_t source)
{
	struct choice c = upstreams_choice(u);

	c.source = source * UINT64_C(0x9e3779b97f4a7c15);
	return upstreams_choose(&c);
}

#define FIVE                                                                                  \
	"server = {\"10.0.0.1:1\", \"10.0.0.2:1 weight=3\", \"10.0.0.3:1\", \"10.0.0.4:1\", " \
	"\"10.0.0.5:1 weight=2\"}\nbalance = hash"

static void hash__spreads_by_weight_and_is_constant(void **state)
{
	static const unsigned weights[] = { 1, 3, 1, 1, 2 };
	unsigned counts[UPSTREAMS_MOST] = { 0 };
	struct upstreams u;

	upstreams_make(&u, *state, FIVE);
	for (uint64_t i = 0; i < CLIENTS; i++) {
		int index = choose_by_hash(&u, i);

		upstreams_set_live(&u, (unsigned)index, ++counts[index]);
		assert_int_equal(choose_by_hash(&u, i), index);
	}
	for (unsigned i = 0; i < 5; i++)
		assert_in_range(counts[i], weights[i] * CLIENTS / 8 * 9 / 10,
				weights[i] * CLIENTS / 8 * 11 / 10);
	upstreams_free(&u);
}

static void hash__without_one_server__moves_its_own_clients_alone(void **state)
{
	static int before[CLIENTS];
	struct upstreams u;

	upstreams_make(&u, *state, FIVE);
	for (uint64_t i = 0; i < CLIENTS; i++)
		before[i] = choose_by_hash(&u, i);
	for (unsigned gone = 0; gone < 5; gone++) {
		unsigned moved[UPSTREAMS_MOST] = { 0 };

		upstreams_set_health(&u, gone, SERVER_CHECK_FAILED);
		for (uint64_t i = 0; i < CLIENTS; i++) {
			int now = choose_by_hash(&u, i);

			assert_int_not_equal(now, (int)gone);
			if (before[i] == (int)gone)
				moved[now]++;
			else
				assert_int_equal(now, before[i]);
		}
		for (unsigned i = 0; i < 5; i++)
			assert_true(i == gone || moved[i] > 0); /* to all others, not to one */
		upstreams_set_health(&u, gone, SERVER_HEALTHY);
	}
	upstreams_free(&u);
}

/* Its place in the list says nothing. */
static void hash__with_the_list_in_another_order__is_the_same(void **state)
{
	static int before[CLIENTS];
	struct upstreams u;

	upstreams_make(&u, *state,
		       "server = {\"10.0.0.1:1\", \"10.0.0.2:1\", \"10.0.0.3:1\"}\n"
		       "balance = hash");
	for (uint64_t i = 0; i < CLIENTS; i++)
		before[i] = choose_by_hash(&u, i);
	upstreams_free(&u);
	upstreams_make(&u, *state,
		       "server = {\"10.0.0.3:1\", \"10.0.0.2:1\", \"10.0.0.1:1\"}\n"
		       "balance = hash");
	for (uint64_t i = 0; i < CLIENTS; i++)
		assert_int_equal(choose_by_hash(&u, i), 2 - before[i]);
	upstreams_free(&u);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_robin__gives_each_exactly_its_weight),
		cmocka_unit_test(round_robin__spreads_the_turns_of_a_heavy_server),
		cmocka_unit_test(round_robin__without_one__divides_among_the_others),
		cmocka_unit_test(least_conn__fills_servers_by_their_weights),
		cmocka_unit_test(least_conn__of_connections_that_do_not_stay__shares_by_weight),
		cmocka_unit_test(least_conn__among_equals__takes_turns),
		cmocka_unit_test(random__stays_within_bounds_of_the_weights),
		cmocka_unit_test(random__prefers_the_lighter_of_two),
		cmocka_unit_test(hash__spreads_by_weight_and_is_constant),
		cmocka_unit_test(hash__without_one_server__moves_its_own_clients_alone),
		cmocka_unit_test(hash__with_the_list_in_another_order__is_the_same),
	};

	return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
