/* SPDX-License-Identifier: MIT */
/* The choice of a server: what keeps one from being chosen, and which come first. */
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

#define EQUALS "server = {\"10.0.0.1:1\", \"10.0.0.2:1\", \"10.0.0.3:1\"}\n"

#define WITH_BACKUP "server = {\"10.0.0.1:1\", \"10.0.0.2:1\", \"10.0.0.3:1 backup\"}\n"

static void backup__is_chosen_while_no_other_can_be(void **state)
{
	struct upstreams u;

	upstreams_make(&u, *state, WITH_BACKUP "balance = round_robin");
	for (unsigned i = 0; i < 30; i++)
		assert_int_not_equal(upstreams_choose_now(&u), 2);
	upstreams_set_health(&u, 0, SERVER_CHECK_FAILED);
	assert_int_equal(upstreams_choose_now(&u), 1);
	upstreams_set_health(&u, 1, SERVER_CHECK_FAILED);
	for (unsigned i = 0; i < 30; i++)
		assert_int_equal(upstreams_choose_now(&u), 2);
	upstreams_set_health(&u, 1, SERVER_HEALTHY);
	assert_int_equal(upstreams_choose_now(&u), 1);
	upstreams_free(&u);
}

static void backup__that_fails_its_checks__is_chosen_no_more(void **state)
{
	struct upstreams u;

	upstreams_make(&u, *state, WITH_BACKUP);
	for (unsigned i = 0; i < 3; i++)
		upstreams_set_health(&u, i, SERVER_CHECK_FAILED);
	assert_int_equal(upstreams_choose_now(&u), -1);
	upstreams_free(&u);
}

static void withheld__servers_are_never_chosen(void **state)
{
	struct upstreams u;

	upstreams_make(&u, *state,
		       "server = {\"10.0.0.1:1 down\", \"10.0.0.2:1\", \"10.0.0.3:1\"}");
	atomic_store(&u.board->server_rows[upstreams_server(&u, 1)->row].is_drained, 1);
	for (unsigned i = 0; i < 30; i++)
		assert_int_equal(upstreams_choose_now(&u), 2);
	atomic_store(&u.board->server_rows[upstreams_server(&u, 2)->row].is_drained, 1);
	assert_int_equal(upstreams_choose_now(&u), -1);
	upstreams_free(&u);
}

static void name__without_an_address__is_not_chosen_until_it_has_one(void **state)
{
	struct addr addr = { .len = sizeof(struct sockaddr_in), .in.sin_family = AF_INET };
	struct upstreams u;

	upstreams_make(&u, *state, "server = {\"a.example:1\", \"10.0.0.2:1\"}");
	for (unsigned i = 0; i < 30; i++)
		assert_int_equal(upstreams_choose_now(&u), 1);
	server_write_names(&u.board->server_names[upstreams_server(&u, 0)->row], &addr, 1);
	assert_int_not_equal(upstreams_choose_now(&u),
			     upstreams_choose_now(&u)); /* of equals each has its turn */
	upstreams_free(&u);
}

static void full__server__is_passed_over_and_told(void **state)
{
	struct upstreams u;
	struct choice c;

	upstreams_make(&u, *state,
		       "server = {\"10.0.0.1:1\", \"10.0.0.2:1 max_connections=7\"}\n"
		       "max_connections = 2");
	upstreams_set_live(&u, 0, 2);
	c = upstreams_choice(&u);
	assert_int_equal(upstreams_choose(&c), 1);
	upstreams_set_live(&u, 1, 6);
	assert_int_equal(upstreams_choose(&c), 1);
	upstreams_set_live(&u, 1, 7);
	assert_int_equal(upstreams_choose(&c), -1);
	assert_true(c.is_full);
	upstreams_set_live(&u, 0, 1);
	assert_int_equal(upstreams_choose(&c), 0);
	assert_false(c.is_full && upstreams_choose(&c) < 0);
	upstreams_free(&u);
}

/* A healthy one will have room, so a failed one is not tried in its place; a backup is. */
static void full__server__has_a_backup_before_it_and_no_failed_one(void **state)
{
	struct upstreams u;
	struct choice c;

	upstreams_make(&u, *state, WITH_BACKUP "max_connections = 1");
	upstreams_set_live(&u, 0, 1);
	upstreams_set_health(&u, 1, SERVER_FAILED);
	atomic_store(&upstreams_shared(&u, 1)->trial_ms, UPSTREAMS_NOW_MS + 5000);
	c = upstreams_choice(&u);
	assert_int_equal(upstreams_choose(&c), 2);
	upstreams_set_live(&u, 2, 1);
	assert_int_equal(upstreams_choose(&c), -1);
	assert_true(c.is_full);
	upstreams_free(&u);
}

