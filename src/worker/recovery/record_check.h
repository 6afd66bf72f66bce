/* SPDX-License-Identifier: MIT */
/*
 * The check of a record that another process wrote: a dead worker of the slot, or a worker that
 * passes the connection on. It trusts no number before it has compared it with facts of this
 * process. Also what the access log says of such a record, and a dead worker's last lines; these
 * serve the master as well.
 */
#ifndef WORKER_RECORD_CHECK_H
#define WORKER_RECORD_CHECK_H

#include "accesslog/accessentry.h"
#include "worker/arena.h"
#include "worker/conn_record.h"
#include "worker/record.h"

/* True when neither end of the record has been overwritten. */
bool record_check_is_whole(const struct arena *arena, struct record *r);

/*
 * True when every field that does not name something of the slot can be right at now_us
 * (clock_us()): states, flags, times, the limits of its buffers.
 */
bool record_check_fields(const struct record *r, int64_t now_us);

/*
 * True when a connection of its service can be in the client's record's state, and the service
 * finds its own state sound. One that is ending has none any more (worker/service.h).
 */
bool record_check_service(const struct conn *client);

/*
 * Returns the first record of a connection from *index on, and moves *index beyond it; NULL when
 * there is none. The head's count is bounded by the size of the arena.
 */
struct record *record_check_next(const struct arena *arena, uint32_t *index);

/* The listener of the record; NULL: none of these. */
const struct listen_conf *record_check_conf(const struct conf *conf, const struct record *r);

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

/* A connection that ends for that reason, and the worker that had it; now_us is clock_us(). */
struct record_loss {
	const struct arena *arena;
	const struct conf *conf;
	struct record *r; /* NULL: nothing is known of the connection */
	enum close_reason reason;
	int64_t now_us;
	unsigned generation, worker;
};

/*
 * Fills in the access log's entry, with the fields that can be trusted. The entry goes on using
 * state, of 3 bytes.
 */
void record_check_tell(const struct record_loss *loss, struct access_entry *entry, char *state);

#endif
