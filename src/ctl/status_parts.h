/* SPDX-License-Identifier: MIT */
/*
 * The parts of the status screen, status_NAME.c each. A part reads the report and writes whole
 * lines to the screen; it writes nothing when it has nothing to show. Any process but the master.
 */
#ifndef CTL_STATUS_PARTS_H
#define CTL_STATUS_PARTS_H

#include <sys/types.h>

#include "ctl/screen.h"
#include "ctl/snapshot.h"

/* The report that a part reads, and the screen that it writes to. */
struct status_view {
	const struct report *report;
	const struct samples *samples; /* NULL: the screen is written once, without rates */
	pid_t pid;                     /* of the living server; 0: there is none */
	struct screen *screen;
};

void status_server_write(struct status_view *view);
void status_listeners_write(struct status_view *view);
void status_listeners_write_bans(struct status_view *view);
void status_workers_write(struct status_view *view);
void status_workers_write_draining(struct status_view *view); /* and the connections left */
void status_workers_write_crashes(struct status_view *view);

#endif
