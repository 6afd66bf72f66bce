/* SPDX-License-Identifier: MIT */
/*
 * The first reading of a new configuration, in a child: a file that crashes the parser does not end
 * the server, and the child, not the master, waits for name servers and the user database. The
 * master takes over what the child has looked up. The child touches no client and no listening
 * socket, and leaves nothing on disk. Master only.
 */
#ifndef MASTER_CONFIG_TRIAL_H
#define MASTER_CONFIG_TRIAL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "config/conf.h"
#include "config/conf_load.h"
#include "config/identity.h"
#include "net/listener.h"

struct config_trial_page;

struct config_trial {
	pid_t pid;                      /* of the child; 0: it is reaped, or there is none */
	int status;                     /* of the reaped child */
	int64_t kill_ms;                /* when it has taken too long */
	bool late;                      /* and was killed for it */
	struct config_trial_page *page; /* in which the child writes the outcome; NULL: no trial */
};

/* Forks the child; `now` is the configuration in force. False with err when the system refuses. */
bool config_trial_start(struct config_trial *trial, const struct conf_source *source,
			const struct conf *now, int64_t now_ms, struct err *err);

/* Notes the death of the trial's child; false when pid is another. */
bool config_trial_reap(struct config_trial *trial, pid_t pid, int status);

/* A trial was begun and its child has ended: config_trial_passed may be called. */
bool config_trial_has_ended(const struct config_trial *trial);

/* True when the configuration passed, else false with err. */
bool config_trial_passed(const struct config_trial *trial, struct err *err);

/*
 * After a trial that passed: what the child looked up for conf, valid until the trial is abandoned.
 * False with err when conf names something else than what the child read.
 */
bool config_trial_found(const struct config_trial *trial, const struct conf *conf,
			const struct identity **identity,
			const struct listener_addresses **resolved, struct err *err);

/* Kills a child that has taken too long; it is reaped like any other. */
void config_trial_expire(struct config_trial *trial, int64_t now_ms);

/* Kills the child, if there is one, and forgets what it found; it is reaped like any other. */
void config_trial_abandon(struct config_trial *trial);

#endif
