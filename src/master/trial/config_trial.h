/* SPDX-License-Identifier: MIT */
/*
 * The first reading of a new configuration, in a child. A file that crashes the parser does not end
 * the server, and the child, not the master, waits for name servers and the user database. The
 * master takes over the results of the look-ups. The child touches no client and no listening
 * socket, and leaves nothing on disk. Master only.
 */
#ifndef MASTER_TRIAL_CONFIG_TRIAL_H
#define MASTER_TRIAL_CONFIG_TRIAL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "config/command.h"
#include "config/conf.h"
#include "config/conf_load.h"
#include "config/identity.h"
#include "master/procs.h"
#include "net/listener.h"
#include "worker/service.h"

struct config_trial_page;

struct config_trial {
	pid_t pid;                      /* of the child; 0: it is reaped, or there is none */
	int status;                     /* of the reaped child */
	int64_t kill_ms;                /* when the child has taken too long */
	bool late;                      /* the child was killed for it */
	struct config_trial_page *page; /* for the child's outcome; NULL: no trial */
};

/*
 * Forks the child; the current generation of procs has the configuration in force. Returns false
 * with err when the fork fails.
 */
bool config_trial_start(struct config_trial *trial, const struct conf_source *source,
			struct procs *procs, int64_t now_ms, struct err *err);

/* Notes the death of the trial's child. Returns false when pid is another process. */
bool config_trial_reap(struct config_trial *trial, pid_t pid, int status);

/* True when a trial was begun and its child has ended: config_trial_passed may be called. */
bool config_trial_has_ended(const struct config_trial *trial);

/* Returns true when the configuration passed, else false with err. */
bool config_trial_passed(const struct config_trial *trial, struct err *err);

/*
 * After a trial that passed: the child's look-ups for conf, valid until the trial is abandoned.
 * Returns false with err when conf has other names than the child read.
 */
bool config_trial_found(const struct config_trial *trial, const struct conf *conf,
			const struct identity **identity,
			const struct listener_addresses **resolved, struct err *err);

/* After a trial that passed: what it has found of services to be loaded, for each listen. */
const struct service_facts *config_trial_facts(const struct config_trial *trial);

/* After config_trial_found: what the child found for each program of conf, as long valid. */
const struct command_found *config_trial_programs(const struct config_trial *trial);

/* Kills a child that has taken too long; the master reaps it like any other. */
void config_trial_expire(struct config_trial *trial, int64_t now_ms);

/* Kills the child, if there is one, and frees its results; the master reaps it like any other. */
void config_trial_abandon(struct config_trial *trial);

#endif
