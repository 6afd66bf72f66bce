/* SPDX-License-Identifier: MIT */
/*
 * A configuration while it is being put together, and the checks that go beyond one option:
 * services, addresses, duplicates. For the sources of a configuration (config/conf.c,
 * config/conf_file.c, config/conf_cmdline.c). Allocates.
 */
#ifndef CONFIG_CONF_BUILD_H
#define CONFIG_CONF_BUILD_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "config/conf.h"

/* The services as rows (tables/services.def): their names and sentences. */
struct service_row {
	const char *name, *sentence;
};
extern const struct service_row conf_build_services[];
extern const size_t conf_build_service_count;

/* A configuration of defaults without listeners; NULL with err. conf_free frees it. */
struct conf *conf_build_new(struct err *err);

/* Notes where the option (of section main or log) was given; text is copied. False with err. */
bool conf_build_place(struct conf *conf, const struct option *option, const char *text,
		      struct err *err);

/*
 * Adds a listener of defaults. Refuses a wrong address and one that another listener has; err
 * then lacks the place. The listener moves when another is added.
 */
struct listen_conf *conf_build_add(struct conf *conf, const char *address, const char *origin,
				   struct err *err);

/* Frees all listeners from the first on that `keep` leaves. */
void conf_build_truncate(struct conf *conf, size_t keep);

/* False with err when text names no service. */
bool conf_build_is_service(const char *text, struct err *err);

/*
 * False with err (`framing: belongs to service ack, not echo`) when the option is another
 * service's.
 */
bool conf_build_belongs(const struct option *option, const struct listen_conf *listener,
			struct err *err);

/*
 * True when both written addresses ask for the same socket. Port 0 never does. Pure: names are
 * compared as text.
 */
bool conf_build_same_address(const char *a, const char *b);

#endif
