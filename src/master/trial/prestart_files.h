/* SPDX-License-Identifier: MIT */
/* How many descriptors master and workers need, and the limits for them. Master, and -t. */
#ifndef MASTER_TRIAL_PRESTART_FILES_H
#define MASTER_TRIAL_PRESTART_FILES_H

#include <stdbool.h>
#include <sys/resource.h>

#include "base/err.h"
#include "config/conf.h"

/*
 * Returns the descriptors that a worker needs, for so many listening sockets and peers; and that it
 * makes use of while every connection sends a file.
 */
rlim_t prestart_files_needed(const struct conf *conf, unsigned sockets, unsigned capacity);
rlim_t prestart_files_wanted(const struct conf *conf, unsigned sockets, unsigned capacity);

/*
 * Returns true when the master can open so many more sockets and the wires of `capacity` workers.
 * Otherwise false with err, which has the number needed.
 */
bool prestart_check_files(const struct conf *conf, unsigned sockets, unsigned capacity,
			  struct err *err);

/* The same for a worker under rlimit_nofile; sockets counts all that it listens on. */
bool prestart_check_rlimit(const struct conf *conf, unsigned sockets, unsigned capacity,
			   struct err *err);

/*
 * Raises the master's limits of open descriptors to suffice for those sockets and for each worker;
 * logs environment_warned when the system refuses. Before the sockets are opened.
 */
void prestart_raise(const struct conf *conf, unsigned sockets, unsigned capacity);

#endif
