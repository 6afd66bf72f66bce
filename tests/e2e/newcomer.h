/* SPDX-License-Identifier: MIT */
/* A new worker that is held before it is ready, so that a reload waits for it. */
#ifndef E2E_NEWCOMER_H
#define E2E_NEWCOMER_H

#include "traffic.h"

struct newcomer {
	pid_t pids[2]; /* of the worker and its keeper */
	unsigned count;
	unsigned generation;
};

/*
 * Begins a reload (HUP), under traffic, and stops the worker of that number, the last one. All
 * others of its generation are ready when it returns.
 */
void newcomer_hold(struct traffic *t, unsigned number, struct newcomer *held);

/* Lets it go on: the reload goes on as well. */
void newcomer_release(const struct newcomer *held);

/* Kills it: the reload fails. */
void newcomer_kill(const struct newcomer *held);

/* The pid of the ready worker of that number in the same generation. */
pid_t newcomer_peer(struct traffic *t, const struct newcomer *held, unsigned number);

#endif
