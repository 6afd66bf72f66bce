/* SPDX-License-Identifier: MIT */
/*
 * All that a configuration needs of the system beside sockets: users, directories, limits, the log.
 * Used by the master, its child that tries a reload, -t, and a worker at its start.
 */
#ifndef MASTER_TRIAL_PRESTART_H
#define MASTER_TRIAL_PRESTART_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>

#include "base/err.h"
#include "config/command.h"
#include "config/conf.h"
#include "config/conf_load.h"
#include "config/identity.h"
#include "net/listener.h"
#include "worker/service.h"

/* Results of the checks before the start, so that the start need not repeat the look-ups. */
struct prestart_found {
	struct identity identity;            /* of the workers */
	struct listener_addresses *resolved; /* one for each listen of the configuration; owned */
	struct service_facts *facts;         /* likewise, of services to be loaded; NULL: none is */
	struct command_found *programs;      /* one for each section program; owned */
};

/* Frees what is owned by found. */
void prestart_forget(struct prestart_found *found);

/* Calls conf_load and each listener's service, which checks its options. Returns NULL with err. */
struct conf *prestart_load(const struct conf_source *source, struct err *err);

/*
 * Check that the user and group of conf exist and find the workers' identity (a query of the name
 * service, which may wait), let each listener's service check what it needs of the system (which
 * may wait, too) and try each bind_source, and check that a directory, and the chroot, can be
 * entered. Nothing is changed. err has the option's place, as in all functions of this file.
 */
bool prestart_check_identity(const struct conf *conf, struct identity *identity, struct err *err);
bool prestart_check_services(const struct conf *conf, const struct identity *identity,
			     struct err *err);
bool prestart_check_directory(const struct conf *conf, const char *option, const char *path,
			      struct err *err);
bool prestart_check_chroot(const struct conf *conf, struct err *err);

/* Returns the user who must be able to reopen the logs; -1: the user of this process. */
uid_t prestart_log_owner(const struct identity *identity);

/* Returns whether prestart_log would succeed. Makes no file, and changes none. */
bool prestart_check_log(const struct conf *conf, const struct identity *identity, struct err *err);

/* Changes to working_directory (a daemon without one to /) and sets the umask. Master, at start. */
bool prestart_enter(const struct conf *conf, bool daemon, struct err *err);

/*
 * Opens the log and the access log that conf names, for the workers' user. The log stays as it was
 * when that fails. A daemon, which has no stderr, logs to syslog instead of stderr, and has no
 * access log there.
 */
bool prestart_log(const struct conf *conf, const struct identity *identity, struct err *err);

/* True when all logs that b's workers may reopen are open already with a's. */
bool prestart_same_log(const struct conf *a, const struct identity *of_a, const struct conf *b,
		       const struct identity *of_b);

/* The number of workers that conf needs: none where programs have all its listeners. */
unsigned prestart_workers(const struct conf *conf);

/* Notes that stderr is closed for good. Before prestart_log. */
void prestart_detached(void);

#endif
