/* SPDX-License-Identifier: MIT */
/*
 * Loads a configuration completely or not at all, from a file and the command line, or from the
 * built-in default. libconfuse does grammar, comments, includes and line numbers; values are
 * checked once, for every source.
 */
#ifndef CONFIG_CONF_LOAD_H
#define CONFIG_CONF_LOAD_H

#include <stddef.h>

#include "base/err.h"
#include "config/conf.h"

/*
 * The command line's part of a configuration. All pointers are borrowed and stay valid for every
 * later reload.
 */
struct conf_source {
	const char *file;       /* -c; NULL: SYSCONFDIR/prefork-srv.conf, or else built in */
	const char *workers;    /* -w, or NULL */
	const char *pid_file;   /* -p, or NULL */
	const char **listeners; /* each -l; one or more replace the file's listeners */
	size_t listener_count;
	const char **overrides; /* each -o: NAME=VALUE, log.NAME=VALUE, listen.NAME=VALUE for all */
	size_t override_count;
	const char *directory; /* base of relative file names here; NULL: the current directory */
};

/*
 * Reads the source and checks everything that needs no access to the environment: names, kinds,
 * bounds, services and their options, the form of addresses, duplicates. Returns the configuration,
 * or NULL with err: `FILE:LINE: option: what is wrong (what is allowed)`, CODE_CONFIG; for -w, -l
 * and -o `-o log.level=x: ...`, CODE_USAGE. The caller owns the result (conf_free). Master, or its
 * child that tries a reload; allocates.
 */
struct conf *conf_load(const struct conf_source *source, struct err *err);

#endif
