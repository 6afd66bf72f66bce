/* SPDX-License-Identifier: MIT */
/* One piece for all lists of titled sections. Their checks are in conf_program.c and the like. */
#include "config/conf_titled.h"

#include <stdlib.h>
#include <string.h>

#include "base/quote.h"
#include "base/units.h"
#include "config/conf_place.h"
#include "config/option.h"

enum { NAMES_MOST = 64 };

/* Where struct conf has the list of a section. */
static const struct place_of_list {
	size_t list, count, size; /* size 0: the section has none */
} lists[SECTION_COUNT] = {
	[SECTION_program] = { offsetof(struct conf, programs), offsetof(struct conf, program_count),
			      sizeof(struct program_conf) },
	[SECTION_upstream] = { offsetof(struct conf, upstreams),
			       offsetof(struct conf, upstream_count),
			       sizeof(struct upstream_conf) },
	[SECTION_tls] = { offsetof(struct conf, tls), offsetof(struct conf, tls_count),
			  sizeof(struct tls_conf) },
};

#define HAS_HEAD(type, first)                                                               \
	_Static_assert(offsetof(type, first) == offsetof(struct titled, title) &&           \
			       offsetof(type, origin) == offsetof(struct titled, origin) && \
			       offsetof(type, places) == offsetof(struct titled, places),   \
		       "struct titled")
HAS_HEAD(struct listen_conf, address);
HAS_HEAD(struct program_conf, title);
HAS_HEAD(struct upstream_conf, title);
HAS_HEAD(struct tls_conf, title);

bool conf_titled_set_place(void *object, const struct option *option, const char *text,
			   struct err *err)
{
	return conf_place_set(((struct titled *)object)->places, option, text, err);
}

const char *conf_titled_place(const void *object, enum option_section section, const char *name)
{
	const struct titled *titled = object;
	const char *place = conf_place_get(titled->places, section, name);

	return place ? place : titled->origin;
}

static char **list_of(const struct conf *conf, enum option_section section)
{
	return (char **)((char *)conf + lists[section].list);
}

static size_t *count_of(const struct conf *conf, enum option_section section)
{
	return (size_t *)((char *)conf + lists[section].count);
}

bool conf_titled_has(enum option_section section)
{
	return lists[section].size > 0;
}

size_t conf_titled_count(const struct conf *conf, enum option_section section)
{
	return *count_of(conf, section);
}

void *conf_titled_get(const struct conf *conf, enum option_section section, size_t index)
{
	return *list_of(conf, section) + index * lists[section].size;
}

void *conf_titled_find(const struct conf *conf, enum option_section section, const char *title)
{
	for (size_t i = 0; i < *count_of(conf, section); i++) {
		struct titled *object = conf_titled_get(conf, section, i);

		if (object->title != NULL && strcmp(object->title, title) == 0)
			return object;
	}
	return NULL;
}

static bool is_title_good(const struct conf *conf, enum option_section section, const char *title,
			  struct err *err)
{
	const struct titled *other = conf_titled_find(conf, section, title);

	if (title[0] == '\0' || strlen(title) > CONF_TITLE_MOST)
		return err_set(err, CODE_CONFIG, "the title has to be of 1 to %d bytes",
			       CONF_TITLE_MOST);
	if (other != NULL)
		return err_set(err, CODE_CONFIG, "the title is given twice (first: %s)",
			       other->origin);
	return true;
}

void *conf_titled_grow(void *list, size_t count, size_t size, const char *title, const char *origin,
		       struct err *err)
{
	const struct titled head = { strdup(title), strdup(origin), conf_place_new() };
	bool is_whole = head.title && head.origin && head.places;
	char *more = is_whole ? reallocarray(list, count + 1, size) : NULL;

	if (more == NULL) {
		err_errno(err, CODE_OSERR, "cannot keep a section");
		free(head.title);
		free(head.origin);
		conf_place_free(head.places);
		return NULL;
	}
	memset(more + count * size, 0, size);
	memcpy(more + count * size, &head, sizeof(head));
	return more;
}

void *conf_titled_add(struct conf *conf, enum option_section section, const char *title,
		      const char *origin, struct err *err)
{
	char **list = list_of(conf, section), *more;
	size_t *count = count_of(conf, section);
	void *added;

	if (!is_title_good(conf, section, title, err))
		return NULL;
	more = conf_titled_grow(*list, *count, lists[section].size, title, origin, err);
	if (more == NULL)
		return NULL;
	*list = more;
	added = conf_titled_get(conf, section, (*count)++);
	return option_defaults(section, added, err) ? added : NULL;
}

static void free_object(enum option_section section, struct titled *object)
{
	option_free(section, object);
	free(object->title);
	free(object->origin);
	conf_place_free(object->places);
}

void conf_titled_drop(struct conf *conf, enum option_section section,
		      bool (*drops)(const struct conf *conf, const void *object))
{
	size_t *count = count_of(conf, section), kept = 0;

	for (size_t i = 0; i < *count; i++) {
		void *object = conf_titled_get(conf, section, i);

		if (drops == NULL || drops(conf, object))
			free_object(section, object);
		else
			memmove(conf_titled_get(conf, section, kept++), object,
				lists[section].size);
	}
	*count = kept;
	if (kept > 0)
		return;
	free(*list_of(conf, section));
	*list_of(conf, section) = NULL;
}

bool conf_titled_refuse(const struct conf *conf, enum option_section section,
			const struct listen_conf *listen, const char *title, struct err *err)
{
	const char *names[NAMES_MOST], *nearest, *name = option_sections[section].name;
	char shown[QUOTE_TEXT];
	size_t count = 0;

	if (title[0] == '\0')
		return err_set(err, CODE_CONFIG,
			       "%s: listen.%s: is missing (the title of a section %s)",
			       listen->origin, name, name);
	for (; count < *count_of(conf, section) && count < NAMES_MOST; count++)
		names[count] = ((struct titled *)conf_titled_get(conf, section, count))->title;
	nearest = units_nearest(title, names, count);
	return err_set(err, CODE_CONFIG, "%s: listen.%s: there is no %s %s%s%s%s", listen->origin,
		       name, name, quote_show(title, shown), nearest ? " (did you mean " : "",
		       nearest ? nearest : "", nearest ? "?)" : "");
}
