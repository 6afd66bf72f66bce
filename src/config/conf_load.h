/* SPDX-License-Identifier: MIT */
/*
 * Loading a configuration whole or not at all, from a file and the command line, or the built-in
 * default. libconfuse does grammar, comments, includes and line numbers; meaning is checked once,
 * for every source.
 */
#ifndef CONFIG_CONF_LOAD_H
#define CONFIG_CONF_LOAD_H

#include <stddef.h>

#include "base/err.h"
#include "config/conf.h"

/* What the command line said; all borrowed, and kept for every later reload. */
struct conf_source {
	const char *file;       /* -c; NULL: SYSCONFDIR/prefork-srv.conf or else built in */
	const char *workers;    /* -w, or NULL */
	const char *pid_file;   /* -p, or NULL */
	const char **listeners; /* each -l; any of them replaces the file's listeners */
	size_t listener_count;
	const char **overrides; /* each -o: NAME=VALUE, log.NAME=VALUE, listen.NAME=VALUE for all */
	size_t override_count;
	const char *directory; /* where relative file names of these start; NULL: the current one */
};

/*
 * Reads the source, checks everything that can be checked without touching the environment
 * (names, kinds, bounds, services and whose options they are, addresses' form, duplicates) and
 * returns the configuration, or NULL with err: `FILE:LINE: option: what is wrong (what is
 * allowed)`, CODE_CONFIG; for -w, -l and -o `-o log.level=x: ...`, CODE_USAGE. Owner: the
 * caller, conf_free. Master, or its child that tries a reload; allocates.
 */
struct conf *conf_load(const struct conf_source *source, struct err *err);

#endif
