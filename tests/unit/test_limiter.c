/* SPDX-License-Identifier: MIT */
/* Claims of several workers: no limit is exceeded, and no place is refused to all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "unit/limited.h"
#include "worker/limit/limit_sum.h"

enum { MOST = 3 };

static struct limited all;

static int tear_down(void **state)
{
	(void)state;
	limited_end(&all);
	return 0;
}

static enum limit look(unsigned worker)
{
	int64_t due_ms;

	return limiter_look(&all.workers[worker], 0, LIMITED_US, &due_ms);
}

static enum limit claim_source(unsigned worker, struct record *r)
{
	int64_t due_ms;

	return limiter_claim_source(&all.workers[worker], r,
				    limiter_source_key(&all.workers[worker], r), true, LIMITED_US,
				    &due_ms);
}

static void listener__without_limits__admits_all__and_counts_nothing(void **state)
{
	struct record r = limited_record("192.0.2.1");

	(void)state;
	limited_begin(&all, NULL);
	limited_start_workers(&all);
	assert_null(all.workers[0].memory);
	for (unsigned i = 0; i < 1000; i++) {
		assert_int_equal(limited_claim(&all, 0), LIMIT_NONE);
		assert_int_equal(claim_source(0, &r), LIMIT_NONE);
	}
	assert_int_equal(limiter_source_key(&all.workers[0], &r), 0);
}

static void listener__has_max_connections__over_all_workers(void **state)
{
	struct record r = limited_record("192.0.2.1");

	(void)state;
	limited_begin(&all, "max_connections", "3", NULL);
	limited_start_workers(&all);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(limited_claim(&all, i), LIMIT_NONE);
	assert_int_equal(limited_claim(&all, 3), LIMIT_max_connections);
	assert_int_equal(limited_claim(&all, 0), LIMIT_max_connections);
	assert_int_equal(look(3), LIMIT_max_connections);
	limiter_return(&all.workers[1], 0); /* nobody was there to be accepted */
	assert_int_equal(look(3), LIMIT_NONE);
	assert_int_equal(limited_claim(&all, 3), LIMIT_NONE);
	(void)limiter_count_out(&all.workers[0], &r); /* a connection has ended */
	assert_int_equal(limited_claim(&all, 2), LIMIT_NONE);
	assert_int_equal(limited_claim(&all, 2), LIMIT_max_connections);
}

static void source__has_max_per_source__over_all_workers(void **state)
{
	struct record one = limited_record("192.0.2.1"), two = limited_record("192.0.2.2");

	(void)state;
	limited_begin(&all, "max_per_source", "2", NULL);
	limited_start_workers(&all);
	assert_int_equal(claim_source(0, &one), LIMIT_NONE);
	assert_true(one.is_counted);
	assert_int_equal(claim_source(1, &one), LIMIT_NONE);
	assert_int_equal(claim_source(2, &one), LIMIT_max_per_source);
	assert_int_equal(claim_source(2, &two), LIMIT_NONE);
	one.is_counted = true;
	assert_int_equal(limiter_count_out(&all.workers[1], &one),
			 limiter_source_key(&all.workers[1], &one));
	assert_int_equal(claim_source(2, &one), LIMIT_NONE);
}

/* IPv4-mapped addresses are IPv4 ones, as those of a socket for both. */
static void source__is_an_address__or_a_block_of_ipv6(void **state)
{
	static const struct {
		const char *one, *other;
		bool is_same;
	} rows[] = {
		{ "::1", "::2", true },
		{ "2001:db8::1", "2001:db8::ffff:ffff:ffff:ffff", true },
		{ "2001:db8::1", "2001:db8:0:1::1", false },
		{ "192.0.2.1", "::ffff:192.0.2.1", true },
		{ "192.0.2.1", "192.0.2.2", false },
		{ "::1", "0.0.0.0", false },
	};

	(void)state;
	limited_begin(&all, "max_per_source", "2", NULL);
	limited_start_workers(&all);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct record one = limited_record(rows[i].one);
		struct record other = limited_record(rows[i].other);
		uint64_t key = limiter_source_key(&all.workers[0], &one);

		assert_int_equal(key == limiter_source_key(&all.workers[0], &other),
				 rows[i].is_same);
		assert_int_equal(key, limiter_source_key(&all.workers[1], &one));
	}
}

static void source__of_a_wider_prefix__is_all_of_it(void **state)
{
	struct record one = limited_record("192.0.2.1"), other = limited_record("192.0.2.200");
	struct record six = limited_record("2001:db8::1"), far = limited_record("2001:db8:0:ff::1");

	(void)state;
	limited_begin(&all, "max_per_source", "2", "source_prefix4", "24", "source_prefix6", "48",
		      NULL);
	limited_start_workers(&all);
	assert_int_equal(limiter_source_key(&all.workers[0], &one),
			 limiter_source_key(&all.workers[0], &other));
	assert_int_equal(limiter_source_key(&all.workers[0], &six),
			 limiter_source_key(&all.workers[0], &far));
}

