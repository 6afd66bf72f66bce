/* SPDX-License-Identifier: MIT */
/* The shared times: of listeners by rows, of sources in a table of fixed size. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/siphash.h"
#include "stats/limit_rates.h"

#define SECOND INT64_C(1000000000)

enum { START_S = 5000, SOURCES = 100000, CHILDREN = 4, TAKES = 20000 };

static struct limit_rates *rates;
static const struct siphash_key secret = { { 11, 22 } };

static int set_up(void **state)
{
	(void)state;
	rates = mmap(NULL, sizeof(*rates), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		     0);
	return rates == MAP_FAILED ? -1 : 0;
}

static int tear_down(void **state)
{
	(void)state;
	return munmap(rates, sizeof(*rates));
}

static uint64_t key_of(uint32_t source)
{
	return siphash(&secret, &source, sizeof(source));
}

static struct rate_limit per_source(int64_t rate, int64_t burst)
{
	return rate_limit_of(rate, burst, LIMIT_RATES_UNIT_NS);
}

static void listener__has_one_row__whoever_looks(void **state)
{
	struct limit_rates_row *row = limit_rates_row(rates, 7);

	(void)state;
	assert_ptr_equal(limit_rates_row(rates, 7), row);
	/* the place of its key is taken: it stands behind */
	assert_ptr_not_equal(limit_rates_row(rates, 7 + LIMIT_RATES_ROWS), row);
	assert_ptr_equal(limit_rates_row(rates, 7), row);
}

static void listeners__more_than_rows__take_that_of_the_quietest(void **state)
{
	struct rate_limit limit = rate_limit_of(10, 10, 1);
	struct limit_rates_row *quiet = NULL;
	int64_t due_ns;

	(void)state;
	for (uint64_t key = 1; key <= LIMIT_RATES_ROWS; key++) {
		struct limit_rates_row *row = limit_rates_row(rates, key);

		if (key == 100)
			quiet = row;
		else
			assert_true(limit_rates_take(row, &limit, START_S * SECOND, &due_ns));
	}
	assert_ptr_equal(limit_rates_row(rates, 1000), quiet);
	assert_int_equal(quiet->time_ns, 0);
}

static void arrival__that_is_taken_back__was_none(void **state)
{
	struct limit_rates_row *row = limit_rates_row(rates, 7);
	struct rate_limit limit = rate_limit_of(10, 1, 1);
	int64_t due_ns;

	(void)state;
	assert_true(limit_rates_take(row, &limit, START_S * SECOND, &due_ns));
	assert_false(limit_rates_allows(row, &limit, START_S * SECOND, &due_ns));
	limit_rates_return(row, &limit);
	assert_true(limit_rates_allows(row, &limit, START_S * SECOND, &due_ns));
	assert_true(limit_rates_take(row, &limit, START_S * SECOND, &due_ns));
	assert_false(limit_rates_take(row, &limit, START_S * SECOND, &due_ns));
}

/* What an attacker has written is put right, so that it does not last. */
static void time__of_garbage__delays_by_one_burst_at_most(void **state)
{
	struct limit_rates_row *row = limit_rates_row(rates, 7);
	struct rate_limit limit = rate_limit_of(10, 5, 1);
	int64_t due_ns;

	(void)state;
	atomic_store(&row->time_ns, INT64_MAX);
	assert_false(limit_rates_take(row, &limit, START_S * SECOND, &due_ns));
	assert_true(limit_rates_take(row, &limit, due_ns, &due_ns));
}

/* Several processes at once take exactly the burst: none of their changes is lost. */
static void arrivals__of_several_processes__are_counted_once(void **state)
{
	struct limit_rates_row *row = limit_rates_row(rates, 7);
	struct rate_limit limit = rate_limit_of(1, TAKES, 1);
	_Atomic unsigned *taken =
		mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int64_t due_ns;
	int status;

	(void)state;
	for (unsigned i = 0; i < CHILDREN; i++)
		if (fork() == 0) {
			for (unsigned k = 0; k < TAKES; k++)
				*taken += limit_rates_take(row, &limit, START_S * SECOND, &due_ns);
			_exit(0);
		}
	for (unsigned i = 0; i < CHILDREN; i++)
		assert_true(wait(&status) > 0 && status == 0);
	assert_int_equal(*taken, TAKES);
	munmap((void *)taken, 4096);
}

