/* SPDX-License-Identifier: MIT */
/*
 * Chunks with boundary tags: each knows its own size and that of the one before it, so that free
 * neighbours become one. A large chunk has a block of its own, which goes back as soon as it is
 * freed; the others share blocks of one unit.
 */
#include "tls/region.h"

#include <string.h>

#include "base/err.h"

enum { BLOCK_MAGIC = 0x746c7362, TRIES = 8, ALIGN = 16 };

/* At the begin of a block. Its chunks follow, so that what they hold is aligned. */
struct block_head {
	uint32_t magic;
	uint32_t number;         /* of the region's record */
	uint32_t next, previous; /* 1 + unit, in the region's chain; 0: none */
	uint32_t bytes;          /* of all its chunks */
	uint32_t units;
};

/* Before what a chunk holds. */
struct chunk {
	uint32_t size;     /* with this, a multiple of ALIGN; + CHUNK_USED */
	uint32_t previous; /* size of the chunk before it; 0: it is the block's first */
};

/* In a free chunk: the list of its bin. */
struct free_chunk {
	struct chunk head;
	uint32_t next, before; /* as region.bins */
};

enum { CHUNK_USED = 1 };

static uint32_t size_of(const struct chunk *chunk)
{
	return chunk->size & ~(uint32_t)CHUNK_USED;
}

static struct chunk *first_chunk(struct block_head *head)
{
	return (struct chunk *)(head + 1);
}

static struct chunk *chunk_behind(struct chunk *chunk)
{
	return (struct chunk *)((char *)chunk + size_of(chunk));
}

/* The chunk behind it in its block; NULL: it is the last. */
static struct chunk *next_chunk(struct block_head *head, struct chunk *chunk)
{
	struct chunk *next = chunk_behind(chunk);

	return (char *)next < (char *)first_chunk(head) + head->bytes ? next : NULL;
}

/* --- The bins --- */

static unsigned bin_of(uint32_t size)
{
	unsigned bin = 0;

	while (bin + 1 < REGION_BINS && ((uint32_t)REGION_CHUNK_LEAST << (bin + 1)) <= size)
		bin++;
	return bin;
}

/* A chunk begins 8 bytes before a multiple of ALIGN. */
static uint32_t name_of(const struct blocks *b, const void *chunk)
{
	return (uint32_t)((size_t)((const char *)chunk - b->base) / ALIGN) + 1;
}

static struct free_chunk *free_chunk_at(const struct blocks *b, uint32_t name)
{
	return (struct free_chunk *)(b->base + (size_t)(name - 1) * ALIGN + sizeof(struct chunk));
}

static void put_in_bin(const struct blocks *b, struct region *r, struct chunk *chunk)
{
	struct free_chunk *f = (struct free_chunk *)chunk;
	uint32_t *bin = &r->bins[bin_of(size_of(chunk))];

	f->next = *bin;
	f->before = 0;
	if (*bin != 0)
		free_chunk_at(b, *bin)->before = name_of(b, chunk);
	*bin = name_of(b, chunk);
}

static void take_from_bin(const struct blocks *b, struct region *r, struct chunk *chunk)
{
	struct free_chunk *f = (struct free_chunk *)chunk;

	if (f->next != 0)
		free_chunk_at(b, f->next)->before = f->before;
	if (f->before != 0)
		free_chunk_at(b, f->before)->next = f->next;
	else
		r->bins[bin_of(size_of(chunk))] = f->next;
}

static struct chunk *find_chunk(const struct blocks *b, struct region *r, uint32_t size)
{
	for (unsigned bin = bin_of(size); bin < REGION_BINS; bin++) {
		uint32_t name = r->bins[bin];

		for (unsigned i = 0; name != 0 && i < TRIES; i++) {
			struct free_chunk *f = free_chunk_at(b, name);

			if (size_of(&f->head) >= size)
				return &f->head;
			name = f->next;
		}
	}
	return NULL;
}

/* --- Blocks --- */

