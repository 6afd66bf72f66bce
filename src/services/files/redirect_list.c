/* SPDX-License-Identifier: MIT */
/* What the server answers and what the check follows (redirect_end.c) is the same piece. */
#include "services/files/redirect_list.h"

#include <stdlib.h>

static bool ends_with_slash(struct http_text text)
{
	return text.length > 0 && text.at[text.length - 1] == '/';
}

static struct redirect read_entry(const char *entry)
{
	struct redirect r = { .entry = entry };
	struct http_text status;

	r.from = http_text_word(&entry);
	r.to = http_text_word(&entry);
	status = http_text_word(&entry);
	r.status = status.length == 0 ? 301 : http_text_status(status);
	r.prefix = http_target_prefix(r.from);
	r.keeps_rest = ends_with_slash(r.from);
	return r;
}

bool redirect_list_read(const struct text_list *entries, struct redirect_list *list)
{
	*list = (struct redirect_list){ NULL, 0 };
	if (entries->count == 0)
		return true;
	list->list = calloc(entries->count, sizeof(*list->list));
	if (!list->list)
		return false;
	for (; list->count < entries->count; list->count++)
		list->list[list->count] = read_entry(entries->texts[list->count]);
	return true;
}

void redirect_list_free(struct redirect_list *list)
{
	free(list->list);
	*list = (struct redirect_list){ NULL, 0 };
}

const struct redirect *redirect_list_find(const struct redirect_list *list, const char *path,
					  size_t length)
{
	for (size_t i = 0; i < list->count; i++)
		if (http_target_is_below(path, length, list->list[i].prefix))
			return &list->list[i];
	return NULL;
}

/* What of the path is behind FROM, with its slash at the end. */
static void put_rest(struct strbuf *text, size_t prefix, const char *path,
		     const struct http_target *target)
{
	size_t begin = prefix + (prefix > 0 && prefix < target->length);

	http_target_escape(text, path + begin, target->length - begin);
	if (target->ends_with_slash && begin < target->length)
		strbuf_raw(text, "/");
}

void redirect_list_put_address(struct strbuf *text, const struct redirect *r, const char *path,
			       const struct http_target *target)
{
	strbuf_put(text, r->to.at, r->to.length);
	if (r->keeps_rest)
		put_rest(text, r->prefix.length, path, target);
}
