/* SPDX-License-Identifier: MIT */
/* Beside the cache: what is worth keeping, and for how long it holds. */
#include "services/files/open/file_open.h"

#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/sys.h"
#include "services/files/open/file_cache.h"
#include "services/files/open/file_log.h"
#include "services/files/open/place.h"
#include "services/files/open/root.h"
#include "worker/pool.h"

enum { SETTLED_S = 1 }; /* a file that has just changed may change again, and look the same */

/* Of this worker, by the number of the listener, NULL where there is none; written by it alone. */
static struct file_cache **caches;

/* Of this worker; written with each request. */
static struct pool *pool;

bool file_open_start(const struct heritage *heritage, const struct listen_conf *listen)
{
	unsigned number = place_listener_number(heritage, listen);

	if (!caches)
		caches = calloc(heritage->listeners->count, sizeof(struct file_cache *));
	if (!caches || !file_log_start(heritage->listeners->count))
		return false;
	if (listen->cache_size == 0)
		return true;
	caches[number] = file_cache_new((uint64_t)listen->cache_size);
	return caches[number] != NULL;
}

void file_open_each_second(unsigned listener, int64_t now_ms)
{
	if (!caches[listener])
		return;
	file_cache_release(caches[listener]); /* no request is being answered */
	file_cache_close_old(caches[listener], now_ms);
}

void file_open_begin(const struct conn *c)
{
	struct file_cache *cache = caches[c->record->listener];

	pool = c->pool;
	if (cache)
		file_cache_release(cache);
}

/* A record that names its number, and has not been checked since a death, is wrong. */
static void note_opened(int fd)
{
	if (fd >= 0)
		pool_note_opened(pool, fd);
}

enum beneath_end file_open_afresh(unsigned place, const char *path, struct beneath_file *file)
{
	static const enum beneath_symlinks symlinks[] = {
		[FOLLOW_YES] = BENEATH_SYMLINKS_YES,
		[FOLLOW_NO] = BENEATH_SYMLINKS_NO,
		[FOLLOW_SAME_OWNER] = BENEATH_SYMLINKS_SAME_OWNER,
	};
	/* what it learns of the kernel holds for all */
	static struct beneath beneath;
	enum beneath_end end;

	file->fd = -1;
	beneath.root = root_open(place);
	beneath.symlinks = symlinks[place_conf(place)->follow_symlinks];
	if (beneath.root < 0)
		return errno == EMFILE || errno == ENFILE ? BENEATH_TRY_AGAIN : BENEATH_NOT_FOUND;
	note_opened(beneath.root);
	end = beneath_open(&beneath, path, file);
	note_opened(file->fd);
	return end;
}

/* --- What is kept --- */

static bool needs_bytes(const struct stat *st)
{
	return st->st_size <= FILE_IN_MEMORY;
}

static bool needs_fd(const struct stat *st)
{
	return st->st_size > FILE_TOGETHER;
}

static bool is_same_time(struct timespec a, struct timespec b)
{
	return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static bool is_same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
	       is_same_time(a->st_mtim, b->st_mtim) && is_same_time(a->st_ctim, b->st_ctim);
}

static bool is_settled(const struct stat *st)
{
	return st->st_ctim.tv_sec + SETTLED_S < time(NULL);
}

/* False when the file has changed meanwhile. */
static bool read_state(const struct beneath_file *file, struct file_kept *kept)
{
	const off_t size = file->st.st_size;
	struct stat st;

	kept->st = file->st;
	return !kept->bytes || (file_read(file->fd, kept->bytes, (size_t)size, 0) == size &&
				sys_fstat(file->fd, &st) == 0 && is_same_file(&file->st, &st));
}

/* An entry for the file that is open; NULL: it is not kept. */
static struct file_kept *keep_file(struct file_cache *cache, uint64_t key, const char *path,
				   const struct beneath_file *file)
{
	size_t size = needs_bytes(&file->st) ? (size_t)file->st.st_size : 0;
	struct file_kept *kept;

	if (!is_settled(&file->st))
		return NULL;
	kept = file_cache_add(cache, key, path, size);
	if (!kept || read_state(file, kept))
		return kept;
	file_cache_drop(cache, kept);
	return NULL;
}

