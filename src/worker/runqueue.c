/* SPDX-License-Identifier: MIT */
/*
 * A ring of records, doubly linked by their indexes; the head is stored behind the last record. And
 * the sizes of shares: the bytes keep a bulk transfer within the cache; answers and time bound
 * short answers that are expensive.
 */
#include "worker/runqueue.h"

#include "base/sys.h"

static size_t size_of(uint32_t most)
{
	return ((size_t)most + 1) * sizeof(struct runqueue_link);
}

bool runqueue_start(struct runqueue *queue, uint32_t most)
{
	queue->most = most;
	queue->links = sys_mmap(NULL, size_of(most), PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (queue->links == MAP_FAILED)
		return false;
	queue->links[most] = (struct runqueue_link){ most + 1, most + 1 };
	return true;
}

void runqueue_stop(struct runqueue *queue)
{
	(void)sys_munmap(queue->links, size_of(queue->most));
}

void runqueue_push(struct runqueue *queue, uint32_t index)
{
	struct runqueue_link *links = queue->links, *head = &links[queue->most];

	if (runqueue_has(queue, index))
		return;
	links[index] = (struct runqueue_link){ .next = queue->most + 1, .prev = head->prev };
	links[head->prev - 1].next = index + 1;
	head->prev = index + 1;
}

void runqueue_remove(struct runqueue *queue, uint32_t index)
{
	struct runqueue_link *links = queue->links, *own = &links[index];

	if (!runqueue_has(queue, index))
		return;
	links[own->prev - 1].next = own->next;
	links[own->next - 1].prev = own->prev;
	*own = (struct runqueue_link){ 0 };
}

bool runqueue_pop(struct runqueue *queue, uint32_t *index)
{
	if (runqueue_is_empty(queue))
		return false;
	*index = queue->links[queue->most].next - 1;
	runqueue_remove(queue, *index);
	return true;
}

enum { HEAVY_BYTES = 16 * 1024 }; /* a visit that moved so many delays others noticeably */
enum { LIGHT_US = 200 };          /* so does one whose service computed for so long */

struct share {
	size_t bytes;
	unsigned answers;
	int64_t us; /* after the first answer */
};

static const struct share whole = { 256 * 1024, 16, 1000 };
static const struct share small = { 8 * 1024, 4, LIGHT_US };

enum conn_weight runqueue_weigh(enum conn_weight before, size_t moved_bytes, int64_t asked_us)
{
	if (moved_bytes >= HEAVY_BYTES)
		return WEIGHT_HEAVY;
	if (asked_us >= LIGHT_US)
		return before >= WEIGHT_SLOW ? WEIGHT_HEAVY : WEIGHT_SLOW;
	return moved_bytes > 0 ? WEIGHT_LIGHT : before;
}

bool runqueue_is_spent(bool is_ahead, size_t moved_bytes, unsigned answers, int64_t past_us)
{
	const struct share *share = is_ahead ? &small : &whole;

	return moved_bytes >= share->bytes || answers >= share->answers ||
	       (answers > 1 && past_us >= share->us);
}
