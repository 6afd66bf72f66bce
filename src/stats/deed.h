/* SPDX-License-Identifier: MIT */
/*
 * A struct request of the scoreboard: the master writes how it went, whoever waits (-s) reads it.
 */
#ifndef STATS_DEED_H
#define STATS_DEED_H

#include <stdint.h>

#include "stats/scoreboard.h"

/* Master only. failure: why it failed, or NULL when all went well. */
void scoreboard_begin_request(struct request *deed);
void scoreboard_end_request(struct request *deed, const char *failure, int64_t took_ms,
			    unsigned workers);

/* Copies the outcome of the last deed, never half of one and half of the next. Any process. */
void scoreboard_read_request(const struct request *deed, struct outcome *outcome);

#endif
