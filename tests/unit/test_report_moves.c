/* SPDX-License-Identifier: MIT */
/* Tests of stats/report and report_worker: what moved between workers, and what could not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

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

static void stays__are_of_the_slot_alone_and_in_the_order_of_the_table(void **state)
{
	struct scoreboard *board = board_typical();
	struct report report = board_report(board);
	metric_cell *cells = board->slots[2].tally.connections_not_moved_total;
	char text[REPORT_STAYS];

	(void)state;
	assert_string_equal(report_stay_list(&report, 0, text), "");
	assert_string_equal(report_stay_list(&report, 2, text), "2 too_large");
	cell_set(&board->past[2].tally.connections_not_moved_total[STAY_no_room], 5);
	cell_set(&cells[STAY_options_changed], 9812);
	assert_string_equal(report_stay_list(&report, 2, text),
			    "9,812 options_changed, 2 too_large");
	assert_int_equal(report_stays(&report, 2, STAY_options_changed), 9812);
	free(board);
}

static void stays__of_numbers_that_cannot_be__are_left_out(void **state)
{
	struct scoreboard *board = board_new();
	struct report report = board_report(board);
	char text[REPORT_STAYS];

	(void)state;
	for (unsigned i = 0; i < STAY_REASONS; i++)
		cell_set(&board->slots[0].tally.connections_not_moved_total[i],
			 i == STAY_damaged ? METRIC_MOST + 1 : METRIC_MOST);
	report_stay_list(&report, 0, text);
	assert_null(strstr(text, "damaged"));
	assert_non_null(strstr(text, ", 9,223,372,036,854,775,807 unanswered"));
	free(board);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(moves__are_told_in_one_or_many),
		cmocka_unit_test(stays__are_of_the_slot_alone_and_in_the_order_of_the_table),
		cmocka_unit_test(stays__of_numbers_that_cannot_be__are_left_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
