/* SPDX-License-Identifier: MIT */
/* The worker's own few timers, beside those of its connections: a deadline and what to do then. */
#ifndef WORKER_ALARM_H
#define WORKER_ALARM_H

#include <stdint.h>

#include "base/timer.h"

struct alarm {
	struct timer_node timer; /* first, so that the node is the alarm */
	void (*fire)(void *owner);
	void *owner;
};

/* Fires every alarm that is due at now_ms. An alarm may be set again while it fires. */
static inline void alarms_expire(struct timer_heap *alarms, int64_t now_ms)
{
	struct timer_node *node;

	while ((node = timer_pop(alarms, now_ms))) {
		struct alarm *alarm = (struct alarm *)node;

		alarm->fire(alarm->owner);
	}
}

#endif
