/* SPDX-License-Identifier: MIT */
/*
 * A struct deed of the scoreboard: the master writes how it went, whoever waits (-s) reads it.
 */
#ifndef STATS_DEED_H
#define STATS_DEED_H

#include <stdint.h>

#include "stats/scoreboard.h"

/* Master only. failure: why it failed, or NULL when all went well. */
void deed_begin(struct deed *deed);
void deed_end(struct deed *deed, const char *failure, int64_t took_ms, unsigned workers);

/* Copies the outcome of the last deed, never half of one and half of the next. Any process. */
void deed_read(const struct deed *deed, struct outcome *outcome);

#endif
