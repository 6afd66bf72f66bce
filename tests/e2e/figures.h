/* SPDX-License-Identifier: MIT */
/*
 * The metrics of a server's scoreboard, read as a scrape reads them: the sum of each family's
 * series in the exposition.
 */
#ifndef E2E_FIGURES_H
#define E2E_FIGURES_H

#include "stats/metric.h"
#include "stats/scoreboard.h"

struct server;

/* A histogram's figure is its count of values. */
struct figures {
	double of[METRIC_COUNT];
};

void figures_read(struct server *s, struct figures *figures);

/* The sum over all workers. */
void figures_tally(struct server *s, struct worker_tally *tally);

/* The time for which -s reload may still wait for the reload under way. */
int64_t figures_reload_left_ms(struct server *s);

/* Fails unless each accepted connection has ended or lives in one worker. */
void figures_check(struct server *s);

/* The workers in the scoreboard. */
struct crew {
	unsigned ready, old;               /* of the newest generation; of others, or leaving */
	uint32_t live[SCOREBOARD_WORKERS]; /* open connections of each ready one */
};

void figures_crew(struct server *s, struct crew *crew);

/* True when no worker is old. */
bool figures_has_only_new(struct server *s);

#endif
