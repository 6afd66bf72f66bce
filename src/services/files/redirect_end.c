/* SPDX-License-Identifier: MIT */
/*
 * Walks from path to path as a client does that follows each answer: the place of the path, its
 * first redirect, the path to which that leads. What lies on other servers is not known.
 */
#include "services/files/redirect_end.h"

#include <stdlib.h>
#include <string.h>

#include "base/quote.h"
#include "services/files/open/place.h"
#include "services/files/redirect.h"

enum {
	REDIRECTS_MOST = 20, /* clients give up then (RFC 9110 15.4 leaves it to them) */
	SHOWN_STEPS = 3,
	RAW_TEXT = 3 * HTTP_LINE_MOST + REDIRECT_MOST + 1,
	WALK_TEXT = 512
};

/* The listen and its locations, by the numbers of place_prefixes. */
struct places {
	struct http_text *prefixes;
	struct redirect_list *redirects;
	unsigned count;
	size_t entries; /* of all of them */
};

static bool read_places(const struct listen_conf *listen, struct places *places)
{
	unsigned count = 1 + (unsigned)listen->location_count;

	places->prefixes = calloc(count, sizeof(*places->prefixes));
	places->redirects = calloc(count, sizeof(*places->redirects));
	if (!places->prefixes || !places->redirects)
		return false;
	place_prefixes(listen, places->prefixes);
	for (; places->count < count; places->count++) {
		const struct listen_conf *place =
			places->count == 0 ? listen : &listen->locations[places->count - 1];

		if (!redirect_list_read(&place->redirect, &places->redirects[places->count]))
			return false;
		places->entries += place->redirect.count;
	}
	return true;
}

static void free_places(struct places *places)
{
	for (unsigned i = 0; i < places->count; i++)
		redirect_list_free(&places->redirects[i]);
	free(places->redirects);
	free(places->prefixes);
}

/* Where the client is. */
struct step {
	char path[HTTP_LINE_MOST];
	struct http_target target;
	bool is_last; /* on another server, or refused there */
};

enum step_end { STEP_TAKEN, STEP_ARRIVED, STEP_TOO_LONG };

static const struct redirect *find_redirect(const struct places *places, const struct step *step)
{
	unsigned place =
		place_longest(places->prefixes, places->count, step->path, step->target.length);

	return redirect_list_find(&places->redirects[place], step->path, step->target.length);
}

static enum step_end take_step(const struct places *places, struct step *step)
{
	const struct redirect *r = step->is_last ? NULL : find_redirect(places, step);
	char bytes[RAW_TEXT];
	struct strbuf raw = strbuf_on(bytes, sizeof(bytes));
	const char *query;

	if (!r)
		return STEP_ARRIVED;
	step->is_last = r->to.at[0] != '/';
	if (step->is_last)
		return STEP_TAKEN;
	redirect_list_put_address(&raw, r, step->path, &step->target);
	query = memchr(bytes, '?', raw.used);
	if (query)
		raw.used = (size_t)(query - bytes);
	switch (http_target_decode((struct http_text){ bytes, raw.used }, step->path,
				   sizeof(step->path), &step->target)) {
	case 0:
		return STEP_TAKEN;
	case 414:
		return STEP_TOO_LONG;
	default:
		step->is_last = true;
		return STEP_TAKEN;
	}
}

static void show_step(struct strbuf *walk, const struct step *step)
{
	strbuf_raw(walk, walk->used > 0 ? ", /" : "/");
	strbuf_put(walk, step->path, step->target.length);
	if (step->target.ends_with_slash && step->target.length > 0)
		strbuf_raw(walk, "/");
}

/* Takes at most that many steps, and writes the first ones to walk. */
static enum step_end take_steps(const struct places *places, struct step *step, size_t most,
				struct strbuf *walk)
{
	enum step_end end = STEP_TAKEN;

	for (size_t i = 0; i < most && end == STEP_TAKEN; i++) {
		if (i < SHOWN_STEPS)
			show_step(walk, step);
		end = take_step(places, step);
	}
	return end;
}

static void set_first_step(struct step *step, const struct redirect *r)
{
	const struct http_text prefix = r->prefix;

	memcpy(step->path, prefix.at, prefix.length);
	step->path[prefix.length] = '\0';
	step->target =
		(struct http_target){ .length = prefix.length, .ends_with_slash = r->keeps_rest };
	step->is_last = false;
}

static bool is_same(const struct step *a, const struct step *b)
{
	return !a->is_last && a->target.length == b->target.length &&
	       a->target.ends_with_slash == b->target.ends_with_slash &&
	       memcmp(a->path, b->path, a->target.length) == 0;
}

/*
 * Walks on: true when a path comes again, or when they grow too long. The path looked for is a
 * later one after each power of two, and so is on the circle at last (Brent).
 */
static bool is_endless(const struct places *places, struct step *step)
{
	struct step earlier = *step;
	enum step_end end = STEP_TAKEN;

	for (size_t i = 1; i <= HTTP_LINE_MOST + 4 * places->entries && end == STEP_TAKEN; i++) {
		end = take_step(places, step);
		if (end == STEP_TAKEN && is_same(step, &earlier))
			return true;
		if ((i & (i - 1)) == 0)
			earlier = *step;
	}
	return end == STEP_TOO_LONG;
}

static bool check_entry(const struct places *places, const struct redirect *r, struct err *err)
{
	char text[WALK_TEXT] = "", shown[QUOTE_TEXT], shown_walk[QUOTE_TEXT];
	struct strbuf walk = strbuf_on(text, sizeof(text) - 1);
	struct step step;
	enum step_end end;

	set_first_step(&step, r);
	end = take_steps(places, &step, REDIRECTS_MOST + 1, &walk);
	if (end == STEP_ARRIVED)
		return true;
	quote_show(r->entry, shown);
	quote_show(text, shown_walk);
	if (end == STEP_TAKEN && !is_endless(places, &step))
		return err_set(err, CODE_CONFIG,
			       "redirect: %s leads through more than %d redirects, and clients "
			       "give up: %s and so on (write the last TO in place of the first)",
			       shown, REDIRECTS_MOST, shown_walk);
	return err_set(err, CODE_CONFIG,
		       "redirect: %s has no end: %s and so on (write a TO that no FROM has; a FROM "
		       "has the paths below it too)",
		       shown, shown_walk);
}

static bool check_list(const struct places *places, const struct redirect_list *list,
		       struct err *err)
{
	for (size_t i = 0; i < list->count; i++)
		if (!check_entry(places, &list->list[i], err))
			return false;
	return true;
}

bool redirect_end_check(const struct listen_conf *listen, const struct listen_conf *place,
			struct err *err)
{
	size_t number = place == listen ? 0 : 1 + (size_t)(place - listen->locations);
	struct places places = { 0 };
	bool is_good;

	is_good = read_places(listen, &places) ?
			  check_list(&places, &places.redirects[number], err) :
			  err_set(err, CODE_OSERR, "redirect: no memory for %zu entries",
				  place->redirect.count);
	free_places(&places);
	return is_good;
}
