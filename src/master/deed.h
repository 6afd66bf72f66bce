/* SPDX-License-Identifier: MIT */
/* The writing side of a struct deed: whoever waits reads it from the scoreboard. Master only. */
#ifndef MASTER_DEED_H
#define MASTER_DEED_H

#include <stdint.h>

#include "core/scoreboard.h"

void deed_begin(struct deed *deed);

/* failure: why it failed, or NULL when all went well. */
void deed_end(struct deed *deed, const char *failure, int64_t took_ms, unsigned workers);

#endif
