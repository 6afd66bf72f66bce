/* SPDX-License-Identifier: MIT */
/*
 * The layout of the status screen: the order of its parts. Must not depend on their contents.
 */
#include "ctl/status_screen.h"

#include <unistd.h>

#include "ctl/terminal.h"

void status_screen_write(const struct snapshot *snapshot, const struct samples *samples,
			 struct lines *lines)
{
	struct status_view view = { .report = &snapshot->report,
				    .samples = samples,
				    .pid = snapshot->pid,
				    .lines = lines };

	status_server_write(&view);
	status_listeners_write(&view);
	status_limits_write(&view);
	status_limits_write_sources(&view);
	status_listeners_write_counters(&view);
	status_upstreams_write(&view);
	status_programs_write(&view);
	status_workers_write(&view);
	status_workers_write_draining(&view);
	status_workers_write_crashes(&view);
	status_listeners_write_bans(&view);
}

void status_screen_print(const struct snapshot *snapshot)
{
	struct lines lines = { .out = stdout };

	lines.width = isatty(STDOUT_FILENO) ? terminal_width() : lines_pipe_width();
	lines_detect(&lines);
	status_screen_write(snapshot, NULL, &lines);
}