static void source__has_its_own_rate__and_burst(void **state)
{
	struct rate_limit limit = per_source(10, 3);
	int64_t due_ns, now_ns = START_S * SECOND;

	(void)state;
	for (unsigned i = 0; i < 3; i++)
		assert_true(limit_rates_take_source(rates, key_of(1), &limit, now_ns, &due_ns));
	assert_false(limit_rates_take_source(rates, key_of(1), &limit, now_ns, &due_ns));
	assert_in_range(due_ns - now_ns, SECOND / 10 - 1000, SECOND / 10 + 1000);
	assert_true(limit_rates_take_source(rates, key_of(1), &limit, due_ns, &due_ns));
	assert_true(limit_rates_take_source(rates, key_of(2), &limit, now_ns, &due_ns));
}

/* A time of so long ago that its bits have come round is one in the past all the same. */
static void source__of_days_ago__has_its_whole_burst(void **state)
{
	struct rate_limit limit = per_source(10, 3);
	int64_t due_ns;

	(void)state;
	for (int64_t hours = 0; hours < 24 * 30; hours += 5)
		for (unsigned i = 0; i < 3; i++)
			assert_true(limit_rates_take_source(rates, key_of(1), &limit,
							    (START_S + hours * 3600) * SECOND,
							    &due_ns));
}

/* The memory is fixed: 2 MiB, and the rows. */
static void sources__a_hundred_thousand__have_a_rate_each(void **state)
{
	struct rate_limit limit = per_source(1, 1);
	unsigned again = 0;
	int64_t due_ns;

	(void)state;
	assert_true(sizeof(*rates) <= 2 * 1024 * 1024 + 32 * 1024);
	for (uint32_t i = 0; i < SOURCES; i++)
		assert_true(limit_rates_take_source(rates, key_of(i), &limit, START_S * SECOND + i,
						    &due_ns));
	/* within the same second, nearly all are remembered: some sets have had more than 8 */
	for (uint32_t i = 0; i < SOURCES; i++)
		again += limit_rates_take_source(rates, key_of(i), &limit,
						 START_S * SECOND + SOURCES, &due_ns);
	assert_in_range(again, 0, SOURCES / 50);
}

/* Those that have been quiet for longest go first. */
static void sources__of_a_flood__leave_the_newest_in_place(void **state)
{
	struct rate_limit limit = per_source(1, 1);
	int64_t due_ns, now_ns = START_S * SECOND;
	uint32_t last = 10 * SOURCES;
	unsigned kept = 0;

	(void)state;
	for (uint32_t i = 0; i < last; i++)
		(void)limit_rates_take_source(rates, key_of(i), &limit, now_ns + i * 1000, &due_ns);
	for (uint32_t i = last - 1000; i < last; i++)
		kept += !limit_rates_take_source(rates, key_of(i), &limit,
						 now_ns + last * INT64_C(1000), &due_ns);
	assert_in_range(kept, 990, 1000);
}

static void log__has_a_line_a_second__with_the_count(void **state)
{
	struct limit_rates_row *row = limit_rates_row(rates, 7);
	uint64_t count = 0;

	(void)state;
	assert_true(limit_rates_may_log(row, 5000, &count));
	assert_int_equal(count, 1);
	for (int64_t ms = 4990; ms < 6000; ms += 10)
		assert_false(limit_rates_may_log(row, ms, &count));
	assert_true(limit_rates_may_log(row, 6000, &count));
	assert_int_equal(count, 102);
	atomic_store(&row->said_ms, INT64_MAX / 2); /* garbage does not silence it for ever */
	assert_true(limit_rates_may_log(row, 6001, &count));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(listener__has_one_row__whoever_looks),
		CASE(listeners__more_than_rows__take_that_of_the_quietest),
		CASE(arrival__that_is_taken_back__was_none),
		CASE(time__of_garbage__delays_by_one_burst_at_most),
		CASE(arrivals__of_several_processes__are_counted_once),
		CASE(source__has_its_own_rate__and_burst),
		CASE(source__of_days_ago__has_its_whole_burst),
		CASE(sources__a_hundred_thousand__have_a_rate_each),
		CASE(sources__of_a_flood__leave_the_newest_in_place),
		CASE(log__has_a_line_a_second__with_the_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
