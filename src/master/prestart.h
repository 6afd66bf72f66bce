/* SPDX-License-Identifier: MIT */
/*
 * What a configuration wants of the system beside sockets: users, directories, limits, the log. In
 * the master, its child that tries a reload, -t, and a worker in its first moments.
 */
#ifndef MASTER_PRESTART_H
#define MASTER_PRESTART_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>

#include "base/err.h"
#include "config/conf.h"
#include "config/conf_load.h"
#include "config/identity.h"
#include "net/listener.h"

/* What the checks before the start have looked up, so that the start need not ask again. */
struct prestart_found {
	struct identity identity;            /* of the workers */
	struct listener_addresses *resolved; /* by listen of the configuration; owned */
};

/* conf_load, and each listener's service asked whether its options go together. NULL with err. */
struct conf *prestart_load(const struct conf_source *source, struct err *err);

/*
 * Whether the user and group that conf names are there, and who the workers are to be: the one time
 * that the name service is asked, which may wait. Whether a directory, and the chroot, can be
 * entered. They change nothing; err says where the option stands, as in all of these.
 */
bool prestart_check_identity(const struct conf *conf, struct identity *identity, struct err *err);
bool prestart_check_directory(const struct conf *conf, const char *option, const char *path,
			      struct err *err);
bool prestart_check_chroot(const struct conf *conf, struct err *err);

/* The user who has to be able to reopen the logs; -1: the one who runs. */
uid_t prestart_log_owner(const struct identity *identity);

/* Whether prestart_log would succeed. Makes no file, and changes none. */
bool prestart_check_log(const struct conf *conf, const struct identity *identity, struct err *err);

/* Goes to working_directory (a daemon without one to /) and sets the umask. Master, at start. */
bool prestart_enter(const struct conf *conf, bool daemon, struct err *err);

/*
 * Opens the log and the access log that conf names, for the workers' user. The log stays as it was
 * when that fails. A daemon, which has no stderr, logs to syslog instead of stderr, and has no
 * access log there.
 */
bool prestart_log(const struct conf *conf, const struct identity *identity, struct err *err);

/* The logs that b's workers may reopen are open already when a's are. */
bool prestart_same_log(const struct conf *a, const struct identity *of_a, const struct conf *b,
		       const struct identity *of_b);

/* Before prestart_log, and for good: stderr is closed. */
void prestart_detached(void);

/* How many descriptors a worker needs: of that many listening sockets, among so many peers. */
rlim_t prestart_files_wanted(const struct conf *conf, unsigned sockets, unsigned capacity);

/*
 * True when the master, and its workers under rlimit_nofile, can open so many more sockets and
 * the wires of `capacity` workers. Otherwise false with err, which says how many descriptors are
 * needed.
 */
bool prestart_check_files(const struct conf *conf, unsigned sockets, unsigned capacity,
			  struct err *err);

/*
 * Raises the master's limits of open descriptors so that it can have those sockets and its workers
 * all of theirs; logs environment_warned when the system refuses. Before they are opened.
 */
void prestart_raise(const struct conf *conf, unsigned sockets, unsigned capacity);

#endif