static void tried__servers_are_not_chosen_again(void **state)
{
	static const char *const ways[] = { "least_conn", "round_robin", "random", "hash" };

	for (unsigned way = 0; way < sizeof(ways) / sizeof(*ways); way++) {
		char text[256];
		struct upstreams u;
		struct choice c;
		unsigned seen = 0;

		snprintf(text, sizeof(text), EQUALS "balance = %s", ways[way]);
		upstreams_make(&u, *state, text);
		c = upstreams_choice(&u);
		for (unsigned i = 0; i < 3; i++) {
			int index = upstreams_choose(&c);

			assert_in_range(index, 0, 2);
			assert_int_equal(seen & 1U << index, 0);
			seen |= 1U << index;
			server_mask_add(&c.tried, upstreams_server(&u, (unsigned)index)->row);
		}
		assert_int_equal(upstreams_choose(&c), -1);
		assert_false(c.is_full);
		upstreams_free(&u);
	}
}

static void failed__server__gets_one_trial_in_each_fail_timeout(void **state)
{
	struct upstreams u;
	struct choice c;

	upstreams_make(&u, *state, EQUALS "fail_timeout = 10s");
	upstreams_set_health(&u, 1, SERVER_FAILED);
	atomic_store(&upstreams_shared(&u, 1)->trial_ms, UPSTREAMS_NOW_MS + 10000);
	c = upstreams_choice(&u);
	for (unsigned round = 0; round < 3; round++) {
		unsigned trials = 0;

		for (unsigned i = 0; i < 100; i++)
			trials += upstreams_choose(&c) == 1;
		assert_int_equal(trials, round > 0);
		c.now_ms += 10000;
	}
	upstreams_free(&u);
}

/* Trying one is better than trying none; those whose checks fail are known to be down. */
static void failed__servers_alone__are_chosen_all_the_same(void **state)
{
	unsigned counts[UPSTREAMS_MOST];
	struct upstreams u;

	upstreams_make(&u, *state, EQUALS "balance = round_robin");
	for (unsigned i = 0; i < 3; i++) {
		upstreams_set_health(&u, i, SERVER_FAILED);
		atomic_store(&upstreams_shared(&u, i)->trial_ms, UPSTREAMS_NOW_MS + 5000);
	}
	upstreams_count(&u, 300, counts);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(counts[i], 100);
	upstreams_set_health(&u, 0, SERVER_CHECK_FAILED);
	upstreams_count(&u, 300, counts);
	assert_int_equal(counts[0], 0);
	upstreams_free(&u);
}

/* Its share rises from nearly nothing to its weight. */
static void slow_start__raises_the_share_of_a_server_that_came_back(void **state)
{
	static const char *const ways[] = { "round_robin", "random" };

	for (unsigned way = 0; way < 2; way++) {
		unsigned last = 0;
		char text[256];
		struct upstreams u;
		uint64_t seed = 7;

		snprintf(text, sizeof(text), EQUALS "slow_start = 10s\nbalance = %s", ways[way]);
		upstreams_make(&u, *state, text);
		upstreams_set_health(&u, 1, SERVER_HEALTHY); /* now */
		for (unsigned part = 0; part <= 4; part++) {
			struct choice c = upstreams_choice(&u);
			unsigned got = 0;

			c.now_ms += part * 2500;
			for (unsigned i = 0; i < 3000; i++) {
				c.random = upstreams_random(&seed);
				got += upstreams_choose(&c) == 1;
			}
			assert_true(got >= last);
			if (part == 0)
				assert_in_range(got, 0, 30);
			if (part == 2)
				assert_in_range(got, 300, 800);
			if (part == 4)
				assert_in_range(got, 900, 1100);
			last = got;
		}
		upstreams_free(&u);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(backup__is_chosen_while_no_other_can_be),
		cmocka_unit_test(backup__that_fails_its_checks__is_chosen_no_more),
		cmocka_unit_test(withheld__servers_are_never_chosen),
		cmocka_unit_test(name__without_an_address__is_not_chosen_until_it_has_one),
		cmocka_unit_test(full__server__is_passed_over_and_told),
		cmocka_unit_test(full__server__has_a_backup_before_it_and_no_failed_one),
		cmocka_unit_test(tried__servers_are_not_chosen_again),
		cmocka_unit_test(failed__server__gets_one_trial_in_each_fail_timeout),
		cmocka_unit_test(failed__servers_alone__are_chosen_all_the_same),
		cmocka_unit_test(slow_start__raises_the_share_of_a_server_that_came_back),
	};

	return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
