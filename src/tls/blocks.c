/* SPDX-License-Identifier: MIT */
/* A buddy system. The map is written before a block is used, and after it was wiped. */
#include "tls/blocks.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/pages.h"
#include "base/sys.h"

/*
 * A byte of the map: 0 within a block and in units never used; else the order of the block that
 * begins there, with one of these.
 */
enum { FREE = 0x10, USED = 0x20, CLAIMED = 0x40, ORDER = 0x0f };

enum { LARGEST_UNITS = 1 << (BLOCK_ORDERS - 1) };

uint32_t blocks_round(uint64_t units)
{
	uint64_t most = UINT32_MAX / LARGEST_UNITS;
	uint64_t largest = (units + LARGEST_UNITS - 1) / LARGEST_UNITS;

	return (uint32_t)(largest < most ? largest : most) * LARGEST_UNITS;
}

bool blocks_start(struct blocks *b, char *base, uint8_t *map, uint32_t units)
{
	*b = (struct blocks){ .base = base, .map = map, .units = units };
	b->links = pages_new(units * sizeof(*b->links));
	return b->links != NULL;
}

void blocks_stop(struct blocks *b)
{
	if (b->links)
		pages_free(b->links, b->units * sizeof(*b->links));
}

/* --- The lists of free blocks --- */

static void put_free(struct blocks *b, uint32_t unit, unsigned order)
{
	uint32_t head = b->heads[order];

	b->map[unit] = (uint8_t)(FREE | order);
	b->links[unit] = (struct block_link){ .next = head };
	if (head != 0)
		b->links[head - 1].previous = unit + 1;
	b->heads[order] = unit + 1;
}

static void remove_free(struct blocks *b, uint32_t unit, unsigned order)
{
	struct block_link link = b->links[unit];

	if (link.next != 0)
		b->links[link.next - 1].previous = link.previous;
	if (link.previous != 0)
		b->links[link.previous - 1].next = link.next;
	else
		b->heads[order] = link.next;
	b->map[unit] = 0;
}

/* Puts the block with its free neighbours, its buddies, into the lists. */
static void merge_free(struct blocks *b, uint32_t unit, unsigned order)
{
	for (; order + 1 < BLOCK_ORDERS; order++) {
		uint32_t buddy = unit ^ (1u << order);

		if (b->map[buddy] != (FREE | order))
			break;
		remove_free(b, buddy, order);
		unit = unit < buddy ? unit : buddy;
	}
	put_free(b, unit, order);
}

/* Takes the first free block of the order or of the next larger one; false: there is none. */
static bool find_free(struct blocks *b, unsigned *order, uint32_t *unit)
{
	for (; *order < BLOCK_ORDERS; (*order)++) {
		if (b->heads[*order] == 0)
			continue;
		*unit = b->heads[*order] - 1;
		remove_free(b, *unit, *order);
		return true;
	}
	if (b->high == b->units)
		return false;
	*order = BLOCK_ORDERS - 1;
	*unit = b->high;
	b->high += LARGEST_UNITS;
	return true;
}

/* --- Taking and giving --- */

static unsigned order_of(size_t bytes)
{
	unsigned order = 0;

	while (((size_t)BLOCK_UNIT << order) < bytes)
		order++;
	return order;
}

