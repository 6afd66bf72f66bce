/* SPDX-License-Identifier: MIT */
/*
 * The configuration: what it holds, and loading it whole or not at all. libconfuse does
 * grammar, comments, includes and line numbers; meaning is checked here, once, for every source
 * (file, -o, -l, -w).
 */
#ifndef CONFIG_CONF_H
#define CONFIG_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/err.h"
#include "config/option.h"

/* The field of an option is named after it; log.level is log_level. */
#define FIELD_main(kind, name) kind_##kind name;
#define FIELD_log(kind, name)  kind_##kind log_##name;
#define FIELD_listen(kind, name)
#define OPTION(section, name, kind, fallback, min, max, words, service, reload, sentence) \
	FIELD_##section(kind, name)

struct listen_conf;

struct conf {
	char *origin;                  /* the file's path, "built-in default" or "command line" */
	struct listen_conf *listeners; /* in the order of the file or of -l */
	size_t listener_count;
	char **places; /* by row of options[]: "etc/x.conf:3", "-o user=x", NULL for a default */
#include "tables/options.def"
};

#undef FIELD_main
#undef FIELD_log
#undef FIELD_listen
#define FIELD_main(kind, name)
#define FIELD_log(kind, name)
#define FIELD_listen(kind, name) kind_##kind name;
#define OPTION(section, name, kind, fallback, min, max, words, service, reload, sentence) \
	FIELD_##section(kind, name)

struct listen_conf {
	char *address; /* as written; addr_check has passed it */
	char *origin;  /* "etc/x.conf:12" or "-l 8081=ack": where a message says it stands */
#include "tables/options.def"
};

#undef FIELD_main
#undef FIELD_log
#undef FIELD_listen

/* Enumerators of the CHOICE options, in the order of their words. */
enum { AFFINITY_NONE, AFFINITY_AUTO };
enum framing { FRAMING_RAW, FRAMING_LINE, FRAMING_LENGTH };

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
void conf_free(struct conf *conf);

/* Writes the whole configuration as a file that conf_load reads back to the same. */
void conf_print(const struct conf *conf, FILE *out);

/*
 * True when a running server can go from `from` to `to`. Otherwise false with err that names
 * the first option that needs a restart (`x.conf:3: pid_file: cannot change at run time (restart
 * the server)`). Listeners are compared by address.
 */
bool conf_can_reload(const struct conf *from, const struct conf *to, struct err *err);

/*
 * Where an option of section main or log was given, for a message; the origin where it has its
 * default.
 */
const char *conf_place(const struct conf *conf, const char *full_name);

/* How many workers `workers` means here: the number, or for auto the CPUs this process may use. */
unsigned conf_workers(const struct conf *conf);

/* True when user applies: the process is root and user is not root's own name. */
bool conf_drops_user(const struct conf *conf);

#endif