static void client__of_a_unix_socket__has_no_source(void **state)
{
	struct record r = { .remote.family = AF_UNIX };

	(void)state;
	limited_begin(&all, "max_per_source", "1", NULL);
	limited_start_workers(&all);
	for (unsigned i = 0; i < 5; i++)
		assert_int_equal(claim_source(0, &r), LIMIT_NONE);
	assert_false(r.is_counted);
}

/* The times are those of the loop's clock. */
static void rate__is_of_all_workers__and_names_when_to_look_again(void **state)
{
	int64_t due_ms;

	(void)state;
	limited_begin(&all, "rate", "10", "rate_burst", "2", "max_connections", "100", NULL);
	limited_start_workers(&all);
	assert_int_equal(limited_claim(&all, 0), LIMIT_NONE);
	assert_int_equal(limited_claim(&all, 1), LIMIT_NONE);
	assert_int_equal(limiter_claim(&all.workers[2], 0, LIMITED_US, &due_ms), LIMIT_rate);
	assert_int_equal(due_ms, LIMITED_MS + 100);
	assert_int_equal(limiter_look(&all.workers[2], 0, LIMITED_US + 99999, &due_ms), LIMIT_rate);
	assert_int_equal(limiter_claim(&all.workers[2], 0, LIMITED_US + 100000, &due_ms),
			 LIMIT_NONE);
	limiter_return(&all.workers[2], 0);
	assert_int_equal(limiter_claim(&all.workers[3], 0, LIMITED_US + 100000, &due_ms),
			 LIMIT_NONE);
}

/* What the rate refuses has no place either. */
static void place__that_the_rate_refuses__stays_free(void **state)
{
	(void)state;
	limited_begin(&all, "rate", "1", "rate_burst", "1", "max_connections", "2", NULL);
	limited_start_workers(&all);
	assert_int_equal(limited_claim(&all, 0), LIMIT_NONE);
	for (unsigned i = 0; i < 10; i++)
		assert_int_equal(limited_claim(&all, 1), LIMIT_rate);
}

static void source__beyond_its_rate__keeps_no_place(void **state)
{
	struct record r = limited_record("192.0.2.1"), later = r;
	int64_t due_ms;

	(void)state;
	limited_begin(&all, "rate_per_source", "10", "rate_per_source_burst", "1", "max_per_source",
		      "2", NULL);
	limited_start_workers(&all);
	assert_int_equal(claim_source(0, &r), LIMIT_NONE);
	for (unsigned i = 0; i < 10; i++)
		assert_int_equal(limiter_claim_source(&all.workers[1], &later,
						      limiter_source_key(&all.workers[1], &later),
						      true, LIMITED_US, &due_ms),
				 LIMIT_rate_per_source);
	assert_in_range(due_ms, LIMITED_MS + 100, LIMITED_MS + 101);
	assert_int_equal(limiter_claim_source(&all.workers[1], &later,
					      limiter_source_key(&all.workers[1], &later), true,
					      due_ms * 1000, &due_ms),
			 LIMIT_NONE);
}

/* The next worker of the slot counts what it has kept, and nothing is wrong meanwhile. */
static void worker__that_takes_over__counts_what_is_left(void **state)
{
	struct record r = limited_record("192.0.2.1");
	struct limiter next;

	(void)state;
	limited_begin(&all, "max_connections", "3", "max_per_source", "3", NULL);
	limited_start_workers(&all);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(limited_claim(&all, 0), LIMIT_NONE);
		assert_int_equal(claim_source(0, &r), LIMIT_NONE);
	}
	next = all.workers[0];
	assert_true(limiter_start(&next));
	assert_int_equal(limited_claim(&all, 1), LIMIT_max_connections);
	r.state = CONN_OPEN;
	limiter_count_in(&next, &r);
	r.state = CONN_WAITING; /* it has no part in its source yet */
	limiter_count_in(&next, &r);
	assert_false(r.is_counted);
	assert_int_equal(limited_claim(&all, 1), LIMIT_max_connections);
	limiter_publish(&next);
	assert_int_equal(limited_claim(&all, 1), LIMIT_NONE);
	assert_int_equal(limited_claim(&all, 1), LIMIT_max_connections);
	assert_int_equal(claim_source(1, &r), LIMIT_NONE);
	assert_int_equal(claim_source(1, &r), LIMIT_NONE);
	assert_int_equal(claim_source(1, &r), LIMIT_max_per_source);
	limiter_stop(&all.workers[0]);
	all.workers[0] = next;
}

/* Workers of an older generation, without limits, show their connections in the metrics. */
static void worker__of_a_generation_without_limits__counts_by_its_metrics(void **state)
{
	(void)state;
	limited_begin(&all, "max_connections", "5", NULL);
	limited_start_workers(&all);
	atomic_store(&all.board->infos[3].has_limits, 0);
	cell_set(&all.board->slots[3].tally.listeners[0].connections_live, 4);
	assert_int_equal(limited_claim(&all, 0), LIMIT_NONE);
	assert_int_equal(limited_claim(&all, 0), LIMIT_max_connections);
	cell_set(&all.board->slots[3].tally.listeners[0].connections_live, UINT64_MAX);
	assert_int_equal(limited_claim(&all, 0), LIMIT_NONE); /* garbage counts nothing */
	atomic_store(&all.board->infos[3].is_taken, 0);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(limited_claim(&all, 0), LIMIT_NONE);
	assert_int_equal(limited_claim(&all, 0), LIMIT_max_connections);
}

