/* SPDX-License-Identifier: MIT */
/* The counts of a slot for the limits of listeners, before its next worker starts. Master only. */
#ifndef MASTER_LIMIT_LIMIT_SLOT_H
#define MASTER_LIMIT_LIMIT_SLOT_H

#include "master/procs.h"

/* Until the next worker counts, what the last one had with its keeper goes on counting. */
void limit_slot_prepare(const struct procs *procs, const struct generation *generation,
			unsigned number);

#endif
