/* SPDX-License-Identifier: MIT */
/* The programs on the status screen, with their copies. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ctl/status_screen.h"
#include "ctl/table.h"

enum {
	COPY_PROGRAM,
	COPY_NUMBER,
	COPY_PID,
	COPY_STATE,
	COPY_AGE,
	COPY_RESTARTS,
	COPY_CPU,
	COPY_MEMORY,
	COPY_LAST_EXIT,
	COPY_STATUS
};

static const struct column copy_columns[TABLE_COLUMNS] = {
	[COPY_PROGRAM] = { .head = "program", .is_left = true, .min_width = 12 },
	[COPY_NUMBER] = { .head = "copy" },
	[COPY_PID] = { .head = "pid" },
	[COPY_STATE] = { .head = "state", .is_left = true },
	[COPY_AGE] = { .head = "age", .rank = 2 },
	[COPY_RESTARTS] = { .head = "restarts", .rank = 3 },
	[COPY_CPU] = { .head = "cpu%", .rank = 1 },
	[COPY_MEMORY] = { .head = "memory", .rank = 1 },
	[COPY_LAST_EXIT] = { .head = "last exit", .is_left = true, .rank = 5, .is_rare = true },
	[COPY_STATUS] = { .head = "status",
			  .is_left = true,
			  .min_width = 12,
			  .rank = 4,
			  .is_rare = true },
};

static bool fill_copy(void *owner, unsigned index, struct cell *cells)
{
	const struct status_view *view = owner;
	struct report_copy copy;
	bool is_ready;

	if (!report_copy(view->report, index, &copy))
		return false;
	is_ready = strcmp(copy.state, "ready") == 0;
	table_set_text(&cells[COPY_PROGRAM], STYLE_PLAIN, copy.program);
	table_set_number(&cells[COPY_NUMBER], copy.number);
	table_set_text(&cells[COPY_STATE], is_ready ? STYLE_GOOD : STYLE_WARN, copy.state);
	table_set_count(&cells[COPY_RESTARTS], STYLE_PLAIN, copy.restarts);
	table_set_text(&cells[COPY_LAST_EXIT], STYLE_PLAIN, copy.last_exit);
	table_set_text(&cells[COPY_STATUS], STYLE_PLAIN, copy.status);
	if (copy.pid == 0)
		return true;
	table_set_number(&cells[COPY_PID], copy.pid);
	table_set_age(&cells[COPY_AGE], copy.age_s);
	table_set_bytes(&cells[COPY_MEMORY], copy.memory_bytes);
	if (copy.age_s > 0)
		snprintf(cells[COPY_CPU].text, sizeof(cells[COPY_CPU].text), "%.1f",
			 (double)copy.cpu_us / 10000 / (double)copy.age_s);
	return true;
}

static void write_crashes(struct status_view *view, const struct report_program *program)
{
	uint64_t crashes = cell_get(&program->tally.program_crashes_total);
	uint64_t lost = cell_get(&program->tally.program_output_lost_total);

	if (program->is_gone || crashes + lost == 0)
		return;
	lines_printf(view->lines, STYLE_WARN, "%s: ", program->title);
	lines_printf(view->lines, STYLE_PLAIN, "%" PRIu64 " ended unasked or were killed", crashes);
	if (program->last_exit[0] != '\0')
		lines_printf(view->lines, STYLE_PLAIN, "; the last end: %s", program->last_exit);
	if (lost > 0)
		lines_printf(view->lines, STYLE_PLAIN, "; %" PRIu64 " lines of output lost", lost);
	lines_end_line(view->lines);
}

void status_programs_write(struct status_view *view)
{
	struct table table = { .row_count = SCOREBOARD_COPIES,
			       .fill_row = fill_copy,
			       .owner = view };
	struct report_program program;
	bool is_any = false;

	for (unsigned i = 0; i < SCOREBOARD_PROGRAMS; i++)
		is_any = is_any || report_program(view->report, i, &program);
	if (!is_any)
		return;
	memcpy(table.columns, copy_columns, sizeof(table.columns));
	lines_title(view->lines, "PROGRAMS", "cpu%: the mean since each copy was started");
	if (table_write(&table, view->lines) == 0) {
		lines_put(view->lines, STYLE_WARN, "no copy lives");
		lines_end_line(view->lines);
	}
	for (unsigned i = 0; i < SCOREBOARD_PROGRAMS; i++)
		if (report_program(view->report, i, &program))
			write_crashes(view, &program);
}