static struct block_head *head_at(const struct blocks *b, uint32_t name)
{
	return blocks_at(b, name - 1);
}

static void put_in_chain(const struct blocks *b, struct region *r, struct block_head *head)
{
	uint32_t name = blocks_unit(b, head) + 1;

	head->next = r->first;
	head->previous = 0;
	if (r->first != 0)
		head_at(b, r->first)->previous = name;
	r->first = name;
	r->units += head->units;
}

static void give_block(struct blocks *b, struct region *r, struct block_head *head)
{
	if (head->next != 0)
		head_at(b, head->next)->previous = head->previous;
	if (head->previous != 0)
		head_at(b, head->previous)->next = head->next;
	else
		r->first = head->next;
	r->units -= head->units;
	head->magic = 0;
	blocks_give(b, head);
}

/* Returns the one chunk of a new block; NULL: there is none. */
static struct chunk *add_block(struct blocks *b, struct region *r, uint32_t size)
{
	size_t bytes = sizeof(struct block_head) + size + sizeof(struct chunk);
	struct block_head *head;
	struct chunk *chunk;

	if (r->units * (size_t)BLOCK_UNIT + bytes > REGION_MOST * (size_t)BLOCK_UNIT)
		return NULL;
	head = blocks_take(b, &bytes);
	if (!head)
		return NULL;
	*head = (struct block_head){
		.magic = BLOCK_MAGIC,
		.number = r->number,
		.bytes = (uint32_t)(bytes - sizeof(struct block_head) - sizeof(struct chunk)),
		.units = (uint32_t)(bytes / BLOCK_UNIT),
	};
	put_in_chain(b, r, head);
	chunk = first_chunk(head);
	*chunk = (struct chunk){ .size = head->bytes };
	return chunk;
}

/* --- Chunks --- */

/* What is not needed of a free chunk stays free. */
static void split(const struct blocks *b, struct region *r, struct block_head *head,
		  struct chunk *chunk, uint32_t size)
{
	struct chunk *rest, *behind;

	if (chunk->size - size < REGION_CHUNK_LEAST)
		return;
	rest = (struct chunk *)((char *)chunk + size);
	*rest = (struct chunk){ .size = chunk->size - size, .previous = size };
	chunk->size = size;
	behind = next_chunk(head, rest);
	if (behind)
		behind->previous = rest->size;
	put_in_bin(b, r, rest);
}

static struct block_head *head_of(const struct blocks *b, const void *chunk)
{
	size_t bytes;

	return blocks_find(b, chunk, &bytes);
}

static void *take_shared(struct blocks *b, struct region *r, uint32_t size)
{
	struct chunk *chunk = find_chunk(b, r, size);

	if (chunk)
		take_from_bin(b, r, chunk);
	else
		chunk = add_block(b, r, BLOCK_UNIT / 2);
	if (!chunk)
		return NULL;
	split(b, r, head_of(b, chunk), chunk, size);
	chunk->size |= CHUNK_USED;
	return chunk + 1;
}

static void *take_own(struct blocks *b, struct region *r, uint32_t size)
{
	struct chunk *chunk = add_block(b, r, size);

	if (!chunk)
		return NULL;
	chunk->size |= CHUNK_USED;
	return chunk + 1;
}

void *region_alloc(struct blocks *b, struct region *r, size_t bytes)
{
	size_t size = (bytes + sizeof(struct chunk) + ALIGN - 1) / ALIGN * ALIGN;

	if (size > BLOCK_LARGEST)
		return NULL;
	if (size < REGION_CHUNK_LEAST)
		size = REGION_CHUNK_LEAST;
	return size >= REGION_OWN_BLOCK ? take_own(b, r, (uint32_t)size) :
					  take_shared(b, r, (uint32_t)size);
}

static struct chunk *chunk_of(const void *held)
{
	return (struct chunk *)held - 1;
}

size_t region_room(const void *held)
{
	return size_of(chunk_of(held)) - sizeof(struct chunk);
}

