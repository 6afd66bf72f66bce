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

/* The same without a recovery; and that one connection has ended for that reason. */
void assert_ended(struct served *s, enum close_reason reason);

/*
 * Asserts that a client that sends these bytes is refused: an access list or a ban forbids the
 * address that they tell. assert_refused_when_banned: after a ban of that address.
 */
void assert_refused(struct served *s, const char *bytes);
void assert_refused_when_banned(struct served *s, const char *address, const char *bytes);

/* Asserts that a recovery kept the arena, with these counts of connections. */
void assert_counts(const struct recovery *r, unsigned kept, unsigned in_hand, unsigned damaged);

struct record *record(struct served *s, uint32_t index);
struct arena_head *head_of(struct served *s);

#endif
