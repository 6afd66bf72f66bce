/* SPDX-License-Identifier: MIT */
/* Links indexes in both directions; the head is stored behind the last index. */
#include "base/ring.h"

#include "base/pages.h"

static size_t bytes_of(uint32_t most)
{
	return ((size_t)most + 1) * sizeof(struct ring_link);
}

bool ring_start(struct ring *ring, uint32_t most)
{
	*ring = (struct ring){ .links = pages_new(bytes_of(most)), .most = most };
	if (!ring->links)
		return false;
	ring->links[most] = (struct ring_link){ most + 1, most + 1 };
	return true;
}

void ring_stop(struct ring *ring)
{
	pages_free(ring->links, bytes_of(ring->most));
}

void ring_push(struct ring *ring, uint32_t index)
{
	struct ring_link *links = ring->links, *head = &links[ring->most];

	if (ring_has(ring, index))
		return;
	links[index] = (struct ring_link){ .next = ring->most + 1, .prev = head->prev };
	links[head->prev - 1].next = index + 1;
	head->prev = index + 1;
}

void ring_remove(struct ring *ring, uint32_t index)
{
	struct ring_link *links = ring->links, *own = &links[index];

	if (!ring_has(ring, index))
		return;
	links[own->prev - 1].next = own->next;
	links[own->next - 1].prev = own->prev;
	*own = (struct ring_link){ 0 };
}

bool ring_pop(struct ring *ring, uint32_t *index)
{
	if (ring_is_empty(ring))
		return false;
	*index = ring->links[ring->most].next - 1;
	ring_remove(ring, *index);
	return true;
}
