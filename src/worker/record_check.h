/* SPDX-License-Identifier: MIT */
/*
 * Checks a record that a dead worker left, without following any pointer in it, fills in its line
 * of the access log, and writes a dead worker's last lines. For recovery, and for the master.
 */
#ifndef WORKER_RECORD_CHECK_H
#define WORKER_RECORD_CHECK_H

#include "accesslog/accessline.h"
#include "worker/arena.h"
#include "worker/conn_record.h"

/* True when neither end of the record has been overwritten. */
bool record_check_is_whole(const struct arena *arena, struct conn *c);

/*
 * Returns the first record in use from *index on, and moves *index beyond it; NULL when there is
 * none. The head's count is bounded by the size of the arena.
 */
struct conn *record_check_next(const struct arena *arena, uint32_t *index);

/*
 * The listener of the record, found by address: conf is at the same address in the master and its
 * workers. NULL: none of these.
 */
const struct listen_conf *record_check_conf(const struct conf *conf, const struct conn *c);

/*
 * Writes the last lines of the access log for the worker of that number and generation, to the log
 * of conf: the pending lines of its arena, and one for each of `connections` connections lost with
 * it (accesslog/accessrescue.h). The arena may hold anything. Master only.
 */
void record_check_log_lost(struct arena *arena, const struct conf *conf, uid_t owner,
			   unsigned generation, unsigned number, uint32_t connections,
			   struct worker_tally *tally);

/* True when the address is of a client's family. */
bool record_check_has_remote(const struct net *remote);

/*
 * Fills in the entry of a connection that ends for that reason, with the fields that can be
 * trusted; now_us is clock_us(). The entry goes on using state, of 3 bytes. c NULL: nothing is
 * known.
 */
void record_check_tell(struct access_entry *entry, const struct arena *arena,
		       const struct conf *conf, struct conn *c, enum close_reason reason,
		       int64_t now_us, char *state);

#endif
