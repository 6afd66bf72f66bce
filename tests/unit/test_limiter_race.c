/* SPDX-License-Identifier: MIT */
/* Claims of several processes at the same time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sched.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit/limited.h"

enum { CLAIMS = 3000, MOST = 3 };

static struct limited all;

static int tear_down(void **state)
{
	(void)state;
	limited_end(&all);
	return 0;
}

/* What the processes of the next test share. */
struct shared {
	_Atomic unsigned inside, highest, refused_all, got[LIMITED_WORKERS];
};

static void enter_and_leave(unsigned number, struct shared *shared)
{
	struct record r = limited_record("192.0.2.1");

	while (shared->got[number] < CLAIMS) {
		unsigned inside, highest;

		if (limited_claim(&all, number) != LIMIT_NONE) {
			sched_yield();
			continue;
		}
		shared->got[number]++;
		inside = atomic_fetch_add(&shared->inside, 1) + 1;
		highest = shared->highest;
		while (inside > highest &&
		       !atomic_compare_exchange_weak(&shared->highest, &highest, inside))
			;
		sched_yield();
		atomic_fetch_sub(&shared->inside, 1);
		(void)limiter_count_out(&all.workers[number], &r);
	}
}

static void claims__of_several_processes__never_exceed_the_limit(void **state)
{
	struct shared *shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
				     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int status;

	(void)state;
	limited_begin(&all, "max_connections", "3", NULL);
	limited_start_workers(&all);
	for (unsigned i = 0; i < LIMITED_WORKERS; i++)
		if (fork() == 0) {
			enter_and_leave(i, shared);
			_exit(0);
		}
	for (unsigned i = 0; i < LIMITED_WORKERS; i++)
		assert_true(wait(&status) > 0 && status == 0);
	assert_int_equal(shared->inside, 0);
	assert_in_range(shared->highest, 1, MOST);
	for (unsigned i = 0; i < MOST; i++)
		assert_int_equal(limited_claim(&all, i), LIMIT_NONE);
	assert_int_equal(limited_claim(&all, 3), LIMIT_max_connections);
	munmap(shared, sizeof(*shared));
}

/* One place, for which all try at once, round by round: one of them gets it each time. */
static void place__that_all_claim_at_once__goes_to_one_of_them(void **state)
{
	enum { ROUNDS = 3000 };
	struct shared *shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
				     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	_Atomic unsigned *arrived = &shared->inside, *won = &shared->refused_all;
	int status;

	(void)state;
	limited_begin(&all, "max_connections", "1", NULL);
	limited_start_workers(&all);
	for (unsigned i = 0; i < 2; i++)
		if (fork() == 0) {
			struct record r = limited_record("192.0.2.1");

			for (unsigned round = 1; round <= ROUNDS; round++) {
				bool has_won;

				atomic_fetch_add(arrived, 1);
				while (atomic_load(arrived) < 4 * round - 2)
					sched_yield();
				has_won = limited_claim(&all, i) == LIMIT_NONE;
				*won += has_won;
				atomic_fetch_add(arrived, 1);
				while (atomic_load(arrived) < 4 * round)
					sched_yield();
				if (has_won)
					(void)limiter_count_out(&all.workers[i], &r);
			}
			_exit(0);
		}
	for (unsigned i = 0; i < 2; i++)
		assert_true(wait(&status) > 0 && status == 0);
	assert_in_range(*won, ROUNDS, ROUNDS);
	munmap(shared, sizeof(*shared));
}

#define CASE(name) cmocka_unit_test_teardown(name, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(claims__of_several_processes__never_exceed_the_limit),
		CASE(place__that_all_claim_at_once__goes_to_one_of_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
