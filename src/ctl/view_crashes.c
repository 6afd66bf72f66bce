/* SPDX-License-Identifier: MIT */
/*
 * The status screen's last crashes, and the addresses that are refused for having had a part in too
 * many.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ctl/status_parts.h"
#include "ctl/table.h"

enum { WHEN, WORKER, PID, WHAT, SERVICE, REMOTE, STATE, CALL, AGE };

static const struct column crash_columns[TABLE_COLUMNS] = {
	[WHEN] = { .head = "ago" },
	[WORKER] = { .head = "worker" },
	[PID] = { .head = "pid", .rank = 5 },
	[WHAT] = { .head = "died of", .is_left = true },
	[SERVICE] = { .head = "service", .is_left = true, .rank = 1 },
	[REMOTE] = { .head = "in hand", .is_left = true, .least = 21 },
	[STATE] = { .head = "state", .is_left = true, .rank = 3 },
	[CALL] = { .head = "last call", .is_left = true, .rank = 2 },
	[AGE] = { .head = "its age", .rank = 4 },
};

static bool fill_crash(void *owner, unsigned index, struct cell *cells)
{
	const struct status_view *view = owner;
	struct crash_note note;
	char cause[16];

	if (!report_crash(view->report, index, &note))
		return false;
	table_set_age(&cells[WHEN], report_since(view->report->now_s, note.at_s));
	snprintf(cells[WORKER].text, sizeof(cells[WORKER].text), "%u", note.worker);
	snprintf(cells[PID].text, sizeof(cells[PID].text), "%u", note.pid);
	table_set_text(&cells[WHAT], STYLE_BAD, report_cause(&note, cause));
	table_set_text(&cells[CALL], STYLE_PLAIN, note.last_call);
	if (note.remote[0] == '\0') {
		table_set_text(&cells[REMOTE], STYLE_DIM, "nobody");
		return true;
	}
	table_set_text(&cells[SERVICE], STYLE_PLAIN, note.service);
	table_set_text(&cells[REMOTE], STYLE_PLAIN, note.remote);
	table_set_text(&cells[STATE], STYLE_PLAIN, note.state);
	table_set_age(&cells[AGE], note.age_ms / 1000);
	return true;
}

void status_workers_write_crashes(struct status_view *view)
{
	uint32_t count =
		atomic_load_explicit(&view->report->board->crash_count, memory_order_relaxed);
	struct table table = { .most = SCOREBOARD_CRASHES, .row = fill_crash, .owner = view };
	struct crash_note last;

	if (!report_crash(view->report, 0, &last))
		return;
	for (unsigned c = 0; c < TABLE_COLUMNS; c++)
		table.columns[c] = crash_columns[c];
	screen_title(view->screen, "CRASHES",
		     count >= SCOREBOARD_CRASHES ? "the last ones, the newest first" :
						   "the newest first");
	table_show(&table, view->screen);
}

enum { NET, LEFT };

static const struct column penalty_columns[TABLE_COLUMNS] = {
	[NET] = { .head = "address", .is_left = true, .least = 20 },
	[LEFT] = { .head = "refused for another" },
};

static bool fill_penalty(void *owner, unsigned index, struct cell *cells)
{
	const struct status_view *view = owner;
	struct report_penalty penalty;

	if (!report_penalty(view->report, index, &penalty))
		return false;
	table_set_text(&cells[NET], STYLE_WARN, penalty.net);
	table_set_age(&cells[LEFT], penalty.left_ms / 1000);
	return true;
}

void status_listeners_write_bans(struct status_view *view)
{
	struct table table = { .most = BAN_PLACES, .row = fill_penalty, .owner = view };
	struct report_penalty penalty;
	bool is_any = false;

	for (unsigned i = 0; i < BAN_PLACES && !is_any; i++)
		is_any = report_penalty(view->report, i, &penalty);
	if (!is_any)
		return;
	for (unsigned c = 0; c < TABLE_COLUMNS; c++)
		table.columns[c] = penalty_columns[c];
	screen_title(view->screen, "PENALTIES",
		     "refused for having had connections in hand in crashes");
	table_show(&table, view->screen);
}
