/* SPDX-License-Identifier: MIT */
/* Keeps the locations. Which request belongs to which one is services/files' matter. */
#include "config/conf_location.h"

#include <stdlib.h>
#include <string.h>

#include "base/quote.h"
#include "base/units.h"
#include "config/conf_place.h"
#include "config/conf_titled.h"
#include "config/option.h"

static bool is_name(const char *name, size_t length)
{
	return length > 0 && !(length == 1 && name[0] == '.') &&
	       !(length == 2 && name[0] == '.' && name[1] == '.');
}

bool conf_location_is_path(const char *text)
{
	const char *at = text;

	if (*text != '/')
		return false;
	for (; *at != '\0'; at++)
		if ((unsigned char)*at < ' ' || *at == 0x7f)
			return false;
	for (at = text + 1; *at != '\0';) {
		size_t length = strcspn(at, "/");

		if (!is_name(at, length))
			return false;
		at += length;
		at += *at == '/';
	}
	return true;
}

/* Without the slash at its end. */
static size_t prefix_length(const char *title)
{
	size_t length = strlen(title);

	return length - (length > 0 && title[length - 1] == '/');
}

static bool is_same_prefix(const char *a, const char *b)
{
	return prefix_length(a) == prefix_length(b) && strncmp(a, b, prefix_length(a)) == 0;
}

static bool is_title_good(const struct listen_conf *listen, const char *title, struct err *err)
{
	if (strlen(title) > CONF_LOCATION_MOST)
		return err_set(err, CODE_CONFIG, "the prefix has more than %d bytes",
			       CONF_LOCATION_MOST);
	if (!conf_location_is_path(title))
		return err_set(err, CODE_CONFIG,
			       "is not a path (it begins with /, and no name in it is empty, "
			       "\".\" or \"..\")");
	for (size_t i = 0; i < listen->location_count; i++)
		if (is_same_prefix(listen->locations[i].address, title))
			return err_set(err, CODE_CONFIG, "the prefix is given twice (first: %s)",
				       listen->locations[i].origin);
	return true;
}

struct listen_conf *conf_location_add(struct listen_conf *listen, const char *title,
				      const char *origin, struct err *err)
{
	struct listen_conf *list, *added;

	if (!is_title_good(listen, title, err))
		return NULL;
	list = conf_titled_grow(listen->locations, listen->location_count, sizeof(*list), title,
				origin, err);
	if (list == NULL)
		return NULL;
	listen->locations = list;
	added = &list[listen->location_count++];
	return option_defaults(SECTION_listen, added, err) ? added : NULL;
}

static bool inherit(struct listen_conf *location, const struct listen_conf *listen, struct err *err)
{
	for (size_t i = 0; i < option_count; i++)
		if (options[i].section == SECTION_listen && location->places[i] == NULL &&
		    !option_copy(&options[i], location, listen, err))
			return false;
	return true;
}

static bool refuse_service(const struct listen_conf *listen, struct err *err)
{
	const struct listen_conf *location = &listen->locations[0];
	char shown[QUOTE_TEXT];

	return err_set(err, CODE_CONFIG, "%s: %s %s: belongs to service %s, not %s",
		       location->origin, option_sections[SECTION_location].name,
		       quote_show(location->address, shown),
		       option_sections[SECTION_location].service, listen->service);
}

bool conf_location_inherit(struct conf *conf, struct err *err)
{
	for (size_t i = 0; i < conf->listener_count; i++) {
		struct listen_conf *listen = &conf->listeners[i];

		if (listen->location_count > 0 &&
		    !units_has_word(option_sections[SECTION_location].service, listen->service))
			return refuse_service(listen, err);
		for (size_t k = 0; k < listen->location_count; k++)
			if (!inherit(&listen->locations[k], listen, err))
				return false;
	}
	return true;
}

void conf_location_drop(struct listen_conf *listen)
{
	while (listen->location_count > 0) {
		struct listen_conf *location = &listen->locations[--listen->location_count];

		option_free(SECTION_listen, location);
		conf_place_free(location->places);
		free(location->address);
		free(location->origin);
	}
	free(listen->locations);
	listen->locations = NULL;
}
