/* SPDX-License-Identifier: MIT */
/*
 * The configuration: putting it together and what can be asked of it. The checks here go beyond one
 * option: services, addresses, duplicates. config/conf_load.h loads one from all its sources.
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

/* A configuration of defaults without listeners; NULL with err. conf_free frees it. */
struct conf *conf_new(struct err *err);

/* Notes where the option (of section main or log) was given; text is copied. False with err. */
bool conf_set_place(struct conf *conf, const struct option *option, const char *text,
		    struct err *err);

/*
 * Adds a listener of defaults. Refuses a wrong address and one that another listener has; err
 * then lacks the place. The listener moves when another is added.
 */
struct listen_conf *conf_add_listener(struct conf *conf, const char *address, const char *origin,
				      struct err *err);

/* Frees all listeners from the first on that `keep` leaves. */
void conf_drop_listeners(struct conf *conf, size_t keep);

/* False with err when text names no service. */
bool conf_is_service(const char *text, struct err *err);

/*
 * False with err (`framing: belongs to service ack, not echo`) when the option is another
 * service's.
 */
bool conf_check_service_of(const struct option *option, const struct listen_conf *listener,
			   struct err *err);

/*
 * True when both written addresses ask for the same socket. Port 0 never does. Pure: names are
 * compared as text.
 */
bool conf_same_address(const char *a, const char *b);

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
