/* SPDX-License-Identifier: MIT */
/*
 * The last lines of an access log: what a worker that nobody comes after has left in its arena.
 * Master only.
 */
#ifndef WORKER_ACCESSREST_H
#define WORKER_ACCESSREST_H

#include <sys/types.h>

#include "config/conf.h"
#include "stats/metric.h"
#include "worker/arena.h"

/*
 * Writes the lines that wait, and one for each of so many connections that are lost with the arena
 * of the worker of that number and generation, to where conf says, and counts the lines in tally;
 * what is not taken at once is lost. owner as in accesslog_open. The arena may hold anything.
 */
void accessrest_write(struct arena *arena, const struct conf *conf, uid_t owner,
		      unsigned generation, unsigned number, uint32_t connections,
		      struct worker_tally *tally);

#endif
