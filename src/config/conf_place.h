/* SPDX-License-Identifier: MIT */
/*
 * The places where options were set, for messages: "etc/x.conf:3" or "-o user=x", by row of
 * options[]; NULL for a default. Master only; allocates.
 */
#ifndef CONFIG_CONF_PLACE_H
#define CONFIG_CONF_PLACE_H

#include <stdbool.h>

#include "base/err.h"
#include "config/option.h"

/* An empty list of places, or NULL without memory. conf_place_free frees it, and takes NULL. */
char **conf_place_new(void);
void conf_place_free(char **places);

/* Keeps a copy of text as the option's place. Returns false with err. */
bool conf_place_set(char **places, const struct option *option, const char *text, struct err *err);

/* The place of the option of that section and name, which exists; NULL: it has its default. */
const char *conf_place_get(char *const *places, enum option_section section, const char *name);

#endif
