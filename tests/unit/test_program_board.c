/* SPDX-License-Identifier: MIT */
/* Tests of master/program/program_board: which row a program has, and what is summed up there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "master/program/program_board.h"
#include "stats/report.h"
#include "unit/board.h"

enum { OTHER = SCOREBOARD_PROGRAMS - 1, MANY = SCOREBOARD_PROGRAMS + 2, COPIES = 2 };

/* Programs "0", "1" ... of one generation, with two copies each; no process. */
struct scene {
	struct scoreboard *board;
	struct program programs[MANY];
	struct program_conf confs[MANY];
	struct copy copies[MANY][COPIES];
	char titles[MANY][8];
};

static int open_scene(void **state)
{
	struct scene *scene = calloc(1, sizeof(*scene));

	assert_non_null(scene);
	scene->board = board_new();
	for (unsigned i = 0; i < MANY; i++) {
		snprintf(scene->titles[i], sizeof(scene->titles[i]), "%u", i);
		scene->confs[i].title = scene->titles[i];
		scene->programs[i] = (struct program){ .conf = &scene->confs[i],
						       .board = scene->board,
						       .copies = scene->copies[i],
						       .wanted = COPIES,
						       .capacity = COPIES };
	}
	*state = scene;
	return 0;
}

static int close_scene(void **state)
{
	struct scene *scene = *state;

	free(scene->board);
	free(scene);
	return 0;
}

static void enlist(struct scene *scene, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		program_board_enlist(&scene->programs[i]);
	program_board_put_in_force(scene->board, scene->programs, count);
}

static void programs__beyond_the_rows__share_the_last_one_and_its_sums(void **state)
{
	struct scene *scene = *state;
	const struct program_row *rows = scene->board->programs;

	for (unsigned i = 0; i < MANY; i++)
		scene->copies[i][1].member.state = MEMBER_READY;
	enlist(scene, MANY);
	for (unsigned i = 0; i < MANY; i++)
		assert_int_equal(scene->programs[i].row, i < OTHER ? i : OTHER);
	assert_string_equal(rows[OTHER].title, "other");
	assert_int_equal(cell_get(&rows[0].tally.program_copies), COPIES);
	assert_int_equal(cell_get(&rows[OTHER].tally.program_copies), (MANY - OTHER) * COPIES);
	assert_int_equal(cell_get(&rows[OTHER].tally.program_copies_ready), MANY - OTHER);
	program_board_put_in_force(scene->board, scene->programs, 1);
	assert_int_equal(cell_get(&rows[OTHER].tally.program_copies), 0);
	assert_int_equal(rows[OTHER].life, PROGRAM_GONE);
}

static void program__that_is_named_other__has_the_last_row(void **state)
{
	struct scene *scene = *state;

	scene->confs[0].title = (char[]){ "other" };
	enlist(scene, MANY);
	assert_int_equal(scene->programs[0].row, OTHER);
	assert_int_equal(scene->programs[1].row, 0);
}

static void row__of_a_title_that_no_generation_has__is_used_again(void **state)
{
	struct scene *scene = *state;
	struct program_row *rows = scene->board->programs;
	struct program fresh = scene->programs[MANY - 1];

	enlist(scene, OTHER);
	cell_add(&program_board_tally(&scene->programs[3])->program_crashes_total, 5);
	program_board_enlist(&fresh);
	assert_int_equal(fresh.row, OTHER);
	program_board_leave(&fresh);
	program_board_leave(&scene->programs[3]);
	program_board_enlist(&fresh);
	assert_int_equal(fresh.row, 3);
	assert_string_equal(rows[3].title, fresh.conf->title);
	assert_int_equal(cell_get(&rows[3].tally.program_crashes_total), 0);
	assert_int_equal(cell_get(&rows[OTHER].tally.program_crashes_total), 5);
	assert_int_equal(rows[3].exited_s, 0);
}

static void row__of_a_title_that_another_generation_has__stays(void **state)
{
	struct scene *scene = *state;
	struct program old = scene->programs[3];

	program_board_enlist(&old);
	enlist(scene, OTHER);
	assert_int_equal(scene->programs[3].row, old.row);
	program_board_leave(&scene->programs[3]);
	program_board_enlist(&scene->programs[OTHER]);
	assert_int_equal(scene->programs[OTHER].row, OTHER);
	program_board_leave(&old);
	program_board_enlist(&scene->programs[OTHER]);
	assert_int_equal(scene->programs[OTHER].row, old.row);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, open_scene, close_scene)

static void start_copy(struct scene *scene, unsigned number)
{
	struct copy *copy = &scene->copies[0][number];

	copy->program = &scene->programs[0];
	copy->row = SCOREBOARD_COPIES;
	copy->member = (struct member){ .number = number, .state = MEMBER_STARTING };
	program_board_start(copy);
}

static struct report_copy read_copy(struct scene *scene, unsigned number)
{
	struct report report = { .board = scene->board, .now_s = time(NULL) };
	struct report_copy copy;

	assert_true(report_copy(&report, scene->copies[0][number].row, &copy));
	assert_int_equal(copy.number, number);
	return copy;
}

static void copy__that_has_ended__tells_how_after_its_restart(void **state)
{
	struct scene *scene = *state;

	enlist(scene, 1);
	start_copy(scene, 0);
	start_copy(scene, 1);
	program_board_end(&scene->copies[0][1], 7 << 8, true);
	program_board_start(&scene->copies[0][1]);
	assert_string_equal(read_copy(scene, 0).last_exit, "");
	assert_int_equal(strncmp(read_copy(scene, 1).last_exit, "exit code 7, ", 13), 0);
	assert_int_equal(read_copy(scene, 1).restarts, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(programs__beyond_the_rows__share_the_last_one_and_its_sums),
		CASE(program__that_is_named_other__has_the_last_row),
		CASE(row__of_a_title_that_no_generation_has__is_used_again),
		CASE(row__of_a_title_that_another_generation_has__stays),
		CASE(copy__that_has_ended__tells_how_after_its_restart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
