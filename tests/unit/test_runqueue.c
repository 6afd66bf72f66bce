/* SPDX-License-Identifier: MIT */
/* The run queue: order, removal from the middle, and no connection in it twice. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "worker/runqueue.h"

enum { MOST = 5 };

static void assert_pops(struct runqueue *queue, uint32_t wanted)
{
	uint32_t index = MOST;

	assert_true(runqueue_pop(queue, &index));
	assert_int_equal(index, wanted);
	assert_false(runqueue_has(queue, wanted));
}

static void empty_queue__pops_nothing(void **state)
{
	struct runqueue queue;
	uint32_t index;

	(void)state;
	assert_true(runqueue_start(&queue, MOST));
	assert_true(runqueue_is_empty(&queue));
	assert_false(runqueue_pop(&queue, &index));
	runqueue_remove(&queue, 3); /* not in it */
	assert_true(runqueue_is_empty(&queue));
	runqueue_stop(&queue);
}

static void pushed__in_any_order__pops_first_in_first_out(void **state)
{
	static const uint32_t order[MOST] = { 4, 0, 2, 1, 3 };
	struct runqueue queue;

	(void)state;
	assert_true(runqueue_start(&queue, MOST));
	for (unsigned round = 0; round < 2; round++) {
		for (unsigned i = 0; i < MOST; i++)
			runqueue_push(&queue, order[i]);
		assert_false(runqueue_is_empty(&queue));
		for (unsigned i = 0; i < MOST; i++)
			assert_pops(&queue, order[i]);
		assert_true(runqueue_is_empty(&queue));
	}
	runqueue_stop(&queue);
}

static void pushed_again__keeps_its_place(void **state)
{
	struct runqueue queue;

	(void)state;
	assert_true(runqueue_start(&queue, MOST));
	runqueue_push(&queue, 1);
	runqueue_push(&queue, 2);
	runqueue_push(&queue, 1);
	assert_pops(&queue, 1);
	assert_pops(&queue, 2);
	assert_true(runqueue_is_empty(&queue));
	runqueue_stop(&queue);
}

static void removed__first_last_and_between__leaves_the_others_in_order(void **state)
{
	(void)state;
	for (uint32_t gone = 0; gone < MOST; gone++) {
		struct runqueue queue;

		assert_true(runqueue_start(&queue, MOST));
		for (uint32_t i = 0; i < MOST; i++)
			runqueue_push(&queue, i);
		runqueue_remove(&queue, gone);
		assert_false(runqueue_has(&queue, gone));
		for (uint32_t i = 0; i < MOST; i++)
			if (i != gone)
				assert_pops(&queue, i);
		assert_true(runqueue_is_empty(&queue));
		runqueue_stop(&queue);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(empty_queue__pops_nothing),
		cmocka_unit_test(pushed__in_any_order__pops_first_in_first_out),
		cmocka_unit_test(pushed_again__keeps_its_place),
		cmocka_unit_test(removed__first_last_and_between__leaves_the_others_in_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
