/* SPDX-License-Identifier: MIT */
/* The header Location. It opens nothing. */
#include "services/files/redirect.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/quote.h"
#include "config/conf_location.h"
#include "services/files/open/place.h"

/* Each byte of the path may need an escape; the query has none. */
enum { LOCATION_TEXT = 3 * HTTP_LINE_MOST + REDIRECT_MOST + 64 + HTTP_LINE_MOST };

/* Of this worker, by the number of the place; written before it serves. */
static struct redirect_list *redirects;

bool redirect_start(void)
{
	if (redirects)
		return true;
	redirects = calloc(place_count(), sizeof(*redirects));
	for (unsigned i = 0; redirects && i < place_count(); i++)
		if (!redirect_list_read(&place_conf(i)->redirect, &redirects[i]))
			return false;
	return redirects != NULL;
}

const struct redirect *redirect_find(const struct asked *a)
{
	return redirect_list_find(&redirects[a->place], a->path, a->target.length);
}

/* sign: what stands before it. */
static void put_query(struct strbuf *text, const struct asked *a, const char *sign)
{
	if (!a->request->has_query)
		return;
	strbuf_raw(text, sign);
	strbuf_put(text, buf_head(&a->c->in) + a->request->query.at, a->request->query.length);
}

static unsigned answer_location(const struct asked *a, unsigned status, struct strbuf *headers)
{
	strbuf_raw(headers, "\r\n");
	BUG_ON(headers->is_cut);
	headers->base[headers->used] = '\0';
	return file_refuse(a, status, headers->base);
}

unsigned redirect_answer(const struct asked *a, const struct redirect *r)
{
	char bytes[LOCATION_TEXT];
	struct strbuf headers = strbuf_on(bytes, sizeof(bytes) - 1);

	strbuf_raw(&headers, "Location: ");
	redirect_list_put_address(&headers, r, a->path, &a->target);
	put_query(&headers, a, memchr(r->to.at, '?', r->to.length) ? "&" : "?");
	return answer_location(a, r->status, &headers);
}

/* It begins with one slash, whatever was asked for: a path of this server. */
unsigned redirect_to_folder(const struct asked *a)
{
	char bytes[LOCATION_TEXT];
	struct strbuf headers = strbuf_on(bytes, sizeof(bytes) - 1);

	strbuf_raw(&headers, "Location: /");
	http_target_escape(&headers, a->path, a->target.length);
	strbuf_raw(&headers, "/");
	put_query(&headers, a, "?");
	return answer_location(a, 301, &headers);
}

/* --- At load --- */

static bool is_from(struct http_text from)
{
	char text[REDIRECT_MOST + 1];

	memcpy(text, from.at, from.length);
	text[from.length] = '\0';
	return conf_location_is_path(text);
}

static bool begins(struct http_text text, const char *beginning)
{
	size_t length = strlen(beginning);

	return text.length > length && memcmp(text.at, beginning, length) == 0 &&
	       text.at[length] != '/';
}

/* A path of this server, or the address of another one. */
static bool is_to(struct http_text to)
{
	return (to.length == 1 && to.at[0] == '/') || begins(to, "/") || begins(to, "http://") ||
	       begins(to, "https://");
}

static bool is_status(unsigned status)
{
	return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

static bool has_bad_byte(struct http_text to)
{
	const char *end = to.at + to.length;

	return http_skip(to.at, end, HTTP_TARGET) != end;
}

/* $uri and the like of other servers. */
static bool has_variable(struct http_text to)
{
	for (size_t i = 0; i + 1 < to.length; i++)
		if (to.at[i] == '$' && (isalnum((unsigned char)to.at[i + 1]) ||
					to.at[i + 1] == '_' || to.at[i + 1] == '{'))
			return true;
	return false;
}

static bool has_more_words(const char *entry)
{
	for (unsigned i = 0; i < 3; i++)
		(void)http_text_word(&entry);
	return http_text_word(&entry).length > 0;
}

static const char *find_mistake(const struct redirect *r)
{
	if (r->to.length == 0)
		return "has no target (write \"/old/ /new/\" or \"/old/ /new/ 301\", in quotes)";
	if (has_more_words(r->entry))
		return "is more than FROM TO STATUS (write \"/old/ /new/ 301\")";
	if (!is_from(r->from))
		return "has a FROM that is not a path (it begins with /, and no name in it is "
		       "empty, \".\" or \"..\")";
	if (!is_to(r->to))
		return "has a TO that is neither a path nor http://... or https://...";
	if (memchr(r->to.at, '#', r->to.length))
		return "has a TO with a fragment, behind which no rest and no query can follow "
		       "(leave out what begins with #)";
	if (has_bad_byte(r->to))
		return "has a TO with a byte that an address cannot have (write it as %20, %23 "
		       "...)";
	if (has_variable(r->to))
		return "has a variable, and there are none (a FROM with a slash at its end adds "
		       "the rest of the path to TO, and the query follows always)";
	if (r->keeps_rest && r->to.at[r->to.length - 1] != '/')
		return "has a FROM with a slash at its end, so that the rest of the path follows "
		       "TO, which has none (write \"/old/ /new/\")";
	if (!is_status(r->status))
		return "has a STATUS that is not 301, 302, 303, 307 or 308";
	return NULL;
}

/* Another one that stands before it and has its path; NULL: none. */
static const struct redirect *find_earlier(const struct redirect_list *list, size_t index)
{
	const struct redirect_list before = { list->list, index };
	const struct http_text prefix = list->list[index].prefix;

	return redirect_list_find(&before, prefix.at, prefix.length);
}

static bool check_entry(const struct redirect_list *list, size_t index, struct err *err)
{
	const struct redirect *r = &list->list[index], *earlier;
	const char *mistake = find_mistake(r);
	char shown[QUOTE_TEXT], shown_earlier[QUOTE_TEXT];

	if (mistake)
		return err_set(err, CODE_CONFIG, "redirect: %s %s", quote_show(r->entry, shown),
			       mistake);
	earlier = find_earlier(list, index);
	return earlier == NULL ||
	       err_set(err, CODE_CONFIG,
		       "redirect: %s is never reached: %s stands before it and has that path too "
		       "(put the longer FROM first, or leave one out)",
		       quote_show(r->entry, shown), quote_show(earlier->entry, shown_earlier));
}

static bool check_list(const struct redirect_list *list, struct err *err)
{
	for (size_t i = 0; i < list->count; i++)
		if (!check_entry(list, i, err))
			return false;
	return true;
}

bool redirect_check(const struct listen_conf *conf, struct err *err)
{
	struct redirect_list list;
	bool is_good = redirect_list_read(&conf->redirect, &list) ?
			       check_list(&list, err) :
			       err_set(err, CODE_OSERR, "redirect: no memory for %zu entries",
				       conf->redirect.count);

	redirect_list_free(&list);
	return is_good;
}
