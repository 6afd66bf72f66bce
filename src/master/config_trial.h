/* SPDX-License-Identifier: MIT */
/*
 * A first reading of a new configuration in a child: whatever it does to a parser harms nobody, and
 * whatever it waits for (name servers, the user database) the child waits for and not the master.
 * What the child found out, the master takes over. Master only; the child touches no client and no
 * listening socket, and leaves nothing on disk.
 */
#ifndef MASTER_CONFIG_TRIAL_H
#define MASTER_CONFIG_TRIAL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "config/conf.h"
#include "config/identity.h"
#include "net/listener.h"

enum { TRIAL_MOST_MS = 10000 };

struct trial_page;

struct trial {
	pid_t pid;       /* of the child; 0: it is reaped, or there is none */
	int status;      /* of the reaped child */
	int64_t kill_ms; /* when it has taken too long */
	bool late;       /* and was killed for it */
	struct trial_page
		*page; /* shared with the child, which writes the outcome; NULL: no trial */
};

/* Forks the child; `now` is the configuration in force. False with err when the system refuses. */
bool trial_start(struct trial *trial, const struct conf_source *source, const struct conf *now,
		 int64_t now_ms, struct err *err);

/* Notes the death of the trial's child; false when pid is another. */
bool trial_reap(struct trial *trial, pid_t pid, int status);

/* A trial was begun and its child has ended: trial_passed may be called. */
bool trial_has_ended(const struct trial *trial);

/* True when the configuration passed, else false with err. */
bool trial_passed(const struct trial *trial, struct err *err);

/*
 * After a trial that passed: what the child looked up for conf, valid until the trial is abandoned.
 * False with err when conf names something else than what the child read.
 */
bool trial_found(const struct trial *trial, const struct conf *conf,
		 const struct identity **identity, const struct listener_addresses **resolved,
		 struct err *err);

/* Kills a child that has taken too long; it is reaped like any other. */
void trial_expire(struct trial *trial, int64_t now_ms);

/* Kills the child, if there is one, and forgets what it found; it is reaped like any other. */
void trial_abandon(struct trial *trial);

#endif
