/* SPDX-License-Identifier: MIT */
/*
 * Entries of different sizes lie in a ring of bytes, in the order in which they came:
 *
 *   0        head         tail           end      size
 *   | newer  |   free     | older        | unused |
 *
 * The first ones go first. An entry that was dropped leaves its bytes when its turn comes.
 */
#include "services/files/open/file_cache.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/hash.h"
#include "base/pages.h"
#include "base/sys.h"

enum {
	UNIT = 16, /* bytes: what offsets and sizes are multiples of */
	BYTES_PER_BUCKET = 2048,
	BUCKETS_MOST = 1 << 18,
	SHARE = 8, /* one entry takes at most this part of the cache */
};

struct entry {
	struct file_kept kept; /* first: a pointer to it is a pointer to the entry */
	uint64_t hash;
	uint64_t request; /* the last one that has found it */
	uint32_t units;   /* its size */
	uint32_t next;    /* 1 + offset of the next one in the bucket; 0: the last one */
	uint64_t place;
	bool is_dead;
	char path[];
};

struct file_cache {
	char *memory;
	uint32_t size, head, tail, end; /* in units */
	bool is_wrapped;                /* head is before tail */
	uint64_t request;               /* that is answered now: what it has found stays */
	uint32_t *buckets;              /* 1 + offset of the first; 0: none */
	uint32_t bucket_mask;
	struct entry *open[FILE_CACHE_FDS]; /* those with a descriptor */
	unsigned next_open;                 /* whose place the next one may take */
};

struct file_cache *file_cache_new(uint64_t size)
{
	struct file_cache *cache = calloc(1, sizeof(*cache));
	uint32_t buckets = 1;

	if (!cache)
		return NULL;
	while (buckets < size / BYTES_PER_BUCKET && buckets < BUCKETS_MOST)
		buckets *= 2;
	cache->bucket_mask = buckets - 1;
	cache->buckets = pages_new(buckets * sizeof(*cache->buckets));
	cache->memory = pages_new(size);
	if (!cache->buckets || !cache->memory)
		return NULL; /* the worker ends */
	cache->size = cache->end = (uint32_t)(size / UNIT);
	cache->request = 1;
	return cache;
}

static struct entry *entry_at(const struct file_cache *cache, uint32_t unit)
{
	return (struct entry *)(cache->memory + (size_t)unit * UNIT);
}

static struct entry *entry_of(struct file_kept *kept)
{
	return (struct entry *)kept;
}

static uint64_t hash_of(uint64_t place, const char *path, size_t length)
{
	return (hash_bytes(path, length) + place) * UINT64_C(0x9e3779b97f4a7c15) >> 16;
}

/* The link that leads to the entry, or to where it would be. */
static uint32_t *find_link(const struct file_cache *cache, const struct entry *entry)
{
	uint32_t *link = &cache->buckets[entry->hash & cache->bucket_mask];

	while (*link != 0 && entry_at(cache, *link - 1) != entry)
		link = &entry_at(cache, *link - 1)->next;
	return link;
}

static bool is_held(const struct file_cache *cache, const struct entry *entry)
{
	return entry->request == cache->request;
}

void file_cache_release(struct file_cache *cache)
{
	cache->request++;
}

struct file_kept *file_cache_find(struct file_cache *cache, uint64_t place, const char *path)
{
	uint64_t hash = hash_of(place, path, strlen(path));
	uint32_t link = cache->buckets[hash & cache->bucket_mask];

	while (link != 0) {
		struct entry *entry = entry_at(cache, link - 1);

		if (entry->hash == hash && entry->place == place &&
		    strcmp(entry->path, path) == 0) {
			entry->request = cache->request;
			return &entry->kept;
		}
		link = entry->next;
	}
	return NULL;
}

/* --- Descriptors --- */

static void close_fd(struct file_cache *cache, struct entry *entry)
{
	for (unsigned i = 0; i < FILE_CACHE_FDS; i++)
		if (cache->open[i] == entry)
			cache->open[i] = NULL;
	(void)sys_close(entry->kept.fd);
	entry->kept.fd = -1;
}

/* A free one, or that of an old one: a request finds far fewer files than there are places. */
static unsigned find_place(struct file_cache *cache)
{
	for (unsigned i = 0; i < FILE_CACHE_FDS; i++)
		if (!cache->open[i])
			return i;
	while (is_held(cache, cache->open[cache->next_open]))
		cache->next_open = (cache->next_open + 1) % FILE_CACHE_FDS;
	return cache->next_open;
}

void file_cache_keep_fd(struct file_cache *cache, struct file_kept *kept, int fd)
{
	unsigned place;

	if (kept->fd >= 0)
		close_fd(cache, entry_of(kept));
	place = find_place(cache);
	if (cache->open[place]) {
		close_fd(cache, cache->open[place]);
		cache->next_open = (place + 1) % FILE_CACHE_FDS;
	}
	cache->open[place] = entry_of(kept);
	kept->fd = fd;
}

void file_cache_close_old(struct file_cache *cache, int64_t now_ms)
{
	for (unsigned i = 0; i < FILE_CACHE_FDS; i++)
		if (cache->open[i] && cache->open[i]->kept.until_ms < now_ms &&
		    !is_held(cache, cache->open[i]))
			close_fd(cache, cache->open[i]);
}

/* --- Room --- */

void file_cache_drop(struct file_cache *cache, struct file_kept *kept)
{
	struct entry *entry = entry_of(kept);
	uint32_t *link = find_link(cache, entry);

	BUG_ON(*link == 0);
	*link = entry->next;
	if (kept->fd >= 0)
		close_fd(cache, entry);
	entry->is_dead = true;
}

/* False: the oldest one must stay. */
static bool remove_oldest(struct file_cache *cache)
{
	struct entry *entry = entry_at(cache, cache->tail);

	if (is_held(cache, entry))
		return false;
	if (!entry->is_dead)
		file_cache_drop(cache, &entry->kept);
	cache->tail += entry->units;
	if (cache->tail == cache->end) {
		cache->tail = 0;
		cache->end = cache->size;
		cache->is_wrapped = false;
	}
	return true;
}

/* From head on. */
static bool make_room(struct file_cache *cache, uint32_t units)
{
	while (true) {
		if (!cache->is_wrapped && cache->size - cache->head >= units)
			return true;
		if (!cache->is_wrapped) {
			cache->end = cache->head;
			cache->head = 0;
			cache->is_wrapped = true;
		}
		if (cache->tail - cache->head >= units)
			return true;
		if (!remove_oldest(cache))
			return false;
	}
}

struct file_kept *file_cache_add(struct file_cache *cache, uint64_t place, const char *path,
				 size_t size)
{
	size_t length = strlen(path);
	size_t bytes = sizeof(struct entry) + length + 1;
	uint32_t units = (uint32_t)((bytes + size + UNIT - 1) / UNIT);
	struct entry *entry;

	if (units > cache->size / SHARE || !make_room(cache, units))
		return NULL;
	entry = entry_at(cache, cache->head);
	memset(entry, 0, sizeof(*entry));
	memcpy(entry->path, path, length + 1);
	entry->kept.fd = -1;
	entry->kept.bytes = size > 0 ? (char *)entry + bytes : NULL;
	entry->hash = hash_of(place, path, length);
	entry->place = place;
	entry->request = cache->request;
	entry->units = units;
	*find_link(cache, entry) = 1 + cache->head;
	cache->head += units;
	return &entry->kept;
}
