/* SPDX-License-Identifier: MIT */
/* Writes the rows. A copy without a row, because all are in use, runs all the same. */
#include "master/program/program_board.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/process_tree.h"

#define STORE(field, value) atomic_store_explicit(&(field), (value), memory_order_relaxed)

enum {
	OTHER = SCOREBOARD_PROGRAMS - 1,
	CELLS = sizeof(struct program_tally) / sizeof(metric_cell)
};

static enum program_life find_life(const struct program_row *row)
{
	return atomic_load_explicit(&row->life, memory_order_relaxed);
}

static void name_row(struct program_row *row, const char *title)
{
	snprintf(row->title, sizeof(row->title), "%s", title);
	atomic_store_explicit(&row->life, PROGRAM_GONE, memory_order_release);
}

/* Adds the row's counts to the last row, so that no sum falls; its gauges are 0. */
static void vacate_row(struct program_row *rows, struct program_row *row)
{
	metric_cell *from = (metric_cell *)&row->tally;

	STORE(row->life, PROGRAM_NEVER);
	for (unsigned i = 0; i < CELLS; i++)
		cell_add((metric_cell *)&rows[OTHER].tally + i, cell_get(&from[i]));
	memset(&row->tally, 0, sizeof(row->tally));
	STORE(row->exited_s, 0);
	if (find_life(&rows[OTHER]) == PROGRAM_NEVER)
		name_row(&rows[OTHER], "other");
}

/* Its own, or a new one, or that of a program that is gone, or the last. */
static unsigned find_program_row(struct program_row *rows, const char *title)
{
	unsigned i;

	for (i = 0; i < OTHER; i++)
		if (find_life(&rows[i]) != PROGRAM_NEVER && strcmp(rows[i].title, title) == 0)
			return i;
	if (strcmp(title, "other") == 0)
		return OTHER;
	for (i = 0; i < OTHER; i++)
		if (find_life(&rows[i]) == PROGRAM_NEVER)
			return i;
	for (i = 0; i < OTHER && rows[i].users > 0; i++)
		;
	if (i < OTHER)
		vacate_row(rows, &rows[i]);
	return i;
}

void program_board_enlist(struct program *program)
{
	struct program_row *rows = program->board->programs;
	unsigned i = find_program_row(rows, program->conf->title);

	if (find_life(&rows[i]) == PROGRAM_NEVER)
		name_row(&rows[i], i < OTHER ? program->conf->title : "other");
	rows[i].users++;
	program->row = i;
}

void program_board_leave(const struct program *program)
{
	if (program->board)
		program->board->programs[program->row].users--;
}

void program_board_put_in_force(struct scoreboard *board, const struct program *list,
				unsigned count)
{
	for (unsigned i = 0; i < SCOREBOARD_PROGRAMS; i++)
		if (find_life(&board->programs[i]) != PROGRAM_NEVER)
			STORE(board->programs[i].life, PROGRAM_GONE);
	for (unsigned i = 0; i < count; i++)
		STORE(board->programs[list[i].row].life, PROGRAM_IN_FORCE);
	program_board_publish(board, list, count);
}

struct program_tally *program_board_tally(const struct program *program)
{
	return &program->board->programs[program->row].tally;
}

static struct copy_row *find_row(struct copy *copy)
{
	struct copy_row *rows = copy->program->board->copies;

	for (unsigned i = 0; copy->row == SCOREBOARD_COPIES && i < SCOREBOARD_COPIES; i++)
		if (atomic_load_explicit(&rows[i].is_taken, memory_order_relaxed) == 0) {
			STORE(rows[i].starts, 0);
			STORE(rows[i].exited_s, 0);
			copy->row = i;
		}
	return copy->row < SCOREBOARD_COPIES ? &rows[copy->row] : NULL;
}

void program_board_start(struct copy *copy)
{
	struct copy_row *row = find_row(copy);

	cell_add(&program_board_tally(copy->program)->program_starts_total, 1);
	if (!row)
		return;
	STORE(row->number, copy->member.number);
	STORE(row->generation, copy->program->generation);
	STORE(row->starts, atomic_load_explicit(&row->starts, memory_order_relaxed) + 1);
	STORE(row->started_ms, copy->member.started_ms);
	STORE(row->cpu_us, 0);
	STORE(row->memory_bytes, 0);
	row->status[0] = '\0';
	atomic_store_explicit(&row->is_taken, copy->program->row + 1, memory_order_release);
	program_board_note(copy);
}