static uint32_t least_of(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

void *blocks_take(struct blocks *b, size_t *bytes)
{
	unsigned wanted, order;
	uint32_t unit;

	if (*bytes > BLOCK_LARGEST)
		return NULL;
	wanted = order = order_of(*bytes);
	if (!find_free(b, &order, &unit))
		return NULL;
	while (order > wanted) {
		order--;
		put_free(b, unit + (1u << order), order);
	}
	b->map[unit] = (uint8_t)(USED | wanted);
	b->used += 1u << wanted;
	b->warm -= least_of(b->warm, 1u << wanted);
	*bytes = (size_t)BLOCK_UNIT << wanted;
	return blocks_at(b, unit);
}

void *blocks_find(const struct blocks *b, const void *address, size_t *bytes)
{
	size_t offset = (size_t)((const char *)address - b->base);
	uint32_t unit = (uint32_t)(offset / BLOCK_UNIT);

	if (offset >= (size_t)b->units * BLOCK_UNIT)
		return NULL;
	for (unsigned order = 0; order < BLOCK_ORDERS; order++) {
		uint32_t begin = unit & ~((1u << order) - 1);

		if ((b->map[begin] & USED) == 0)
			continue;
		*bytes = (size_t)BLOCK_UNIT << (b->map[begin] & ORDER);
		return blocks_at(b, begin);
	}
	return NULL;
}

/* True when the pages are zeros again. */
static bool forget_pages(const struct blocks *b, uint32_t unit, uint32_t units)
{
	return sys_madvise(blocks_at(b, unit), (size_t)units * BLOCK_UNIT, MADV_REMOVE) == 0;
}

void blocks_give(struct blocks *b, void *block)
{
	uint32_t unit = blocks_unit(b, block);
	unsigned order = b->map[unit] & ORDER;
	uint32_t units = 1u << order;

	BUG_ON((b->map[unit] & USED) == 0 || order >= BLOCK_ORDERS);
	b->used -= units;
	if (b->warm + units <= BLOCKS_WARM || !forget_pages(b, unit, units))
		b->warm += units;
	b->map[unit] = 0;
	merge_free(b, unit, order);
}

/* --- After a death --- */

void blocks_begin_claims(struct blocks *b)
{
	uint32_t high = b->units;

	while (high > 0 && b->map[high - 1] == 0)
		high--;
	b->high = blocks_round(high);
	for (uint32_t unit = 0; unit < b->high; unit++)
		b->map[unit] &= (uint8_t)~CLAIMED;
}

/* True when no unit of the block is one of a block that was claimed. */
static bool is_apart(const struct blocks *b, uint32_t unit, uint32_t units)
{
	uint32_t group = unit & ~(uint32_t)(LARGEST_UNITS - 1);

	for (uint32_t u = unit; u < unit + units; u++)
		if (b->map[u] & CLAIMED)
			return false;
	for (uint32_t u = group; u < unit; u++)
		if ((b->map[u] & CLAIMED) && u + (1u << (b->map[u] & ORDER)) > unit)
			return false;
	return true;
}

void *blocks_claim(struct blocks *b, uint32_t unit, size_t *bytes)
{
	uint32_t units;

	if (unit >= b->high || (b->map[unit] & USED) == 0 || (b->map[unit] & ORDER) >= BLOCK_ORDERS)
		return NULL;
	units = 1u << (b->map[unit] & ORDER);
	if (unit % units != 0 || !is_apart(b, unit, units))
		return NULL;
	b->map[unit] |= CLAIMED;
	*bytes = (size_t)units * BLOCK_UNIT;
	return blocks_at(b, unit);
}

void blocks_disclaim(struct blocks *b, uint32_t unit)
{
	b->map[unit] &= (uint8_t)~CLAIMED;
}

/* The next unit from there on that a claimed block begins with, or b->high. */
static uint32_t find_claimed(const struct blocks *b, uint32_t unit)
{
	while (unit < b->high && (b->map[unit] & CLAIMED) == 0)
		unit++;
	return unit;
}

static void free_units(struct blocks *b, uint32_t unit, uint32_t end)
{
	if (unit == end)
		return;
	if (!forget_pages(b, unit, end - unit))
		memset(blocks_at(b, unit), 0, (size_t)(end - unit) * BLOCK_UNIT);
	memset(&b->map[unit], 0, end - unit);
	for (; unit < end; unit++)
		merge_free(b, unit, 0);
}

void blocks_settle(struct blocks *b)
{
	uint32_t unit = 0, claimed;

	for (;;) {
		uint32_t units;

		claimed = find_claimed(b, unit);
		free_units(b, unit, claimed);
		if (claimed == b->high)
			break;
		units = 1u << (b->map[claimed] & ORDER);
		b->map[claimed] &= (uint8_t)~CLAIMED;
		memset(&b->map[claimed + 1], 0, units - 1);
		b->used += units;
		unit = claimed + units;
	}
}
