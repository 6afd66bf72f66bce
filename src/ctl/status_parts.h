/* SPDX-License-Identifier: MIT */
/*
 * The status screen: what there is to see of a server, for a person. status_screen.c has the order
 * of its parts, status_NAME.c each of them. A part writes whole lines and nothing when it has
 * nothing to say. Any process but the master.
 */
#ifndef CTL_STATUS_PARTS_H
#define CTL_STATUS_PARTS_H

#include "ctl/format.h"
#include "ctl/rates.h"
#include "ctl/screen.h"
#include "ctl/snapshot.h"
#include "ctl/table.h"

struct view {
	const struct snapshot *look;
	const struct report *report; /* of the look */
	const struct rates *rates;   /* NULL: it is seen for the first time, and there are none */
	struct screen *screen;
};

/* Writes all of the screen; look has a board. */
void view_show(struct view *view);

/* A part's title, with an empty line before it, and a remark behind it ("": none). */
void view_title(struct view *view, const char *title, const char *remark);

/* The parts. */
void view_server(struct view *view);
void view_listeners(struct view *view);
void view_workers(struct view *view);
void view_waiting(struct view *view); /* old workers, and what they wait for */
void view_crashes(struct view *view);
void view_penalties(struct view *view);

/* Fills a cell. */
void view_text(struct cell *cell, enum style style, const char *text);
void view_count(struct cell *cell, enum style style, uint64_t value);
void view_bytes(struct cell *cell, uint64_t bytes);
void view_age(struct cell *cell, int64_t seconds);

#endif
