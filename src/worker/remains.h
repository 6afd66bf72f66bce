/* SPDX-License-Identifier: MIT */
/*
 * What can be believed of a record that a dead worker left, without following anything in it. Pure;
 * for recovery, its report and the access log.
 */
#ifndef WORKER_REMAINS_H
#define WORKER_REMAINS_H

#include "worker/arena.h"
#include "worker/conn.h"

/* Nobody has written over its ends. */
bool remains_is_whole(const struct arena *arena, struct conn *c);

/* Its listener's, by address: conf is where the master and its workers have it. NULL: none of these. */
const struct listen_conf *remains_conf(const struct conf *conf, const struct conn *c);

/* True when it is a client's address and nothing else. */
bool remains_has_remote(const struct net *remote);

#endif
