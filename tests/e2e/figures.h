/* SPDX-License-Identifier: MIT */
/*
 * What a server's scoreboard says of each metric, read as a scrape would read it: the exposition's
 * series of a family, summed up.
 */
#ifndef E2E_FIGURES_H
#define E2E_FIGURES_H

#include "stats/metric.h"

struct server;

/* Of a histogram: how many values it has. */
struct figures {
	double of[METRIC_COUNT];
};

void figures_read(struct server *s, struct figures *figures);

#endif
