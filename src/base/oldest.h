/* SPDX-License-Identifier: MIT */
/* The indexes with the oldest times, found in one walk; the oldest first. Pure. */
#ifndef BASE_OLDEST_H
#define BASE_OLDEST_H

#include <stdint.h>

enum { OLDEST_MOST = 64 };

struct oldest {
	struct {
		int64_t time;
		uint32_t index;
	} list[OLDEST_MOST];
	unsigned count, wanted; /* wanted: how many to find, 1 .. OLDEST_MOST */
};

/* Considers the next index of the walk. */
static inline void oldest_consider(struct oldest *o, uint32_t index, int64_t time)
{
	unsigned at = o->count;

	if (at == o->wanted && time >= o->list[at - 1].time)
		return;
	if (at < o->wanted)
		o->count++;
	else
		at--;
	for (; at > 0 && time < o->list[at - 1].time; at--)
		o->list[at] = o->list[at - 1];
	o->list[at].time = time;
	o->list[at].index = index;
}

#endif