/* Makes one chunk of it and its free neighbours. */
static struct chunk *merge(const struct blocks *b, struct region *r, struct block_head *head,
			   struct chunk *chunk)
{
	struct chunk *next = next_chunk(head, chunk);

	if (next && (next->size & CHUNK_USED) == 0) {
		take_from_bin(b, r, next);
		chunk->size += next->size;
	}
	if (chunk->previous != 0) {
		struct chunk *before = (struct chunk *)((char *)chunk - chunk->previous);

		if ((before->size & CHUNK_USED) == 0) {
			take_from_bin(b, r, before);
			before->size += chunk->size;
			chunk = before;
		}
	}
	next = next_chunk(head, chunk);
	if (next)
		next->previous = chunk->size;
	return chunk;
}

void region_free(struct blocks *b, struct region *r, void *held)
{
	struct chunk *chunk = chunk_of(held);
	struct block_head *head = head_of(b, held);

	BUG_ON(!head || head->magic != BLOCK_MAGIC || head->number != r->number);
	BUG_ON((chunk->size & CHUNK_USED) == 0 || size_of(chunk) > head->bytes);
	chunk->size -= CHUNK_USED;
	chunk = merge(b, r, head, chunk);
	if (chunk->size == head->bytes && !r->is_ending)
		give_block(b, r, head);
	else
		put_in_bin(b, r, chunk);
}

int64_t region_of(const struct blocks *b, const void *address)
{
	const struct block_head *head = head_of(b, address);

	return head ? (int64_t)head->number : -1;
}

uint32_t region_count(const struct blocks *b, const struct region *r)
{
	uint32_t count = 0;

	for (uint32_t name = r->first; name != 0; name = head_at(b, name)->next)
		for (struct chunk *chunk = first_chunk(head_at(b, name)); chunk;
		     chunk = next_chunk(head_at(b, name), chunk))
			count += chunk->size & CHUNK_USED;
	return count;
}

/* What still points into it must show, in builds for tests. */
#ifdef TLS_CHECKS
enum { WIPED = 0xdb };
#else
enum { WIPED = 0 };
#endif

void region_drop(struct blocks *b, struct region *r)
{
	uint32_t number = r->number;

	while (r->first != 0) {
		struct block_head *head = head_at(b, r->first);
		uint32_t bytes = head->bytes;

		r->first = head->next;
		memset(first_chunk(head), WIPED, bytes);
		head->magic = 0;
		blocks_give(b, head);
	}
	*r = (struct region){ .number = number };
}

/* --- After a death --- */

/* True when the chunks fill the block, and the sizes agree. */
static bool is_whole(const struct block_head *head, const struct region *r, size_t bytes)
{
	const char *at = (const char *)(head + 1), *end = at + head->bytes;
	uint32_t previous = 0;

	if (head->magic != BLOCK_MAGIC || head->number != r->number ||
	    head->bytes != bytes - sizeof(struct block_head) - sizeof(struct chunk) ||
	    head->units != bytes / BLOCK_UNIT)
		return false;
	while (at < end) {
		const struct chunk *chunk = (const struct chunk *)at;
		uint32_t size = size_of(chunk);

		if (size < REGION_CHUNK_LEAST || size % ALIGN != 0 || size > (size_t)(end - at) ||
		    chunk->previous != previous)
			return false;
		previous = size;
		at += size;
	}
	return true;
}

bool region_claim(struct blocks *b, const struct region *r)
{
	uint32_t claimed[REGION_MOST], count = 0, units = 0;
	uint32_t name = r->first;

	while (name != 0 && count < REGION_MOST) {
		size_t bytes;
		const struct block_head *head = blocks_claim(b, name - 1, &bytes);

		if (!head)
			break;
		claimed[count++] = name - 1;
		units += (uint32_t)(bytes / BLOCK_UNIT);
		if (!is_whole(head, r, bytes))
			break;
		name = head->next;
	}
	if (name == 0 && units == r->units)
		return true;
	while (count > 0)
		blocks_disclaim(b, claimed[--count]);
	return false;
}
