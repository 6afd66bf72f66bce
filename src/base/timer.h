/* SPDX-License-Identifier: MIT */
/*
 * Deadlines, the earliest first: a binary heap of pointers to nodes that the callers own. A node
 * stores its place, so moving or cancelling it costs O(log n). An alarm is a node with a function
 * that is called when it fires. One process; allocates only in timer_heap_new.
 */
#ifndef BASE_TIMER_H
#define BASE_TIMER_H

#include <stdbool.h>
#include <stdint.h>

struct timer_node {
	int64_t due_ms; /* fires at this clock_ms() */
	uint32_t place; /* 1 + index in the heap; 0 while not set */
};

struct timer_heap {
	struct timer_node **nodes;
	uint32_t count, most;
};

/*
 * Makes room for `most` nodes, in pages that cost nothing until touched. Returns false with errno
 * set.
 */
bool timer_heap_new(struct timer_heap *heap, uint32_t most);
void timer_heap_free(struct timer_heap *heap);

/* Sets or moves the node's deadline. More than `most` nodes are a defect. */
void timer_set(struct timer_heap *heap, struct timer_node *node, int64_t due_ms);

/* Removes the node. Does nothing when it is not set. */
void timer_cancel(struct timer_heap *heap, struct timer_node *node);

/* Removes and returns the earliest node that is due at now_ms, or NULL. */
struct timer_node *timer_pop(struct timer_heap *heap, int64_t now_ms);

/*
 * Returns the milliseconds from now_ms to the earliest deadline: 0 when overdue, `otherwise` when
 * none is set or it is later.
 */
int timer_wait_ms(const struct timer_heap *heap, int64_t now_ms, int otherwise);

static inline bool timer_is_set(const struct timer_node *node)
{
	return node->place != 0;
}

struct alarm {
	struct timer_node timer; /* first: a pointer to it is a pointer to the alarm */
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
