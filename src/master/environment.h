/* SPDX-License-Identifier: MIT */
/*
 * What a configuration wants of the system beside sockets: users, directories, limits, the log.
 * Used by the master, by its child that tries a reload, and by a worker in its first moments.
 */
#ifndef MASTER_ENVIRONMENT_H
#define MASTER_ENVIRONMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "core/conf.h"
#include "core/listener.h"

/* conf_load, and each listener's service asked whether its options go together. NULL with err. */
struct conf *environment_load(const struct conf_source *source, struct err *err);

/* Whether the user, the group and the directories that conf names are there. Changes nothing. */
bool environment_check(const struct conf *conf, struct err *err);

/* Goes to working_directory (a daemon without one to /) and sets the umask. Master, at start. */
bool environment_enter(const struct conf *conf, bool daemon, struct err *err);

/*
 * Opens the log that conf names, for the workers' user. The log stays as it was when that fails. A
 * daemon, which has no stderr, logs to syslog instead of stderr.
 */
bool environment_log(const struct conf *conf, struct err *err);

/* Both want the same log, opened for the same user. */
bool environment_same_log(const struct conf *a, const struct conf *b);

/* From here on the process counts as a daemon. */
void environment_detached(void);

/*
 * Raises the master's limits of open descriptors so that its workers can have theirs; logs
 * environment_warned when the system refuses.
 */
void environment_raise(const struct conf *conf, const struct listener_set *listeners,
		       unsigned capacity);

/*
 * In a worker, before it leaves the master's things: its limit, its umask, and with `new_log` the
 * log of its own configuration, which the master takes over only once the generation is ready.
 */
bool environment_inherit(const struct conf *conf, const struct listener_set *listeners,
			 unsigned capacity, bool new_log, struct err *err);

#endif
