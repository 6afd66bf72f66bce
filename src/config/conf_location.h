/* SPDX-License-Identifier: MIT */
/*
 * The locations of a listen: a location is a listen of its own, whose address is the prefix of its
 * paths, and has what it does not set from the listen. Master only; allocates.
 */
#ifndef CONFIG_CONF_LOCATION_H
#define CONFIG_CONF_LOCATION_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "config/conf_fields.h"

enum { CONF_LOCATION_MOST = 1000 }; /* bytes of a prefix */

/*
 * True for a path as requests have it after it is decoded: it begins with a slash, and no name in
 * it is empty, a dot or two. Pure.
 */
bool conf_location_is_path(const char *text);

/*
 * Adds a location of defaults to the listen. Refuses a title that is no path, and one that another
 * location has, with a slash at its end or without; err then lacks the place. The next call may
 * move the location.
 */
struct listen_conf *conf_location_add(struct listen_conf *listen, const char *title,
				      const char *origin, struct err *err);

/*
 * Once all values are there: gives each location what it does not set. Returns false with err when
 * a listen has locations whose service knows none.
 */
bool conf_location_inherit(struct conf *conf, struct err *err);

/* Frees the locations of the listen. */
void conf_location_drop(struct listen_conf *listen);

#endif
