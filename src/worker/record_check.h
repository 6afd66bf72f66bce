/* SPDX-License-Identifier: MIT */
/*
 * What can be believed of a record that a dead worker left, without following anything in it, and
 * what the access log tells of it. For recovery, and for what the master reports of a dead worker.
 */
#ifndef WORKER_RECORD_CHECK_H
#define WORKER_RECORD_CHECK_H

#include "accesslog/accessline.h"
#include "worker/arena.h"
#include "worker/conn_record.h"

/* Nobody has written over its ends. */
bool record_check_is_whole(const struct arena *arena, struct conn *c);

/*
 * The first record in use from *index on, and *index beyond it; NULL when there is none. What the
 * head says is bounded by what there is.
 */
struct conn *record_check_next(const struct arena *arena, uint32_t *index);

/*
 * Its listener's, by address: conf is where the master and its workers have it. NULL: none of
 * these.
 */
const struct listen_conf *record_check_conf(const struct conf *conf, const struct conn *c);

/*
 * Writes the last lines of the access log of the worker of that number and generation, to where
 * conf says: those that wait in its arena, and one for each of so many connections that are lost
 * with it (accesslog/accessrescue.h). The arena may hold anything. Master only.
 */
void record_check_log_lost(struct arena *arena, const struct conf *conf, uid_t owner,
			   unsigned generation, unsigned number, uint32_t connections,
			   struct worker_tally *tally);

/* True when it is a client's address and nothing else. */
bool record_check_has_remote(const struct net *remote);

/*
 * Fills in the entry of a connection that ends so, as far as it can be believed, now being
 * clock_us(). state: 3 bytes that the entry goes on to use. Of NULL, nothing is known.
 */
void record_check_tell(struct access_entry *entry, const struct arena *arena,
		       const struct conf *conf, struct conn *c, enum close_reason reason,
		       int64_t now_us, char *state);

#endif