static enum copy_state find_state(const struct member *member)
{
	if (member_is_hung(member))
		return COPY_HUNG;
	if (member_is_leaving(member))
		return COPY_STOPPING;
	if (member_is_ready(member))
		return COPY_READY;
	return member_is_running(member) ? COPY_STARTING : COPY_WAITING;
}

void program_board_note(struct copy *copy)
{
	struct copy_row *rows = copy->program->board->copies;

	if (copy->row == SCOREBOARD_COPIES)
		return;
	STORE(rows[copy->row].state, find_state(&copy->member));
	STORE(rows[copy->row].pid, (uint32_t)copy->member.pid);
	if (copy->member.state != MEMBER_EMPTY)
		return;
	atomic_store_explicit(&rows[copy->row].is_taken, 0, memory_order_release);
	copy->row = SCOREBOARD_COPIES;
}

void program_board_end(struct copy *copy, int status, bool is_crash)
{
	struct scoreboard *board = copy->program->board;
	struct program_row *row = &board->programs[copy->program->row];
	int64_t now_s = time(NULL);

	cell_add(&row->tally.program_crashes_total, is_crash);
	STORE(row->exit_status, (uint32_t)status);
	atomic_store_explicit(&row->exited_s, now_s, memory_order_release);
	if (copy->row == SCOREBOARD_COPIES)
		return;
	STORE(board->copies[copy->row].exit_status, (uint32_t)status);
	atomic_store_explicit(&board->copies[copy->row].exited_s, now_s, memory_order_release);
}

void program_board_tell(const struct copy *copy, const char *status)
{
	struct copy_row *rows = copy->program->board->copies;

	if (copy->row < SCOREBOARD_COPIES)
		snprintf(rows[copy->row].status, sizeof(rows[copy->row].status), "%s", status);
}

static void sample_copy(struct copy *copy)
{
	struct copy_row *rows = copy->program->board->copies;
	struct process_tree tree;

	if (!process_tree_read(copy->member.pid, &tree))
		return;
	copy->memory_bytes = tree.memory_bytes;
	if (tree.cpu_us > copy->cpu_us) {
		cell_add(&program_board_tally(copy->program)->program_cpu_seconds_total,
			 tree.cpu_us - copy->cpu_us);
		copy->cpu_us = tree.cpu_us;
	}
	if (copy->row == SCOREBOARD_COPIES)
		return;
	STORE(rows[copy->row].cpu_us, copy->cpu_us);
	STORE(rows[copy->row].memory_bytes, copy->memory_bytes);
}

void program_board_sample(struct program *program)
{
	for (unsigned i = 0; i < program->capacity; i++)
		if (program->copies[i].member.pid > 0)
			sample_copy(&program->copies[i]);
}

/* The gauges of one row. */
struct gauges {
	uint64_t copies, ready, memory;
};

static void add_gauges(struct gauges *to, const struct program *program)
{
	to->copies += program->wanted;
	for (unsigned i = 0; i < program->capacity; i++) {
		const struct copy *copy = &program->copies[i];

		to->ready += member_is_ready(&copy->member);
		to->memory += copy->member.pid > 0 ? copy->memory_bytes : 0;
	}
}

void program_board_publish(struct scoreboard *board, const struct program *list, unsigned count)
{
	struct gauges gauges[SCOREBOARD_PROGRAMS] = { 0 };

	for (unsigned i = 0; i < count; i++)
		add_gauges(&gauges[list[i].row], &list[i]);
	for (unsigned i = 0; i < SCOREBOARD_PROGRAMS; i++) {
		struct program_tally *tally = &board->programs[i].tally;

		cell_set(&tally->program_memory_bytes, gauges[i].memory);
		cell_set(&tally->program_copies, gauges[i].copies);
		cell_set(&tally->program_copies_ready, gauges[i].ready);
	}
}
