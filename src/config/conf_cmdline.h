/* SPDX-License-Identifier: MIT */
/*
 * Applies -l, -o, -w, -p and -- to a configuration. Every err is CODE_USAGE and starts with the
 * flag and its text: `-o log.level=lots: "lots" is unknown (...)`. Master only; allocates.
 */
#ifndef CONFIG_CONF_CMDLINE_H
#define CONFIG_CONF_CMDLINE_H

#include <stdbool.h>

#include "base/err.h"
#include "base/flags.h"
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
	char *const *program;  /* the words after --, ending with NULL; NULL: no program */
	const char *directory; /* base of relative file names here; NULL: the current directory */
};

/*
 * Adds the listener of one -l: ADDRESS=SERVICE[,OPTION=VALUE...], or ADDRESS alone for the program
 * after -- of source. A relative path starts in its directory. The address ends at the first "="
 * that is followed by a service's name, so a unix path may hold "=". A comma ends a value; an
 * option that takes a list is repeated for each value.
 */
bool conf_cmdline_listen(struct conf *conf, const char *text, const struct conf_source *source,
			 struct err *err);

/* Adds the program after --, if there is one: it runs in the directory of source. */
bool conf_cmdline_program(struct conf *conf, const struct conf_source *source, struct err *err);

/*
 * Applies one -o: NAME=VALUE, log.NAME=VALUE, listen.NAME=VALUE or program.NAME=VALUE. The last two
 * apply to every listener whose service knows the option, and to every program. Commas separate
 * the values of a list.
 */
bool conf_cmdline_option(struct conf *conf, const char *text, struct err *err);

/* True when the argument of -o names an option of section listen. */
bool conf_cmdline_is_of_listeners(const char *text);

/* Applies -w. */
bool conf_cmdline_workers(struct conf *conf, const char *text, struct err *err);

/* Applies -p. A relative path starts in directory (NULL: the current directory). */
bool conf_cmdline_pid_file(struct conf *conf, const char *text, const char *directory,
			   struct err *err);

/* The flags of the command line (tables/flags.def). Any process. */
enum { FLAG_READY_FD = 1, FLAG_JSON, FLAG_WATCH };

extern const struct flags flags_of_server;

#endif
