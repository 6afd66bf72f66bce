/* SPDX-License-Identifier: MIT */
/*
 * The status screen's answer to why an old worker is still there: the connections that it waits
 * for.
 */
#include <inttypes.h>
#include <stdio.h>

#include "ctl/status_parts.h"
#include "ctl/table.h"

enum { REMOTE, LISTEN, SERVICE, STATE, AGE, IDLE, BYTES_IN, BYTES_OUT };

static const struct column columns[TABLE_COLUMNS] = {
	[REMOTE] = { .head = "  remote", .is_left = true, .least = 20 },
	[LISTEN] = { .head = "listener", .is_left = true, .least = 12, .rank = 3 },
	[SERVICE] = { .head = "service", .is_left = true },
	[STATE] = { .head = "state", .is_left = true },
	[AGE] = { .head = "age" },
	[IDLE] = { .head = "idle" },
	[BYTES_IN] = { .head = "in", .rank = 1 },
	[BYTES_OUT] = { .head = "out", .rank = 2 },
};

struct waited {
	struct report_conn list[SLOT_NOTES];
};

static bool fill_row(void *owner, unsigned index, struct cell *cells)
{
	const struct report_conn *conn = &((const struct waited *)owner)->list[index];

	snprintf(cells[REMOTE].text, sizeof(cells[REMOTE].text), "  %s", conn->remote);
	table_set_text(&cells[LISTEN], STYLE_PLAIN, conn->listen);
	table_set_text(&cells[SERVICE], STYLE_PLAIN, conn->service);
	table_set_text(&cells[STATE], STYLE_PLAIN, conn->state);
	table_set_age(&cells[AGE], conn->age_ms / 1000);
	table_set_age(&cells[IDLE], conn->idle_ms / 1000);
	table_set_bytes(&cells[BYTES_IN], conn->bytes_in);
	table_set_bytes(&cells[BYTES_OUT], conn->bytes_out);
	return true;
}

static void show_worker(struct status_view *view, const struct report_worker *worker)
{
	struct waited waited;
	unsigned count = report_conns(view->report, worker->slot, waited.list, SLOT_NOTES);
	struct table table = { .most = count, .row = fill_row, .owner = &waited };

	for (unsigned c = 0; c < TABLE_COLUMNS; c++)
		table.columns[c] = columns[c];
	screen_say(view->screen, STYLE_WARN, "worker %u, slot %u, pid %u: %" PRId64 " connection%s",
		   worker->number, worker->slot, worker->pid, worker->live,
		   worker->live == 1 ? "" : "s");
	screen_end(view->screen);
	table_show(&table, view->screen);
	if (worker->live <= (int64_t)count)
		return;
	screen_say(view->screen, STYLE_DIM, "  and %" PRId64 " more",
		   worker->live - (int64_t)count);
	screen_end(view->screen);
}

void status_workers_write_draining(struct status_view *view)
{
	struct report_worker worker;
	bool has_title = false;

	for (unsigned i = 0; i < view->report->crew->count; i++) {
		if (!report_worker(view->report, view->report->crew->slots[i], &worker) ||
		    worker.state != SLOT_DRAINING)
			continue;
		if (!has_title)
			screen_title(view->screen, "DRAINING",
				     "told to leave; what each still waits for, the oldest first");
		has_title = true;
		show_worker(view, &worker);
	}
}
