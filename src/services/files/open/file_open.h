/* SPDX-License-Identifier: MIT */
/*
 * Opens the files of a place (services/files/open/place.h), or finds them among those that were
 * opened a moment ago. Worker only.
 */
#ifndef SERVICES_FILES_OPEN_FILE_OPEN_H
#define SERVICES_FILES_OPEN_FILE_OPEN_H

#include "services/files/open/beneath.h"
#include "worker/conn_record.h"

/*
 * Sizes of files, in bytes: one of at most FILE_TOGETHER needs no descriptor once it is read; one
 * of at most FILE_IN_MEMORY is read into the cache.
 */
enum { FILE_TOGETHER = 32 * 1024, FILE_IN_MEMORY = 64 * 1024 };

/* A file that was found. */
struct found {
	struct stat st;
	const char *bytes; /* all of it, until file_open_begin; NULL: they must be read from fd */
	int fd;            /* -1: bytes are there, FILE_TOGETHER at most */
	bool is_kept;      /* fd is not the caller's */
};

/* For the hook init; false: no memory. */
bool file_open_start(const struct heritage *heritage, const struct listen_conf *listen);

/* For the hook each_second. */
void file_open_each_second(unsigned listener, int64_t now_ms);

/* A request begins: what the last one has found is no longer valid. */
void file_open_begin(const struct conn *c);

/*
 * As beneath_open, below the root of the place: *found is a regular file, which the
 * caller ends with found_close or found_take; nothing else is open. Whether the path names a file
 * may be known from cache_valid ago; absent: so may it be that there is none, which fills the cache
 * with whatever clients ask for unless the path is that of a file with something behind it.
 */
enum beneath_end file_open(unsigned place, const char *path, bool absent, struct found *found);

/* The same without the cache, for a folder, which is then open. */
enum beneath_end file_open_afresh(unsigned place, const char *path, struct beneath_file *file);

void found_close(const struct found *found);

/* A descriptor of the caller's; ends *found. -1 with errno set. */
int found_take(const struct found *found);

#endif
