/* SPDX-License-Identifier: MIT */
/*
 * Where OpenSSL's allocations go (CRYPTO_set_mem_functions(3)): while a region is entered, into
 * that region; else to the heap. What lies in a region is found by its address when it is freed or
 * grown. So nothing that is allocated while a region is entered may be needed longer than its
 * session, and nothing that lasts may point into it; with TLS_CHECKS this is checked.
 */
#ifndef TLS_MEMORY_H
#define TLS_MEMORY_H

#include <stdbool.h>
#include <stdint.h>

#include "tls/region.h"

/*
 * Before any other call of the library. False: it has allocated something already. Any process.
 */
bool memory_install(void);

/*
 * From now on regions of these blocks can be entered; they are `regions`, by their numbers. Both
 * are borrowed. NULL: no more. Worker only.
 */
void memory_serve(struct blocks *blocks, struct region *regions);

/* Only one region is entered at a time. */
void memory_enter(struct region *region);
void memory_leave(void);

/* Allocations outside of regions since memory_serve: none, once everything is warm. */
uint64_t memory_outside(void);

#endif
