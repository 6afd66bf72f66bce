/* SPDX-License-Identifier: MIT */
/*
 * The configuration file's grammar, by libconfuse: sections, lists, strings, include("FILE"). Each
 * value goes, as text, to the check of its option, with its file and line. Master only; not
 * reentrant.
 */
#ifndef CONFIG_CONF_FILE_H
#define CONFIG_CONF_FILE_H

#include <stdbool.h>

#include "base/err.h"
#include "config/conf.h"

/*
 * Reads file and its includes into conf. A relative file is looked up in directory (NULL: the
 * current directory), a relative include in the folder of the including file. Returns false with
 * err: `FILE:LINE: option: what is wrong (what is allowed)`; conf is then half filled.
 */
bool conf_file_load(struct conf *conf, const char *file, const char *directory, struct err *err);

#endif
