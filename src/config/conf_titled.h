/* SPDX-License-Identifier: MIT */
/*
 * The titled sections of a configuration that listeners refer to (program, upstream): lists of
 * structs that begin with their title and their place. It knows no option. Master only; allocates.
 */
#ifndef CONFIG_CONF_TITLED_H
#define CONFIG_CONF_TITLED_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "config/conf_fields.h"

enum { CONF_TITLE_MOST = 63 };

/* The head of each struct of such a list, and of a listener, whose title is its address. */
struct titled {
	char *title;
	char *origin;  /* its place for messages */
	char **places; /* of its options (config/conf_place.h); NULL: all as origin */
};

/* Keeps a copy of text as the place where the object's option was set. Returns false with err. */
bool conf_titled_set_place(void *object, const struct option *option, const char *text,
			   struct err *err);

/* The place where the object's option of that name was set; for a default the object's. */
const char *conf_titled_place(const void *object, enum option_section section, const char *name);

/*
 * Adds an object of defaults to the section's list. Refuses a title of the wrong length and one
 * that another object has; err then lacks the place. The next call may move the object.
 */
void *conf_titled_add(struct conf *conf, enum option_section section, const char *title,
		      const char *origin, struct err *err);

/*
 * Makes room in a list of `count` structs of `size` bytes for one more, which has its head and is
 * zeroed behind it. Returns the list, which may have moved, or NULL with err, and it is as before.
 */
void *conf_titled_grow(void *list, size_t count, size_t size, const char *title, const char *origin,
		       struct err *err);

/* True when the section has such a list. */
bool conf_titled_has(enum option_section section);

/* The number of objects of the section, and one of them. */
size_t conf_titled_count(const struct conf *conf, enum option_section section);
void *conf_titled_get(const struct conf *conf, enum option_section section, size_t index);

/* Returns the object with that title, or NULL. */
void *conf_titled_find(const struct conf *conf, enum option_section section, const char *title);

/* Frees all objects for which `drops` is true (NULL: all), and keeps the order of the others. */
void conf_titled_drop(struct conf *conf, enum option_section section,
		      bool (*drops)(const struct conf *conf, const void *object));

/*
 * The listener refers to no object of the section, by the option of the section's name whose value
 * is `title`: sets err, with the listener's place, and returns false.
 */
bool conf_titled_refuse(const struct conf *conf, enum option_section section,
			const struct listen_conf *listen, const char *title, struct err *err);

#endif
