/* SPDX-License-Identifier: MIT */
/*
 * The free indexes below a bound: those given back, the last one first, then those never used, from
 * `high` on. In pages that cost nothing until touched. One process.
 */
#ifndef BASE_FREE_LIST_H
#define BASE_FREE_LIST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct free_list {
	uint32_t *given_back;
	uint32_t count, most;
	uint32_t high; /* indexes from here on were never used */
};

/*
 * All indexes 0 .. most - 1 are free. Returns false with errno set. Allocates; free_list_stop
 * frees.
 */
bool free_list_start(struct free_list *list, uint32_t most);
void free_list_stop(struct free_list *list);

static inline bool free_list_is_empty(const struct free_list *list)
{
	return list->count == 0 && list->high == list->most;
}

/* Takes an index; the list must not be empty. */
static inline uint32_t free_list_take(struct free_list *list)
{
	if (list->count > 0)
		return list->given_back[--list->count];
	BUG_ON(list->high == list->most);
	return list->high++;
}

/* Gives back an index that was taken. */
static inline void free_list_give(struct free_list *list, uint32_t index)
{
	BUG_ON(list->count == list->most);
	list->given_back[list->count++] = index;
}

#endif
