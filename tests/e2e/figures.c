/* SPDX-License-Identifier: MIT */
/* Reads a running server's scoreboard from outside. It must not write to it. */
#include "figures.h"

#include <time.h>

#include "harness.h"
#include "stats/report.h"
#include "stats/tally.h"
#include "unit/board.h"

static const struct scoreboard *view(struct server *s)
{
	char path[128];
	struct err err;
	const struct scoreboard *board =
		scoreboard_view(scoreboard_path(s->pid_file, path, sizeof(path)), &err);

	if (!board)
		server_fail(s, "%s", err.text);
	return board;
}

/* The length of the series' name in the line, without a histogram's suffix. */
static size_t name_length(const char *line)
{
	size_t n = strcspn(line, "{ ");

	if (n > 6 && strncmp(line + n - 6, "_count", 6) == 0)
		n -= 6;
	return n;
}

static void take(struct figures *figures, const char *line)
{
	static const char prefix[] = "prefork_";
	size_t skip = sizeof(prefix) - 1, n = name_length(line);
	const char *value = strchr(line, '}');

	if (strncmp(line, prefix, skip) != 0)
		return;
	value = value && value < line + strcspn(line, "\n") ? value + 1 : strchr(line, ' ');
	for (unsigned m = 0; m < METRIC_COUNT; m++)
		if (strlen(metric_rows[m].name) == n - skip &&
		    strncmp(metric_rows[m].name, line + skip, n - skip) == 0)
			figures->of[m] += strtod(value, NULL);
}

void figures_read(struct server *s, struct figures *figures)
{
	const struct scoreboard *board = view(s);
	struct report report = {
		.board = board, .now_ms = clock_ms(), .now_s = time(NULL), .is_alive = true
	};
	char *text = board_write(&report, report_metrics, report_metrics_count, 1 << 16);

	*figures = (struct figures){ 0 };
	for (const char *line = text; *line; line += strcspn(line, "\n") + 1)
		take(figures, line);
	free(text);
	scoreboard_unview(board);
}

void figures_tally(struct server *s, struct worker_tally *tally)
{
	const struct scoreboard *board = view(s);

	tally_total(board, tally);
	scoreboard_unview(board);
}

int64_t figures_reload_left_ms(struct server *s)
{
	const struct scoreboard *board = view(s);
	int64_t due_ms = scoreboard_request_due_ms(&board->reload, board->reload.begun, 0, 0);

	scoreboard_unview(board);
	return due_ms - clock_ms();
}

static bool do_agree(struct server *s, struct figures *now)
{
	figures_read(s, now);
	return now->of[METRIC_connections_accepted_total] ==
		       now->of[METRIC_connections_ended_total] + now->of[METRIC_connections_live] &&
	       now->of[METRIC_connections_moved_in_total] ==
		       now->of[METRIC_connections_moved_out_total];
}

/* A worker that just ends a connection has counted the one and not yet the other. */
void figures_check(struct server *s)
{
	int64_t until_ms = clock_ms() + WAIT_MS;
	struct figures now;

	while (!do_agree(s, &now)) {
		if (clock_ms() > until_ms)
			server_fail(s,
				    "%.0f accepted, %.0f ended, %.0f live; %.0f moved in, %.0f out",
				    now.of[METRIC_connections_accepted_total],
				    now.of[METRIC_connections_ended_total],
				    now.of[METRIC_connections_live],
				    now.of[METRIC_connections_moved_in_total],
				    now.of[METRIC_connections_moved_out_total]);
		harness_tick();
	}
}

static void count_worker(const struct scoreboard *board, unsigned slot, unsigned newest,
			 struct crew *crew)
{
	uint32_t state = scoreboard_state(board, slot);

	if (state == SLOT_EMPTY)
		return;
	if (state == SLOT_READY && atomic_load(&board->infos[slot].generation) == newest)
		crew->live[crew->ready++] = atomic_load(&board->slots[slot].live);
	else
		crew->old++;
}

void figures_crew(struct server *s, struct crew *crew)
{
	const struct scoreboard *board = view(s);
	unsigned newest = (unsigned)cell_get(&board->server.generation);

	*crew = (struct crew){ 0 };
	for (unsigned i = 0; i < scoreboard_slots(board); i++)
		count_worker(board, i, newest, crew);
	scoreboard_unview(board);
}

bool figures_has_only_new(struct server *s)
{
	struct crew crew;

	figures_crew(s, &crew);
	return crew.old == 0;
}
