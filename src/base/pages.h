/* SPDX-License-Identifier: MIT */
/*
 * Memory of this process alone, in zeroed pages that cost nothing until touched. mmap(2). Any
 * process.
 */
#ifndef BASE_PAGES_H
#define BASE_PAGES_H

#include <stddef.h>

/* Returns `size` bytes, or NULL with errno set; the caller frees them with the same size. */
void *pages_new(size_t size);
void pages_free(void *pages, size_t size);

#endif
