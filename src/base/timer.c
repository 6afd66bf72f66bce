/* SPDX-License-Identifier: MIT */
/*
 * A binary heap of deadlines. It reads no clock and calls no function of its owner, which polls for
 * due nodes.
 */
#include <limits.h>

#include "base/err.h"
#include "base/pages.h"
#include "base/timer.h"

static size_t bytes_of(uint32_t most)
{
	return ((size_t)most + 1) * sizeof(struct timer_node *);
}

bool timer_heap_new(struct timer_heap *heap, uint32_t most)
{
	heap->nodes = pages_new(bytes_of(most));
	if (!heap->nodes)
		return false;
	heap->count = 0;
	heap->most = most;
	return true;
}

void timer_heap_free(struct timer_heap *heap)
{
	if (heap->nodes)
		pages_free(heap->nodes, bytes_of(heap->most));
	heap->nodes = NULL;
	heap->count = heap->most = 0;
}

static void put_node(struct timer_heap *heap, uint32_t index, struct timer_node *node)
{
	heap->nodes[index] = node;
	node->place = index + 1;
}

/*
 * Moves the node from the free place `index` towards the root, while it is earlier than the parent.
 */
static uint32_t rise_node(struct timer_heap *heap, uint32_t index, const struct timer_node *node)
{
	while (index > 0) {
		uint32_t parent = (index - 1) / 2;

		if (heap->nodes[parent]->due_ms <= node->due_ms)
			break;
		put_node(heap, index, heap->nodes[parent]);
		index = parent;
	}
	return index;
}

static uint32_t sink_node(struct timer_heap *heap, uint32_t index, const struct timer_node *node)
{
	for (;;) {
		uint64_t child = 2 * (uint64_t)index + 1;

		if (child >= heap->count)
			break;
		if (child + 1 < heap->count &&
		    heap->nodes[child + 1]->due_ms < heap->nodes[child]->due_ms)
			child++;
		if (heap->nodes[child]->due_ms >= node->due_ms)
			break;
		put_node(heap, index, heap->nodes[child]);
		index = (uint32_t)child;
	}
	return index;
}

static void place_node(struct timer_heap *heap, uint32_t index, struct timer_node *node)
{
	put_node(heap, sink_node(heap, rise_node(heap, index, node), node), node);
}

void timer_set(struct timer_heap *heap, struct timer_node *node, int64_t due_ms)
{
	node->due_ms = due_ms;
	if (node->place == 0) {
		BUG_ON(heap->count >= heap->most);
		place_node(heap, heap->count++, node);
	} else {
		BUG_ON(node->place > heap->count || heap->nodes[node->place - 1] != node);
		place_node(heap, node->place - 1, node);
	}
}

void timer_cancel(struct timer_heap *heap, struct timer_node *node)
{
	uint32_t index = node->place - 1;
	struct timer_node *last;

	if (node->place == 0)
		return;
	BUG_ON(index >= heap->count || heap->nodes[index] != node);
	last = heap->nodes[--heap->count];
	if (last != node)
		place_node(heap, index, last);
	node->place = 0;
}

struct timer_node *timer_pop(struct timer_heap *heap, int64_t now_ms)
{
	struct timer_node *first;

	if (heap->count == 0 || heap->nodes[0]->due_ms > now_ms)
		return NULL;
	first = heap->nodes[0];
	timer_cancel(heap, first);
	return first;
}

int timer_wait_ms(const struct timer_heap *heap, int64_t now_ms, int otherwise)
{
	int64_t wait_ms;

	if (heap->count == 0)
		return otherwise;
	if (heap->nodes[0]->due_ms <= now_ms)
		return 0;
	wait_ms = heap->nodes[0]->due_ms - now_ms;
	if (otherwise >= 0 && wait_ms > otherwise)
		return otherwise;
	return wait_ms > INT_MAX ? INT_MAX : (int)wait_ms;
}
