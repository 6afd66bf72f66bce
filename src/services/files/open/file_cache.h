/* SPDX-License-Identifier: MIT */
/*
 * What a worker remembers of the files of a listener, by their path: what each is, the bytes of a
 * small one, the descriptor of a large one. The oldest entries make room for new ones, except those
 * that the request being answered has found: they stay until file_cache_release. It opens no file.
 * Worker only; allocates at start alone.
 */
#ifndef SERVICES_FILES_OPEN_FILE_CACHE_H
#define SERVICES_FILES_OPEN_FILE_CACHE_H

#include <stdint.h>

#include "services/files/open/beneath.h"

enum {
	FILE_CACHE_FDS = 64,            /* descriptors that it keeps at most */
	FILE_CACHE_LEAST = 1024 * 1024, /* bytes: the smallest cache */
};

/* Of one path. */
struct file_kept {
	enum beneath_end end; /* BENEATH_FILE, BENEATH_FOLDER or BENEATH_NOT_FOUND */
	int fd;               /* the cache's; -1: none */
	struct stat st;       /* of a file */
	int64_t until_ms;     /* when it is looked at again, clock_ms() */
	char *bytes;          /* st.st_size of them; NULL: none */
};

struct file_cache;

/* size: bytes in all, from FILE_CACHE_LEAST on. NULL with errno set. There is no end but exit. */
struct file_cache *file_cache_new(uint64_t size);

/* place: a number of the caller's; the same path in two places is two files. NULL: none. */
struct file_kept *file_cache_find(struct file_cache *cache, uint64_t place, const char *path);

/*
 * Adds an entry, which the caller fills in, with room for `size` bytes; size 0: bytes is NULL. The
 * path must not have one. NULL: there is no room now. file_cache_drop removes it.
 */
struct file_kept *file_cache_add(struct file_cache *cache, uint64_t place, const char *path,
				 size_t size);
void file_cache_drop(struct file_cache *cache, struct file_kept *kept);

/* The entry owns the descriptor from now on, in the place of the one that it had. */
void file_cache_keep_fd(struct file_cache *cache, struct file_kept *kept, int fd);

/* The request is answered: what it has found may make room. */
void file_cache_release(struct file_cache *cache);

/*
 * Closes the descriptors of entries that had to be looked at again before now_ms, except those that
 * the request has found.
 */
void file_cache_close_old(struct file_cache *cache, int64_t now_ms);

#endif
