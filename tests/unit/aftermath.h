/* SPDX-License-Identifier: MIT */
/* What must hold of a served worker's connections after their end, and after a recovery. */
#ifndef UNIT_AFTERMATH_H
#define UNIT_AFTERMATH_H

#include "unit/served.h"
#include "worker/recovery.h"

/*
 * Every record, buffer and deadline is free again, and every end was counted; `lost` in a recovery.
 */
void assert_nothing_left(struct served *s, unsigned lost);

/* A recovery that kept the arena and judged so many connections so. */
void assert_counts(const struct recovery *r, unsigned kept, unsigned in_hand, unsigned damaged);

struct conn *record(struct served *s, uint32_t index);
struct arena_head *head_of(struct served *s);

#endif
