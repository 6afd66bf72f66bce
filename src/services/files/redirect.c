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
static struct place_redirects {
	struct redirect *list;
	size_t count;
} * redirects;

static bool ends_with_slash(struct http_text text)
{
	return text.length > 0 && text.at[text.length - 1] == '/';
}

struct http_text redirect_prefix(struct http_text from)
{
	if (from.length > 0) {
		from.at++;
		from.length--;
	}
	if (ends_with_slash(from))
		from.length--;
	return from;
}

struct redirect redirect_read(const char *entry)
{
	struct redirect r;
	struct http_text status;

	r.from = http_text_word(&entry);
	r.to = http_text_word(&entry);
	status = http_text_word(&entry);
	r.status = status.length == 0 ? 301 : http_text_status(status);
	r.prefix = redirect_prefix(r.from);
	return r;
}

static bool read_entries(const struct text_list *entries, struct place_redirects *of)
{
	if (entries->count == 0)
		return true;
	of->list = calloc(entries->count, sizeof(*of->list));
	if (!of->list)
		return false;
	for (; of->count < entries->count; of->count++)
		of->list[of->count] = redirect_read(entries->texts[of->count]);
	return true;
}

bool redirect_start(void)
{
	if (redirects)
		return true;
	redirects = calloc(place_count(), sizeof(*redirects));
	for (unsigned i = 0; redirects && i < place_count(); i++)
		if (!read_entries(&place_conf(i)->redirect, &redirects[i]))
			return false;
	return redirects != NULL;
}

const struct redirect *redirect_find(const struct asked *a)
{
	const struct place_redirects *of = &redirects[a->place];

	for (size_t i = 0; i < of->count; i++)
		if (http_target_is_below(a->path, a->target.length, of->list[i].prefix))
			return &of->list[i];
	return NULL;
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

/* What of the path is behind FROM, with its slash at the end. */
static void put_rest(struct strbuf *headers, const struct asked *a, size_t prefix)
{
	size_t begin = prefix + (prefix > 0 && prefix < a->target.length);

	http_target_escape(headers, a->path + begin, a->target.length - begin);
	if (a->target.ends_with_slash && begin < a->target.length)
		strbuf_raw(headers, "/");
}

unsigned redirect_answer(const struct asked *a, const struct redirect *r)
{
	char bytes[LOCATION_TEXT];
	struct strbuf headers = strbuf_on(bytes, sizeof(bytes) - 1);

	strbuf_raw(&headers, "Location: ");
	strbuf_put(&headers, r->to.at, r->to.length);
	if (ends_with_slash(r->from))
		put_rest(&headers, a, r->prefix.length);
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

static const char *find_mistake(const char *entry)
{
	const struct redirect r = redirect_read(entry);

	if (r.to.length == 0)
		return "has no target (write \"/old/ /new/\" or \"/old/ /new/ 301\", in quotes)";
	if (has_more_words(entry))
		return "is more than FROM TO STATUS (write \"/old/ /new/ 301\")";
	if (!is_from(r.from))
		return "has a FROM that is not a path (it begins with /, and no name in it is "
		       "empty, \".\" or \"..\")";
	if (!is_to(r.to))
		return "has a TO that is neither a path nor http://... or https://...";
	if (has_bad_byte(r.to))
		return "has a TO with a byte that an address cannot have (write it as %20, %23 "
		       "...)";
	if (has_variable(r.to))
		return "has a variable, and there are none (a FROM with a slash at its end adds "
		       "the rest of the path to TO, and the query follows always)";
	if (ends_with_slash(r.from) && !ends_with_slash(r.to))
		return "has a FROM with a slash at its end, so that the rest of the path follows "
		       "TO, which has none (write \"/old/ /new/\")";
	if (!is_status(r.status))
		return "has a STATUS that is not 301, 302, 303, 307 or 308";
	return NULL;
}

/* The first one that has a path is taken. */
static bool is_reached(const struct listen_conf *conf, size_t index, struct err *err)
{
	const struct redirect r = redirect_read(conf->redirect.texts[index]);
	char shown[QUOTE_TEXT], shown_earlier[QUOTE_TEXT];

	for (size_t i = 0; i < index; i++) {
		const struct redirect earlier = redirect_read(conf->redirect.texts[i]);

		if (http_target_is_below(r.prefix.at, r.prefix.length, earlier.prefix))
			return err_set(
				err, CODE_CONFIG,
				"redirect: %s is never reached: %s stands before it and has "
				"that path too (put the longer FROM first, or leave one out)",
				quote_show(conf->redirect.texts[index], shown),
				quote_show(conf->redirect.texts[i], shown_earlier));
	}
	return true;
}

bool redirect_check(const struct listen_conf *conf, struct err *err)
{
	char shown[QUOTE_TEXT];

	for (size_t i = 0; i < conf->redirect.count; i++) {
		const char *mistake = find_mistake(conf->redirect.texts[i]);

		if (mistake)
			return err_set(err, CODE_CONFIG, "redirect: %s %s",
				       quote_show(conf->redirect.texts[i], shown), mistake);
		if (!is_reached(conf, i, err))
			return false;
	}
	return true;
}
