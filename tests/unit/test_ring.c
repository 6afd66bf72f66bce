/* SPDX-License-Identifier: MIT */
/* The ring: order, removal from the middle, and no index in it twice. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/ring.h"

enum { MOST = 5 };

static void assert_pops(struct ring *ring, uint32_t wanted)
{
	uint32_t index = MOST;

	assert_true(ring_pop(ring, &index));
	assert_int_equal(index, wanted);
	assert_false(ring_has(ring, wanted));
}

static void empty_ring__pops_nothing(void **state)
{
	struct ring ring;
	uint32_t index;

	(void)state;
	assert_true(ring_start(&ring, MOST));
	assert_true(ring_is_empty(&ring));
	assert_false(ring_pop(&ring, &index));
	ring_remove(&ring, 3); /* not in it */
	assert_true(ring_is_empty(&ring));
	ring_stop(&ring);
}

static void pushed__in_any_order__pops_first_in_first_out(void **state)
{
	static const uint32_t order[MOST] = { 4, 0, 2, 1, 3 };
	struct ring ring;

	(void)state;
	assert_true(ring_start(&ring, MOST));
	for (unsigned round = 0; round < 2; round++) {
		for (unsigned i = 0; i < MOST; i++)
			ring_push(&ring, order[i]);
		assert_false(ring_is_empty(&ring));
		for (unsigned i = 0; i < MOST; i++)
			assert_pops(&ring, order[i]);
		assert_true(ring_is_empty(&ring));
	}
	ring_stop(&ring);
}

static void pushed_again__keeps_its_place(void **state)
{
	struct ring ring;

	(void)state;
	assert_true(ring_start(&ring, MOST));
	ring_push(&ring, 1);
	ring_push(&ring, 2);
	ring_push(&ring, 1);
	assert_pops(&ring, 1);
	assert_pops(&ring, 2);
	assert_true(ring_is_empty(&ring));
	ring_stop(&ring);
}

static void removed__first_last_and_between__leaves_the_others_in_order(void **state)
{
	(void)state;
	for (uint32_t gone = 0; gone < MOST; gone++) {
		struct ring ring;

		assert_true(ring_start(&ring, MOST));
		for (uint32_t i = 0; i < MOST; i++)
			ring_push(&ring, i);
		ring_remove(&ring, gone);
		assert_false(ring_has(&ring, gone));
		for (uint32_t i = 0; i < MOST; i++)
			if (i != gone)
				assert_pops(&ring, i);
		assert_true(ring_is_empty(&ring));
		ring_stop(&ring);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(empty_ring__pops_nothing),
		cmocka_unit_test(pushed__in_any_order__pops_first_in_first_out),
		cmocka_unit_test(pushed_again__keeps_its_place),
		cmocka_unit_test(removed__first_last_and_between__leaves_the_others_in_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
