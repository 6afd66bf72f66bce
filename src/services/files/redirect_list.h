/* SPDX-License-Identifier: MIT */
/* Option redirect as it is read: which entry a path has, and where it leads. Any process. */
#ifndef SERVICES_FILES_REDIRECT_LIST_H
#define SERVICES_FILES_REDIRECT_LIST_H

#include "config/conf_fields.h"

#include "services/http/parse/http_target.h"

/* One entry; the texts lie in the configuration. */
struct redirect {
	const char *entry;
	struct http_text from, to;
	struct http_text prefix; /* FROM as http_target_prefix */
	bool keeps_rest;         /* FROM ends with a slash: the rest of the path follows TO */
	unsigned status;
};

/* The entries of one place, in their order. */
struct redirect_list {
	struct redirect *list;
	size_t count;
};

/*
 * Reads FROM TO [STATUS] of each entry. A missing word is empty; a status that is none is 0. False:
 * no memory. redirect_list_free frees, also then.
 */
bool redirect_list_read(const struct text_list *entries, struct redirect_list *list);
void redirect_list_free(struct redirect_list *list);

/* The first one whose FROM the decoded path has; NULL: none. */
const struct redirect *redirect_list_find(const struct redirect_list *list, const char *path,
					  size_t length);

/* Writes the address to which it leads the decoded path, without the query of the request. */
void redirect_list_put_address(struct strbuf *text, const struct redirect *redirect,
			       const char *path, const struct http_target *target);

#endif
