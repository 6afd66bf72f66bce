/* SPDX-License-Identifier: MIT */
/* Checks of a served worker's connections after their end, and after a recovery. */
#ifndef UNIT_AFTERMATH_H
#define UNIT_AFTERMATH_H

#include "unit/served.h"
#include "worker/recovery/recovery.h"

/*
 * Asserts that every record, buffer and deadline is free again, and every end was counted; `lost`
 * of them in a recovery.
 */
void assert_nothing_left(struct served *s, unsigned lost);

/* Asserts that a recovery kept the arena, with these counts of connections. */
void assert_counts(const struct recovery *r, unsigned kept, unsigned in_hand, unsigned damaged);

struct record *record(struct served *s, uint32_t index);
struct arena_head *head_of(struct served *s);

#endif
