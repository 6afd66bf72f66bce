/* SPDX-License-Identifier: MIT */
/* The three functions that OpenSSL calls instead of malloc, realloc and free. */
#include "tls/memory.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "base/err.h"

static struct blocks *served;
static struct region *all, *entered;
static uint64_t outside;

static void *allocate(size_t bytes, const char *file, int line)
{
	(void)file;
	(void)line;
	if (bytes == 0)
		return NULL;
	if (entered)
		return region_alloc(served, entered, bytes);
	outside++;
	return malloc(bytes);
}

/* The region that the address is in; NULL: it is in the heap. */
static struct region *find_owner(const void *address)
{
	int64_t number = served ? region_of(served, address) : -1;

	return number >= 0 ? &all[number] : NULL;
}

static void release(void *held, const char *file, int line)
{
	struct region *owner;

	(void)file;
	(void)line;
	if (!held)
		return;
	owner = find_owner(held);
	if (!owner) {
		free(held);
		return;
	}
	REGION_CHECK(owner == entered);
	region_free(served, owner, held);
}

/* The bytes stay where they are when there is room. */
static void *grow_in_region(struct region *owner, void *held, size_t bytes)
{
	size_t room = region_room(held);
	void *grown;

	if (room >= bytes)
		return held;
	grown = region_alloc(served, owner, bytes);
	if (!grown)
		return NULL;
	memcpy(grown, held, room);
	region_free(served, owner, held);
	return grown;
}

static void *reallocate(void *held, size_t bytes, const char *file, int line)
{
	struct region *owner;

	if (!held)
		return allocate(bytes, file, line);
	if (bytes == 0) {
		release(held, file, line);
		return NULL;
	}
	owner = find_owner(held);
	if (owner)
		return grow_in_region(owner, held, bytes);
	outside++;
	return realloc(held, bytes);
}

bool memory_install(void)
{
	return CRYPTO_set_mem_functions(allocate, reallocate, release) == 1;
}

void memory_serve(struct blocks *blocks, struct region *regions)
{
	served = blocks;
	all = regions;
	entered = NULL;
	outside = 0;
}

void memory_enter(struct region *region)
{
	BUG_ON(entered || !served);
	entered = region;
}

void memory_leave(void)
{
	entered = NULL;
}

uint64_t memory_outside(void)
{
	return outside;
}
