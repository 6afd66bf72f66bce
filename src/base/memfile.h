/* SPDX-License-Identifier: MIT */
/*
 * Memory that the master shares with its children by a file, so that a child can give up writing to
 * parts of it for good: a mapping made from a descriptor that cannot write never can
 * (mmap(2), mprotect(2)).
 */
#ifndef BASE_MEMFILE_H
#define BASE_MEMFILE_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Returns a second descriptor, read-only, of a memfd that permits sealing, or -1 with errno set.
 * Without /proc it is the same description, sealed so that no new mapping can write; existing
 * mappings still can.
 */
int memfile_open_reader(int fd);

/*
 * Replaces the mapping of the bytes from `from` to `to` of the file mapped at base by a view that
 * can never be written. Returns false with errno set.
 */
bool memfile_close_to_writing(void *base, size_t from, size_t to, int read_fd);

/*
 * The part that stays writable: with mseal(2) (Linux 6.10) it cannot be moved or grow over other
 * parts of the file (mremap(2)). Returns false with errno set.
 */
bool memfile_seal(void *part, size_t size);

#endif
