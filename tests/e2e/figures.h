/* SPDX-License-Identifier: MIT */
/*
 * The metrics of a server's scoreboard, read as a scrape reads them: the sum of each family's
 * series in the exposition.
 */
#ifndef E2E_FIGURES_H
#define E2E_FIGURES_H

#include "stats/metric.h"

struct server;

/* A histogram's figure is its count of values. */
struct figures {
	double of[METRIC_COUNT];
};

void figures_read(struct server *s, struct figures *figures);

#endif
