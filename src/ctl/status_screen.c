/* SPDX-License-Identifier: MIT */
/*
 * Puts the parts of the status screen together, and holds what they share. What a part says is its
 * own business.
 */
#include "ctl/status_parts.h"

#include <stdio.h>

void view_show(struct view *view)
{
	view->report = &view->look->report;
	view_server(view);
	view_listeners(view);
	view_workers(view);
	view_waiting(view);
	view_crashes(view);
	view_penalties(view);
}

void view_title(struct view *view, const char *title, const char *remark)
{
	screen_end(view->screen);
	screen_put(view->screen, STYLE_HEAD, title);
	if (remark[0] != '\0') {
		screen_put(view->screen, STYLE_PLAIN, "  ");
		screen_put(view->screen, STYLE_DIM, remark);
	}
	screen_end(view->screen);
}

void view_text(struct cell *cell, enum style style, const char *text)
{
	cell->style = style;
	snprintf(cell->text, sizeof(cell->text), "%s", text);
}

void view_count(struct cell *cell, enum style style, uint64_t value)
{
	cell->style = style;
	format_count(value, cell->text);
}

void view_bytes(struct cell *cell, uint64_t bytes)
{
	format_bytes(bytes, cell->text);
}

void view_age(struct cell *cell, int64_t seconds)
{
	format_age(seconds, cell->text);
}
