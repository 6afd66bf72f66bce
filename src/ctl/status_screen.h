/* SPDX-License-Identifier: MIT */
/* The status screen: the state of a server, as text for a person. Any process but the master. */
#ifndef CTL_STATUS_SCREEN_H
#define CTL_STATUS_SCREEN_H

#include "ctl/screen.h"
#include "ctl/snapshot.h"

/*
 * Writes the whole status screen of a snapshot that has a scoreboard. samples NULL: it is
 * written without rates.
 */
void status_screen_write(const struct snapshot *snapshot, const struct samples *samples,
			 struct screen *screen);

/* Writes it once to stdout, without rates, in the width and the colours that fit there. */
void status_screen_print(const struct snapshot *snapshot);

#endif
