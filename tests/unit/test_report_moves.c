/* SPDX-License-Identifier: MIT */
/* Tests of stats/report and report_worker: what moved between workers, and what could not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "unit/board.h"

static void moves__are_told_in_one_or_many(void **state)
{
	static const struct {
		uint32_t moved, staying;
		const char *text;
	} rows[] = {
		{ 0, 0, "0 connections moved" },
		{ 1, 0, "1 connection moved" },
		{ 0, 1, "0 connections moved, 1 finishes in an old worker" },
		{ 9812, 3, "9,812 connections moved, 3 finish in old workers" },
		{ UINT32_MAX, UINT32_MAX,
		  "4,294,967,295 connections moved, 4,294,967,295 finish in old workers" },
	};
	char text[REPORT_MOVES];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct outcome outcome = { .moved = rows[i].moved, .staying = rows[i].staying };

		assert_string_equal(report_moves(&outcome, text), rows[i].text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(moves__are_told_in_one_or_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
