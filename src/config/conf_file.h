/* SPDX-License-Identifier: MIT */
/*
 * The configuration file's grammar, by libconfuse: sections, lists, strings, include("FILE").
 * It hands each value, as text, to the options' own check, and knows the file and the line of
 * it. Master; not reentrant.
 */
#ifndef CONFIG_CONF_FILE_H
#define CONFIG_CONF_FILE_H

#include <stdbool.h>

#include "base/err.h"
#include "config/conf.h"

/*
 * Reads file, and what it includes, into conf. A relative file is looked for in directory
 * (NULL: the current one), a relative include beside the file that includes it. False with err:
 * `FILE:LINE: option: what is wrong (what is allowed)`; conf is then half filled.
 */
bool conf_file_load(struct conf *conf, const char *file, const char *directory, struct err *err);

#endif
