/* SPDX-License-Identifier: MIT */
/*
 * The sources that have as many connections as they may have, for the scoreboard: workers note
 * which ones they have found so, and the master looks up what they have now. Master only.
 */
#ifndef MASTER_LIMIT_LIMIT_SOURCES_H
#define MASTER_LIMIT_LIMIT_SOURCES_H

#include "stats/limit_memory.h"
#include "stats/scoreboard.h"

/* Looks at the notes of all workers, a bounded number of them, and writes the fullest sources. */
void limit_sources_sample(struct scoreboard *board, const struct limit_memory *memory);

#endif
