/* SPDX-License-Identifier: MIT */
/*
 * The configuration: how it is built and queried. The checks here go beyond one option: services,
 * addresses, duplicates. config/conf_load.h loads a configuration from all its sources.
 */
#ifndef CONFIG_CONF_H
#define CONFIG_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/err.h"
#include "config/conf_fields.h"
#include "config/option.h"

/* The services as rows (tables/services.def): their names and sentences. */
struct service_row {
	const char *name, *sentence;
};
extern const struct service_row conf_services[];
extern const size_t conf_service_count;

/* Returns a configuration of defaults without listeners, or NULL with err. conf_free frees it. */
struct conf *conf_new(struct err *err);

/*
 * Records the place where the option (of section main or log) was set; copies text. Returns false
 * with err.
 */
bool conf_set_place(struct conf *conf, const struct option *option, const char *text,
		    struct err *err);

/* The place where the listener's option of that name was set; for a default that of the listen. */
const char *conf_listen_place(const struct listen_conf *listener, const char *name);

/*
 * Adds a listener of defaults. Refuses a malformed address and one that another listener has; err
 * then lacks the place. The next call may move the listener.
 */
struct listen_conf *conf_add_listener(struct conf *conf, const char *address, const char *origin,
				      struct err *err);

/* Frees all listeners except the first `keep`. */
void conf_drop_listeners(struct conf *conf, size_t keep);

/* Returns false with err when text names no service. */
bool conf_is_service(const char *text, struct err *err);

/* True for an option of a listen that has an effect only with accept_proxy. */
bool conf_needs_proxy(const struct option *option);

/*
 * Returns false with err when the option, which the listener was given, has no effect there:
 * because it belongs to another service (`framing: belongs to service ack, not echo`), or because
 * the option that it needs is not set.
 */
bool conf_check_effect_of(const struct option *option, const struct listen_conf *listener,
			  struct err *err);

/*
 * True when both written addresses mean the same socket; never for port 0. Pure: names are compared
 * as text.
 */
bool conf_same_address(const char *a, const char *b);

void conf_free(struct conf *conf);

/* Writes the whole configuration as a file that conf_load reads back unchanged. */
void conf_print(const struct conf *conf, FILE *out);

/*
 * True when a running server can change from `from` to `to`. Otherwise false with err, which names
 * the first option that needs a restart (`x.conf:3: pid_file: cannot change at run time (restart
 * the server)`). Listeners are compared by address.
 */
bool conf_can_reload(const struct conf *from, const struct conf *to, struct err *err);

/*
 * Returns the place where an option of section main or log was set, for a message; for a default
 * the origin.
 */
const char *conf_place(const struct conf *conf, const char *full_name);

/* The number of workers: the option `workers`, or for auto the CPUs that this process may use. */
unsigned conf_workers(const struct conf *conf);

/* The number of copies of a program: its option `copies`, or for auto the number of workers. */
unsigned conf_copies(const struct conf *conf, const struct program_conf *program);

/* True when the option `user` applies: the process is root, and user is not "root". */
bool conf_drops_user(const struct conf *conf);

#endif
