/* SPDX-License-Identifier: MIT */
/* Makes room for as many indexes as can be given back. */
#include "base/free_list.h"

#include "base/pages.h"

static size_t bytes_of(uint32_t most)
{
	return most * sizeof(uint32_t);
}

bool free_list_start(struct free_list *list, uint32_t most)
{
	*list = (struct free_list){ .given_back = pages_new(bytes_of(most)), .most = most };
	return list->given_back != NULL;
}

void free_list_stop(struct free_list *list)
{
	pages_free(list->given_back, bytes_of(list->most));
}
