/* SPDX-License-Identifier: MIT */
/*
 * The layout of the status screen: the order of its parts. Must not depend on their contents.
 */
#include "ctl/status_screen.h"

#include <unistd.h>

#include "ctl/terminal.h"

void status_screen_write(const struct snapshot *snapshot, const struct samples *samples,
			 struct screen *screen)
{
	struct status_view view = { .report = &snapshot->report,
				    .samples = samples,
				    .pid = snapshot->pid,
				    .screen = screen };

	status_server_write(&view);
	status_listeners_write(&view);
	status_workers_write(&view);
	status_workers_write_draining(&view);
	status_workers_write_crashes(&view);
	status_listeners_write_bans(&view);
}

void status_screen_print(const struct snapshot *snapshot)
{
	struct screen screen = { .out = stdout };

	screen.width = isatty(STDOUT_FILENO) ? terminal_width() : screen_pipe_width();
	screen_detect(&screen);
	status_screen_write(snapshot, NULL, &screen);
}
