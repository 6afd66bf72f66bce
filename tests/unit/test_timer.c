/* SPDX-License-Identifier: MIT */
/* Tests of base/timer: order, moving, cancelling, waiting. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <limits.h>
#include <stdlib.h>

#include "base/timer.h"

enum { MANY = 2000 };

static void pop__gives_the_due_ones_in_order(void **state)
{
	struct timer_node nodes[3] = { { 0 } };
	struct timer_heap heap;

	(void)state;
	assert_true(timer_heap_new(&heap, 3));
	timer_set(&heap, &nodes[0], 300);
	timer_set(&heap, &nodes[1], 100);
	timer_set(&heap, &nodes[2], 200);
	assert_null(timer_pop(&heap, 99));
	assert_ptr_equal(timer_pop(&heap, 250), &nodes[1]);
	assert_ptr_equal(timer_pop(&heap, 250), &nodes[2]);
	assert_null(timer_pop(&heap, 250));
	assert_false(timer_is_set(&nodes[1]));
	assert_true(timer_is_set(&nodes[0]));
	timer_heap_free(&heap);
}

static void set__again__moves_both_ways(void **state)
{
	struct timer_node nodes[2] = { { 0 } };
	struct timer_heap heap;

	(void)state;
	assert_true(timer_heap_new(&heap, 2));
	timer_set(&heap, &nodes[0], 100);
	timer_set(&heap, &nodes[1], 200);
	timer_set(&heap, &nodes[0], 300);
	assert_int_equal(heap.count, 2);
	assert_ptr_equal(timer_pop(&heap, 1000), &nodes[1]);
	timer_set(&heap, &nodes[1], 400);
	timer_set(&heap, &nodes[1], 50);
	assert_ptr_equal(timer_pop(&heap, 1000), &nodes[1]);
	assert_ptr_equal(timer_pop(&heap, 1000), &nodes[0]);
	timer_heap_free(&heap);
}

static void cancel__of_one_not_set__does_nothing(void **state)
{
	struct timer_node node = { 0 };
	struct timer_heap heap;

	(void)state;
	assert_true(timer_heap_new(&heap, 1));
	timer_cancel(&heap, &node);
	timer_set(&heap, &node, 1);
	timer_cancel(&heap, &node);
	timer_cancel(&heap, &node);
	assert_int_equal(heap.count, 0);
	assert_null(timer_pop(&heap, INT64_MAX));
	timer_heap_free(&heap);
}

static void wait__is_bounded_on_both_sides(void **state)
{
	struct timer_node node = { 0 };
	struct timer_heap heap;

	(void)state;
	assert_true(timer_heap_new(&heap, 1));
	assert_int_equal(timer_wait_ms(&heap, 0, -1), -1);
	assert_int_equal(timer_wait_ms(&heap, 0, 500), 500);
	timer_set(&heap, &node, 1000);
	assert_int_equal(timer_wait_ms(&heap, 400, -1), 600);
	assert_int_equal(timer_wait_ms(&heap, 400, 500), 500);
	assert_int_equal(timer_wait_ms(&heap, 1000, 500), 0);
	assert_int_equal(timer_wait_ms(&heap, 5000, -1), 0);
	timer_set(&heap, &node, INT64_MAX);
	assert_int_equal(timer_wait_ms(&heap, 0, -1), INT_MAX);
	timer_heap_free(&heap);
}

/* A fixed series of random steps, after which everything must come out in order and once. */
static void many_steps__leave_the_heap_in_order(void **state)
{
	struct timer_node *nodes = calloc(MANY, sizeof(*nodes));
	unsigned seed = 12345;
	struct timer_heap heap;
	int64_t last = -1;

	(void)state;
	assert_non_null(nodes);
	assert_true(timer_heap_new(&heap, MANY));
	for (int i = 0; i < 20 * MANY; i++) {
		struct timer_node *node = &nodes[(unsigned)rand_r(&seed) % MANY];

		if (rand_r(&seed) % 4 == 0)
			timer_cancel(&heap, node);
		else
			timer_set(&heap, node, rand_r(&seed) % 10000);
	}
	for (uint32_t left = heap.count; left > 0; left--) {
		struct timer_node *popped = timer_pop(&heap, INT64_MAX);

		assert_non_null(popped);
		assert_true(popped->due_ms >= last);
		last = popped->due_ms;
	}
	for (int i = 0; i < MANY; i++)
		assert_false(timer_is_set(&nodes[i]));
	timer_heap_free(&heap);
	free(nodes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pop__gives_the_due_ones_in_order),
		cmocka_unit_test(set__again__moves_both_ways),
		cmocka_unit_test(cancel__of_one_not_set__does_nothing),
		cmocka_unit_test(wait__is_bounded_on_both_sides),
		cmocka_unit_test(many_steps__leave_the_heap_in_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
