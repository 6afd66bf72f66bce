/* SPDX-License-Identifier: MIT */
/*
 * What the flags -l and -o share: lists that are cut at commas, and messages. Only for
 * config/conf_cmdline.h. Master only.
 */
#ifndef CONFIG_CONF_CMDLINE_PARTS_H
#define CONFIG_CONF_CMDLINE_PARTS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

enum { CONF_CMDLINE_VALUES = 1024 }; /* most values of one flag */

/*
 * Writes the text of a flag for a message to shown, cut to size: "..." stands for the value of an
 * option that holds a hash, which may be a password by mistake. Returns shown.
 */
const char *conf_cmdline_show(const char *text, char *shown, size_t size);

/*
 * Makes any check's error a usage error, with the flag and its text in front; an empty text stays
 * visible. Returns false.
 */
bool conf_cmdline_blame(struct err *err, const char *flag, const char *text);

/*
 * Refuses an unknown option's name; `all` has the names that are possible. A hint from another
 * server's option name takes precedence over a similar spelling. Returns false with err.
 */
bool conf_cmdline_refuse_name(const char *name, bool of_listener, const char *const *all,
			      size_t count, struct err *err);

/* Cuts text at each comma, in place. Returns the number of pieces, or 0 for too many. */
size_t conf_cmdline_cut(char *text, const char **pieces, size_t most);

#endif
