/* SPDX-License-Identifier: MIT */
/*
 * Where a connection stands in its life, as the worker keeps it and as others tell it. Pure; any
 * process.
 */
#ifndef STATS_CONN_STATE_H
#define STATS_CONN_STATE_H

#include <stdint.h>

enum conn_state { CONN_CLOSED, CONN_OPEN, CONN_FLUSHING, CONN_LINGERING };

/* closed, open, flushing or lingering; unknown for what is no state. */
const char *conn_state_name(uint32_t state);

#endif
