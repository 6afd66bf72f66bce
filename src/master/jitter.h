/* SPDX-License-Identifier: MIT */
/* How limits of processes are spread, so that processes of one start do not all leave at once. */
#ifndef MASTER_JITTER_H
#define MASTER_JITTER_H

#include <stdint.h>
#include <sys/types.h>

/* Returns `limit` plus up to a tenth of it, always the same for a process. Pure. */
static inline int64_t jitter_add(int64_t limit, pid_t pid, unsigned number)
{
	uint64_t mixed = ((uint64_t)(uint32_t)pid << 32 | number) * UINT64_C(0x9e3779b97f4a7c15);
	int64_t tenth = limit / 10;

	return tenth > 0 ? limit + (int64_t)((mixed >> 33) % ((uint64_t)tenth + 1)) : limit;
}

#endif
