/* SPDX-License-Identifier: MIT */
/*
 * Walks from path to path as a client does that follows each answer: the place of the path, its
 * first redirect, the path to which that leads. What lies on other servers is not known.
 */
#include "services/files/redirect_end.h"

#include <stdio.h>
#include <string.h>

#include "base/quote.h"
#include "base/strbuf.h"
#include "services/files/redirect.h"

enum {
	STEPS_MOST = 20, /* clients give up then (RFC 9110 15.4 leaves it to them) */
	SHOWN_STEPS = 3,
	RAW_TEXT = 3 * HTTP_LINE_MOST + REDIRECT_MOST + 1,
	WALK_TEXT = 512
};

struct step {
	char path[HTTP_LINE_MOST];
	struct http_target target;
};

static struct http_text prefix_of(const struct listen_conf *location)
{
	return redirect_prefix((struct http_text){ location->address, strlen(location->address) });
}

/* The location with the longest prefix, else the listen. */
static const struct listen_conf *find_place(const struct listen_conf *listen,
					    const struct step *step)
{
	const struct listen_conf *found = listen;
	size_t longest = 0;

	for (size_t i = 0; i < listen->location_count; i++) {
		const struct http_text prefix = prefix_of(&listen->locations[i]);

		if (!http_target_is_below(step->path, step->target.length, prefix) ||
		    (found != listen && prefix.length <= longest))
			continue;
		found = &listen->locations[i];
		longest = prefix.length;
	}
	return found;
}

/* The first redirect of the place that the step's path has. */
static bool find_redirect(const struct listen_conf *place, const struct step *step,
			  struct redirect *found)
{
	for (size_t i = 0; i < place->redirect.count; i++) {
		*found = redirect_read(place->redirect.texts[i]);
		if (http_target_is_below(step->path, step->target.length, found->prefix))
			return true;
	}
	return false;
}

static bool ends_with_slash(struct http_text text)
{
	return text.at[text.length - 1] == '/';
}

/* Writes the path that the answer of this step leads to; false when it is on another server. */
static bool write_next(struct strbuf *raw, const struct step *step, const struct redirect *r)
{
	size_t begin = r->prefix.length;

	strbuf_put(raw, r->to.at, r->to.length);
	if (ends_with_slash(r->from) && begin < step->target.length) {
		begin += begin > 0;
		http_target_escape(raw, step->path + begin, step->target.length - begin);
		if (step->target.ends_with_slash)
			strbuf_raw(raw, "/");
	}
	return r->to.at[0] == '/';
}

/* Takes the step; false when the client has arrived. A path that is too long has no end either. */
static bool go(const struct listen_conf *listen, struct step *step)
{
	char bytes[RAW_TEXT];
	struct strbuf raw = strbuf_on(bytes, sizeof(bytes));
	struct redirect r;
	size_t length;
	unsigned status;

	if (!find_redirect(find_place(listen, step), step, &r) || !write_next(&raw, step, &r))
		return false;
	length = raw.used;
	if (memchr(bytes, '?', length))
		length = (size_t)((char *)memchr(bytes, '?', length) - bytes);
	status = http_target_decode((struct http_text){ bytes, length }, step->path,
				    sizeof(step->path), &step->target);
	return status == 0 || status == 414;
}

static void begin(struct step *step, const struct redirect *r)
{
	const struct http_text prefix = r->prefix;

	memcpy(step->path, prefix.at, prefix.length);
	step->path[prefix.length] = '\0';
	step->target = (struct http_target){ .length = prefix.length,
					     .ends_with_slash = ends_with_slash(r->from) };
}

static void show_step(struct strbuf *walk, const struct step *step)
{
	strbuf_raw(walk, walk->used > 0 ? ", /" : "/");
	strbuf_put(walk, step->path, step->target.length);
	if (step->target.ends_with_slash && step->target.length > 0)
		strbuf_raw(walk, "/");
}

static bool check_entry(const struct listen_conf *listen, const char *entry, struct err *err)
{
	char walk_text[WALK_TEXT] = "", shown[QUOTE_TEXT], shown_walk[QUOTE_TEXT];
	struct strbuf walk = strbuf_on(walk_text, sizeof(walk_text) - 1);
	const struct redirect r = redirect_read(entry);
	struct step step;

	begin(&step, &r);
	for (unsigned i = 0; i < STEPS_MOST; i++) {
		if (i < SHOWN_STEPS)
			show_step(&walk, &step);
		if (!go(listen, &step))
			return true;
	}
	return err_set(err, CODE_CONFIG,
		       "redirect: %s has no end: %s and so on (write a TO that no FROM has; a FROM "
		       "has the paths below it too)",
		       quote_show(entry, shown), quote_show(walk_text, shown_walk));
}

bool redirect_end_check(const struct listen_conf *listen, const struct listen_conf *place,
			struct err *err)
{
	for (size_t i = 0; i < place->redirect.count; i++)
		if (!check_entry(listen, place->redirect.texts[i], err))
			return false;
	return true;
}