/* The oldest first, whichever worker has it; one that hangs holds nobody up. */
static void source__that_waits_elsewhere_for_longer__is_let_pass(void **state)
{
	struct record young = limited_record("192.0.2.1"), other = limited_record("192.0.2.2");
	uint64_t key;
	int64_t due_ms;

	(void)state;
	limited_begin(&all, "max_per_source", "10", NULL);
	limited_start_workers(&all);
	key = limiter_source_key(&all.workers[1], &young);
	limiter_show_waiting(&all.workers[1], key, young.opened_us - 1000000);
	assert_int_equal(limiter_claim_source(&all.workers[0], &young, key, true, LIMITED_US,
					      &due_ms),
			 LIMIT_max_per_source);
	assert_int_equal(due_ms, LIMITED_MS + LIMITER_LOOK_MS);
	assert_int_equal(claim_source(0, &other), LIMIT_NONE);
	assert_int_equal(claim_source(1, &young), LIMIT_NONE);
	limiter_show_waiting(&all.workers[1], key, young.opened_us + 1000000);
	assert_int_equal(claim_source(0, &young), LIMIT_NONE);
	limiter_show_waiting(&all.workers[1], key, young.opened_us - 1000000);
	atomic_store(&all.board->slots[1].heartbeat_ms, LIMITED_MS - 1000);
	assert_int_equal(claim_source(0, &young), LIMIT_NONE);
	atomic_store(&all.board->slots[1].heartbeat_ms, LIMITED_MS);
	atomic_store(&all.board->slots[1].state, SLOT_STARTING);
	assert_int_equal(claim_source(0, &young), LIMIT_NONE);
	atomic_store(&all.board->slots[1].state, SLOT_READY);
	limiter_show_waiting(&all.workers[1], key, 0);
	assert_int_equal(claim_source(0, &young), LIMIT_NONE);
	assert_int_equal(all.workers[1].counts.head->waiting, 0);
}

/* What is not shown is not counted either: it could never be taken back. */
static void source__that_cannot_be_shown__is_not_counted(void **state)
{
	struct limit_counts *counts;
	uint64_t word = 1, key;

	(void)state;
	limited_begin(&all, "max_per_source", "10", NULL);
	limited_start_workers(&all);
	counts = &all.workers[0].counts;
	while (limit_counts_add(counts, word << LIMIT_COUNTS_BITS))
		word++;
	key = limit_sum_waiting_key(word << LIMIT_COUNTS_BITS);
	limiter_show_waiting(&all.workers[0], key, LIMITED_US);
	limiter_show_waiting(&all.workers[0], key, LIMITED_US);
	assert_int_equal(counts->head->waiting, 0);
	limiter_show_waiting(&all.workers[0], key, 0);
	assert_int_equal(counts->head->waiting, 0);
}

static void source__at_its_limit__is_noted_once(void **state)
{
	struct record r = limited_record("192.0.2.1");
	const struct source_note *notes = all.board ? all.board->slots[0].sources : NULL;
	unsigned noted = 0;

	(void)state;
	limited_begin(&all, "max_per_source", "2", NULL);
	limited_start_workers(&all);
	notes = all.board->slots[0].sources;
	assert_int_equal(claim_source(0, &r), LIMIT_NONE);
	assert_int_equal(notes[0].key, 0);
	assert_int_equal(claim_source(0, &r), LIMIT_NONE);
	assert_int_equal(notes[0].key, limiter_source_key(&all.workers[0], &r));
	for (unsigned i = 0; i < 40; i++)
		assert_int_equal(claim_source(0, &r), LIMIT_max_per_source);
	for (unsigned i = 0; i < SLOT_SOURCES; i++)
		noted += notes[i].key != 0;
	assert_int_equal(noted, 1);
}

#define CASE(name) cmocka_unit_test_teardown(name, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(listener__without_limits__admits_all__and_counts_nothing),
		CASE(listener__has_max_connections__over_all_workers),
		CASE(source__has_max_per_source__over_all_workers),
		CASE(source__is_an_address__or_a_block_of_ipv6),
		CASE(source__of_a_wider_prefix__is_all_of_it),
		CASE(client__of_a_unix_socket__has_no_source),
		CASE(rate__is_of_all_workers__and_names_when_to_look_again),
		CASE(place__that_the_rate_refuses__stays_free),
		CASE(source__beyond_its_rate__keeps_no_place),
		CASE(worker__that_takes_over__counts_what_is_left),
		CASE(worker__of_a_generation_without_limits__counts_by_its_metrics),
		CASE(source__that_waits_elsewhere_for_longer__is_let_pass),
		CASE(source__that_cannot_be_shown__is_not_counted),
		CASE(source__at_its_limit__is_noted_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
