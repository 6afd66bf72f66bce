/* SPDX-License-Identifier: MIT */
/*
 * Loads a configuration completely or not at all, from a file and the command line, or from the
 * built-in default. libconfuse does grammar, comments, includes and line numbers; values are
 * checked once, for every source.
 */
#ifndef CONFIG_CONF_LOAD_H
#define CONFIG_CONF_LOAD_H

#include "base/err.h"
#include "config/conf.h"
#include "config/conf_cmdline.h"

/*
 * Reads the source and checks everything that needs no access to the environment: names, kinds,
 * bounds, services and their options, the form of addresses, duplicates. Returns the configuration,
 * or NULL with err: `FILE:LINE: option: what is wrong (what is allowed)`, CODE_CONFIG; for -w, -l
 * and -o `-o log.level=x: ...`, CODE_USAGE. The caller owns the result (conf_free). Master, or its
 * child that tries a reload; allocates.
 */
struct conf *conf_load(const struct conf_source *source, struct err *err);

#endif
