/* SPDX-License-Identifier: MIT */
/* The status screen: the state of a server, as text for a person. Any process but the master. */
#ifndef CTL_STATUS_SCREEN_H
#define CTL_STATUS_SCREEN_H

#include <sys/types.h>

#include "ctl/lines.h"
#include "ctl/snapshot.h"

/*
 * Writes the whole status screen of a snapshot that has a scoreboard; without rates when samples is
 * NULL.
 */
void status_screen_write(const struct snapshot *snapshot, const struct samples *samples,
			 struct lines *lines);

/* Writes it once to stdout, without rates, in the width and the colours of that output. */
void status_screen_print(const struct snapshot *snapshot);

/*
 * The parts of the screen, in the files status_*.c. A part reads the report and writes whole lines
 * to the screen, or nothing when it has nothing to show.
 */
struct status_view {
	const struct report *report;
	const struct samples *samples; /* NULL: the screen is written once, without rates */
	pid_t pid;                     /* of the living server; 0: there is none */
	struct lines *lines;
};

void status_server_write(struct status_view *view);
void status_listeners_write(struct status_view *view);
void status_listeners_write_counters(struct status_view *view);
void status_listeners_write_bans(struct status_view *view);
void status_limits_write(struct status_view *view);
void status_limits_write_sources(struct status_view *view);
void status_programs_write(struct status_view *view);
void status_upstreams_write(struct status_view *view);
void status_workers_write(struct status_view *view);
void status_workers_write_draining(struct status_view *view); /* and the connections left */
void status_workers_write_crashes(struct status_view *view);

#endif
