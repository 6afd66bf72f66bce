/* SPDX-License-Identifier: MIT */
/*
 * The fields of a configuration, one for each row of tables/options.def. Data only; config/conf.h
 * has the functions.
 */
#ifndef CONFIG_CONF_FIELDS_H
#define CONFIG_CONF_FIELDS_H

#include <stddef.h>

#include "config/option_type.h"

/*
 * An option's field has its name; log.level is log_level. Each struct takes the fields of its
 * sections.
 */
#define FIELD_main(kind, name) kind_##kind name;
#define FIELD_log(kind, name)  kind_##kind log_##name;
#define FIELD_listen(kind, name)
#define FIELD_program(kind, name)
#define FIELD_upstream(kind, name)
#define FIELD_tls(kind, name)
#define OPTION(section, name, kind, fallback, min, max, words, service, reload, sentence) \
	FIELD_##section(kind, name)

struct listen_conf;
struct program_conf;
struct upstream_conf;
struct tls_conf;
struct auth_users; /* config/auth_users.h */

struct conf {
	char *origin;                  /* the file's path, "built-in default" or "command line" */
	struct listen_conf *listeners; /* in the order of the file or of -l */
	size_t listener_count;
	struct program_conf *programs;
	size_t program_count;
	struct upstream_conf *upstreams;
	size_t upstream_count;
	struct tls_conf *tls;
	size_t tls_count;
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
	char *address;            /* as written; checked by addr_check. Of a location its prefix */
	char *origin;             /* its place for messages: "etc/x.conf:12" or "-l 8081=ack" */
	char **places;            /* by row of options[]: as in struct conf; NULL: as origin */
	struct auth_users *users; /* who may ask, with a password; NULL: everybody may */
	struct listen_conf *locations; /* in the order of the file (config/conf_location.h) */
	size_t location_count;
#include "tables/options.def"
};

#undef FIELD_listen
#undef FIELD_program
#define FIELD_listen(kind, name)
#define FIELD_program(kind, name) kind_##kind name;
#define OPTION(section, name, kind, fallback, min, max, words, service, reload, sentence) \
	FIELD_##section(kind, name)

struct program_conf {
	char *title;
	char *origin;  /* its place for messages: "etc/x.conf:12" or "-- python3 app.py" */
	char **places; /* as a listener's */
#include "tables/options.def"
};

#undef FIELD_program
#undef FIELD_upstream
#define FIELD_program(kind, name)
#define FIELD_upstream(kind, name) kind_##kind name;
#define OPTION(section, name, kind, fallback, min, max, words, service, reload, sentence) \
	FIELD_##section(kind, name)

struct upstream_conf {
	char *title;
	char *origin;    /* as a program's; of a made one the listener's */
	char **places;   /* as a listener's */
	bool is_made;    /* of the option `to` of a listener */
	size_t listener; /* of a made one: its listener in struct conf */
#include "tables/options.def"
};

#undef FIELD_upstream
#undef FIELD_tls
#define FIELD_upstream(kind, name)
#define FIELD_tls(kind, name) kind_##kind name;
#define OPTION(section, name, kind, fallback, min, max, words, service, reload, sentence) \
	FIELD_##section(kind, name)

struct tls_conf {
	char *title;
	char *origin;  /* as a program's */
	char **places; /* as a listener's */
#include "tables/options.def"
};

#undef FIELD_main
#undef FIELD_log
#undef FIELD_listen
#undef FIELD_program
#undef FIELD_upstream
#undef FIELD_tls

/* Room for the options of any one section, at the offsets of their rows. */
union option_object {
	struct conf conf;
	struct listen_conf listen;
	struct program_conf program;
	struct upstream_conf upstream;
	struct tls_conf tls;
};

/* Enumerators of the CHOICE options, in the order of their words. */
enum { AFFINITY_NONE, AFFINITY_AUTO };
enum access_format { ACCESS_AUTO, ACCESS_LOGFMT, ACCESS_JSON, ACCESS_COMBINED };
enum { STDERR_LOG, STDERR_CONNECTION };
enum upstream_balance { BALANCE_LEAST_CONN, BALANCE_ROUND_ROBIN, BALANCE_RANDOM, BALANCE_HASH };
enum upstream_check { CHECK_OFF, CHECK_CONNECT, CHECK_EXPECT };
enum send_proxy { SEND_PROXY_OFF, SEND_PROXY_V1, SEND_PROXY_V2 };
enum client_verify { VERIFY_NO, VERIFY_OPTIONAL, VERIFY_YES };
enum on_limit { ON_LIMIT_WAIT, ON_LIMIT_CLOSE, ON_LIMIT_RESET };
enum follow_symlinks { FOLLOW_YES, FOLLOW_NO, FOLLOW_SAME_OWNER };
enum framing { FRAMING_RAW, FRAMING_LINE, FRAMING_LENGTH };

#endif
