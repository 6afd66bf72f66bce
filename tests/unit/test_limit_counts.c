/* SPDX-License-Identifier: MIT */
/* The table of counts: what the writer writes, what readers see, and how long its runs become. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "stats/limit_counts.h"

enum { KEYS = 1000, FIRST_PLACES = 7 };

static struct limit_counts counts;
static struct limit_counts_head head;

static int set_up(void **state)
{
	uint32_t entries = limit_counts_entries(KEYS);

	(void)state;
	memset(&head, 0, sizeof(head));
	counts = (struct limit_counts){ .head = &head,
					.tables = calloc(2 * entries, sizeof(uint64_t)),
					.entries = entries };
	limit_counts_begin(&counts);
	limit_counts_publish(&counts);
	return counts.tables ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	free((void *)counts.tables);
	return 0;
}

/* Well mixed, as the keys of the limits are. */
static uint64_t key_of(uint64_t number)
{
	uint64_t x = number * UINT64_C(0x9e3779b97f4a7c15) + UINT64_C(0x7f4a7c159e3779b9);

	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

/* A key that has the same place as others of that number, and its own tag. */
static uint64_t key_at(uint32_t place, uint64_t tag)
{
	return (tag << 24 | place) << LIMIT_COUNTS_BITS;
}

static void entries__are_twice_the_keys_at_least(void **state)
{
	(void)state;
	for (uint32_t keys = 1; keys < 1100000; keys = keys * 3 / 2 + 1) {
		uint32_t entries = limit_counts_entries(keys);

		assert_true(entries >= 2 * keys && (entries & (entries - 1)) == 0);
	}
}

static void count__goes_up_and_down__and_is_seen(void **state)
{
	(void)state;
	assert_int_equal(limit_counts_get(&counts, key_of(1)), 0);
	assert_true(limit_counts_add(&counts, key_of(1)));
	assert_true(limit_counts_add(&counts, key_of(1)));
	assert_true(limit_counts_add(&counts, key_of(2)));
	assert_int_equal(limit_counts_get(&counts, key_of(1)), 2);
	assert_int_equal(limit_counts_own(&counts, key_of(2)), 1);
	assert_true(limit_counts_remove(&counts, key_of(1)));
	assert_int_equal(limit_counts_get(&counts, key_of(1)), 1);
	assert_true(limit_counts_remove(&counts, key_of(1)));
	assert_int_equal(limit_counts_get(&counts, key_of(1)), 0);
}

static void count__of_none__cannot_go_down(void **state)
{
	(void)state;
	assert_false(limit_counts_remove(&counts, key_of(1)));
	assert_true(limit_counts_set(&counts, key_of(1), LIMIT_COUNTS_MOST));
	assert_false(limit_counts_add(&counts, key_of(1)));
}

/* A key whose tag would be 0 has one of its own all the same. */
static void key__of_zero__is_a_key(void **state)
{
	(void)state;
	assert_true(limit_counts_add(&counts, 0));
	assert_int_equal(limit_counts_get(&counts, 0), 1);
	assert_true(limit_counts_remove(&counts, 0));
	assert_int_equal(limit_counts_get(&counts, 0), 0);
}

static unsigned used_words(void)
{
	unsigned used = 0;

	for (uint32_t i = 0; i < counts.entries; i++)
		used += counts.tables[(counts.epoch & 1) * counts.entries + i] != 0;
	assert_int_equal(counts.used, used);
	return used;
}

/* The keys of one place stand in a run; one in its middle that ends does not hide those behind. */
static void keys__of_one_place__are_found__whichever_ends_first(void **state)
{
	(void)state;
	for (unsigned gone = 1; gone <= FIRST_PLACES; gone++) {
		for (uint64_t tag = 1; tag <= FIRST_PLACES; tag++)
			assert_true(limit_counts_add(&counts, key_at(3, tag)));
		assert_true(limit_counts_remove(&counts, key_at(3, gone)));
		for (uint64_t tag = 1; tag <= FIRST_PLACES; tag++)
			assert_int_equal(limit_counts_get(&counts, key_at(3, tag)), tag != gone);
		for (uint64_t tag = 1; tag <= FIRST_PLACES; tag++)
			(void)limit_counts_remove(&counts, key_at(3, tag));
		assert_int_equal(used_words(), 0);
	}
}

static void word__of_a_key_that_has_ended__is_taken_over(void **state)
{
	(void)state;
	for (uint64_t tag = 1; tag <= 3; tag++)
		assert_true(limit_counts_add(&counts, key_at(3, tag)));
	assert_true(limit_counts_remove(&counts, key_at(3, 1)));
	assert_int_equal(used_words(), 3); /* it leads to the two behind it */
	assert_true(limit_counts_add(&counts, key_at(3, 9)));
	assert_int_equal(used_words(), 3);
	assert_int_equal(limit_counts_get(&counts, key_at(3, 1)), 0);
	assert_int_equal(limit_counts_get(&counts, key_at(3, 9)), 1);
}

static void run__over_the_end_of_the_table__goes_on_at_its_beginning(void **state)
{
	uint32_t last = counts.entries - 1;

	(void)state;
	for (uint64_t tag = 1; tag <= 3; tag++)
		assert_true(limit_counts_add(&counts, key_at(last, tag)));
	for (uint64_t tag = 1; tag <= 3; tag++)
		assert_int_equal(limit_counts_get(&counts, key_at(last, tag)), 1);
	for (uint64_t tag = 3; tag >= 1; tag--)
		assert_true(limit_counts_remove(&counts, key_at(last, tag)));
	assert_int_equal(used_words(), 0);
}

/* The counts of a book beside it, through a million changes of which a part lives for long. */
static void churn__of_a_million_keys__leaves_room_and_the_right_counts(void **state)
{
	static uint64_t live[KEYS];
	uint64_t random = 1;

	(void)state;
	memset(live, 0, sizeof(live));
	for (uint64_t i = 1; i <= 1000000; i++) {
		uint64_t *place;

		random = key_of(random);
		place = &live[(random >> 60 ? random % 50 : random) % KEYS]; /* most are short */
		if (*place != 0)
			assert_true(limit_counts_remove(&counts, key_of(*place)));
		*place = i;
		assert_true(limit_counts_add(&counts, key_of(i)));
	}
	for (unsigned i = 0; i < KEYS; i++)
		if (live[i] != 0)
			assert_int_equal(limit_counts_get(&counts, key_of(live[i])), 1);
	for (unsigned i = 0; i < KEYS; i++)
		if (live[i] != 0)
			assert_true(limit_counts_remove(&counts, key_of(live[i])));
	assert_int_equal(used_words(), 0);
}

/* Readers see what the dead worker had until the next one has counted all. */
static void worker__that_takes_over__shows_its_counts_at_once(void **state)
{
	struct limit_counts next = counts, reader = counts;

	(void)state;
	assert_true(limit_counts_add(&counts, key_of(1)));
	assert_true(limit_counts_add(&counts, key_of(1)));
	limit_counts_begin(&next);
	assert_int_equal(limit_counts_own(&next, key_of(1)), 0);
	assert_true(limit_counts_add(&next, key_of(1)));
	assert_true(limit_counts_add(&next, key_of(2)));
	assert_int_equal(limit_counts_get(&reader, key_of(1)), 2);
	assert_int_equal(limit_counts_get(&reader, key_of(2)), 0);
	limit_counts_publish(&next);
	assert_int_equal(limit_counts_get(&reader, key_of(1)), 1);
	assert_int_equal(limit_counts_get(&reader, key_of(2)), 1);
	/* and the one after that begins with nothing */
	limit_counts_begin(&counts);
	assert_int_equal(limit_counts_own(&counts, key_of(1)), 0);
	assert_int_equal(limit_counts_get(&reader, key_of(1)), 1);
}

/* Words of keys that have ended would fill the table: it is copied, and readers go on. */
static void table__full_of_keys_that_have_ended__is_copied(void **state)
{
	struct limit_counts reader = counts;
	uint32_t epoch = counts.epoch;

	(void)state;
	for (uint64_t i = 1; i <= KEYS / 2; i++)
		assert_true(limit_counts_add(&counts, key_of(i)));
	for (uint64_t i = KEYS; counts.epoch == epoch; i++) {
		assert_true(limit_counts_add(&counts, key_of(i)));
		if (i % 2 == 0)
			(void)limit_counts_remove(&counts, key_of(i - 1));
	}
	assert_int_equal(limit_counts_get(&reader, key_of(1)), 1);
	for (uint64_t i = 1; i <= KEYS / 2; i++)
		assert_int_equal(limit_counts_get(&reader, key_of(i)), 1);
}

static void slot__without_a_worker__counts_nothing(void **state)
{
	(void)state;
	assert_true(limit_counts_add(&counts, key_of(1)));
	limit_counts_clear(&counts);
	assert_int_equal(limit_counts_get(&counts, key_of(1)), 0);
}

/* A worker in an attacker's hands fills its own table, and names a table that is none. */
static void garbage__makes_no_walk_long__and_is_no_index(void **state)
{
	(void)state;
	memset((void *)counts.tables, 0xa5, 2 * counts.entries * sizeof(uint64_t));
	assert_int_equal(limit_counts_get(&counts, key_of(1)), 0);
	assert_false(limit_counts_add(&counts, key_of(1)));
	atomic_store(&head.epoch, UINT32_MAX);
	assert_int_equal(limit_counts_get(&counts, key_of(1)), 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(entries__are_twice_the_keys_at_least),
		CASE(count__goes_up_and_down__and_is_seen),
		CASE(count__of_none__cannot_go_down),
		CASE(key__of_zero__is_a_key),
		CASE(keys__of_one_place__are_found__whichever_ends_first),
		CASE(word__of_a_key_that_has_ended__is_taken_over),
		CASE(run__over_the_end_of_the_table__goes_on_at_its_beginning),
		CASE(churn__of_a_million_keys__leaves_room_and_the_right_counts),
		CASE(worker__that_takes_over__shows_its_counts_at_once),
		CASE(table__full_of_keys_that_have_ended__is_copied),
		CASE(slot__without_a_worker__counts_nothing),
		CASE(garbage__makes_no_walk_long__and_is_no_index),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
