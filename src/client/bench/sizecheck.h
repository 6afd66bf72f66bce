/* SPDX-License-Identifier: MIT */
/*
 * Notices that answers have another size than the plan awaits: in raw framing nothing else tells
 * where one ends, and a server whose answers are shorter would seem to give none at all.
 */
#ifndef CLIENT_BENCH_SIZECHECK_H
#define CLIENT_BENCH_SIZECHECK_H

#include <stdbool.h>

#include "client/bench/bench_connection.h"

/* Notes in the outcome (came) what has come and stays a part. Each turn of a process's loop. */
void sizecheck_look(struct lane_set *all);

/* A lane's answer was whole, and excess bytes came with it: notes it likewise. */
void sizecheck_excess(struct lane_set *all, const struct lane *lane, size_t excess);

/* True while it is worth looking: raw framing, an answer of so many bytes. */
bool sizecheck_applies(const struct plan *plan);

/* Writes to stderr what came, what is awaited, and which flag awaits so many. */
void sizecheck_warn(const struct plan *plan, uint64_t came);

#endif