static struct file_kept *keep(struct file_cache *cache, uint64_t key, const char *path,
			      enum beneath_end end, const struct beneath_file *file)
{
	struct file_kept *kept = end == BENEATH_FILE ? keep_file(cache, key, path, file) :
						       file_cache_add(cache, key, path, 0);

	if (kept)
		kept->end = end;
	return kept;
}

/* The entry has the descriptor of a file that needs one; any other is closed. */
static void give_fd(struct file_cache *cache, struct file_kept *kept, int fd)
{
	if (kept->end == BENEATH_FILE && needs_fd(&kept->st))
		file_cache_keep_fd(cache, kept, fd);
	else if (fd >= 0)
		(void)sys_close(fd);
}

static bool still_holds(const struct file_kept *kept, enum beneath_end end,
			const struct beneath_file *file)
{
	return kept->end == end && (end != BENEATH_FILE || is_same_file(&kept->st, &file->st));
}

static enum beneath_end find_kept(const struct file_kept *kept, struct found *found)
{
	if (kept->end == BENEATH_FILE)
		*found = (struct found){ kept->st, kept->bytes, kept->fd, true };
	return kept->end;
}

/* A folder's descriptor is of no use to the caller. */
static enum beneath_end find_fresh(enum beneath_end end, const struct beneath_file *file,
				   struct found *found)
{
	if (end == BENEATH_FOLDER)
		(void)sys_close(file->fd);
	else if (end == BENEATH_FILE)
		*found = (struct found){ file->st, NULL, file->fd, false };
	return end;
}

static bool is_worth(enum beneath_end end, bool absent)
{
	return end == BENEATH_FILE || end == BENEATH_FOLDER || (end == BENEATH_NOT_FOUND && absent);
}

/*
 * What is sent from a descriptor is what the file is now: what was found of it, and its bytes in
 * memory, must be of the same state. The descriptor may have been closed.
 */
static bool is_open_unchanged(const struct file_kept *kept)
{
	struct stat st;

	return kept->fd >= 0 && sys_fstat(kept->fd, &st) == 0 && is_same_file(&kept->st, &st);
}

static bool is_fresh(const struct file_kept *kept, int64_t now_ms)
{
	return now_ms < kept->until_ms &&
	       (kept->end != BENEATH_FILE || !needs_fd(&kept->st) || is_open_unchanged(kept));
}

/* Without descriptors those of the cache are the first to go. */
static enum beneath_end open_now(unsigned place, struct file_cache *cache, const char *path,
				 struct beneath_file *file)
{
	enum beneath_end end = file_open_afresh(place, path, file);

	if (end != BENEATH_TRY_AGAIN || (errno != EMFILE && errno != ENFILE))
		return end;
	file_cache_close_old(cache, INT64_MAX);
	return file_open_afresh(place, path, file);
}

/* Of the place's folder as it is now: what was found in another one is forgotten. */
static uint64_t find_key(unsigned place)
{
	(void)root_open(place);
	return (uint64_t)root_version(place) << 32 | place;
}

enum beneath_end file_open(unsigned place, const char *path, bool absent, struct found *found)
{
	struct file_cache *cache = caches[place_listener(place)];
	struct beneath_file file;
	struct file_kept *kept;
	enum beneath_end end;
	int64_t now_ms;
	uint64_t key;

	found->fd = -1;
	if (!cache)
		return find_fresh(file_open_afresh(place, path, &file), &file, found);
	key = find_key(place);
	kept = file_cache_find(cache, key, path);
	now_ms = clock_ms();
	if (kept && is_fresh(kept, now_ms))
		return find_kept(kept, found);
	end = open_now(place, cache, path, &file);
	if (kept && !still_holds(kept, end, &file)) {
		file_cache_drop(cache, kept);
		kept = NULL;
	}
	if (!kept && is_worth(end, absent))
		kept = keep(cache, key, path, end, &file);
	if (!kept)
		return find_fresh(end, &file, found);
	kept->until_ms = now_ms + place_conf(place)->cache_valid;
	give_fd(cache, kept, file.fd);
	return find_kept(kept, found);
}

void found_close(const struct found *found)
{
	if (found->fd >= 0 && !found->is_kept)
		(void)sys_close(found->fd);
}

int found_take(const struct found *found)
{
	return found->is_kept ? sys_fcntl_int(found->fd, F_DUPFD_CLOEXEC, 0) : found->fd;
}
