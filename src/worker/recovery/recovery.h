/* SPDX-License-Identifier: MIT */
/*
 * Takes over the connections in the slot's arena from a worker that died. It distrusts the arena (a
 * stray pointer may have written anywhere) and decides for each record whether its connection goes
 * on.
 *
 *   survey: judge the head, end the connection in hand, judge the others (nothing is open yet)
 *   then the worker closes every descriptor that is not kept, and takes the epoll over
 *   adopt:  free lists, deadlines, what epoll lacks                    (the loop is open)
 *   audit:  the descriptors' kinds, later (worker/recovery/audit.h)
 */
#ifndef WORKER_RECOVERY_RECOVERY_H
#define WORKER_RECOVERY_RECOVERY_H

#include <stdbool.h>
#include <stdint.h>

#include "worker/heritage.h"
#include "worker/pool.h"

struct recovery {
	bool is_needed;      /* an earlier worker used this arena */
	bool lost_epoll;     /* the epoll is a new one: it watches no connection */
	bool was_leaving;    /* that worker had been told to leave */
	const char *emptied; /* why the slot starts without connections; NULL: it does not */
	bool *is_kept;       /* for each record */
	int *fds;            /* of the records that are kept */
	unsigned fd_count;
	unsigned kept, in_hand, damaged;
	unsigned lost; /* connections that are lost, including those of an emptied arena */
	int64_t began_ms;
};

/*
 * Checks the arena, if the heritage says that an earlier worker used it. The records of lost
 * connections are free afterwards; their descriptors are not in fds, so the worker closes them.
 * Returns false with errno set (memory). Worker only, before anything else. Allocates; recovery_end
 * frees.
 */
bool recovery_survey(struct recovery *recovery, const struct heritage *heritage);

/*
 * Takes over the kept connections and logs the outcome. Returns false with errno set. Worker only.
 */
bool recovery_adopt(struct recovery *recovery, struct pool *pool);

void recovery_end(struct recovery *recovery);

/* The worker's loop has turned: a later death is not the fault of this recovery. */
void recovery_passed(struct arena *arena);

/*
 * The connection that a dead worker had in hand, for the master's report; every field is checked.
 */
struct recovery_in_hand {
	bool has_remote; /* a connection was in hand, and remote is its client */
	struct net remote;
	uint16_t remote_port;
	const struct listen_conf
		*conf; /* NULL: the record is damaged, the other fields are unknown */
	enum conn_state state;
	bool is_proxy; /* remote is a proxy, which has not named its client */
	int64_t age_ms;
	uint64_t bytes_in, bytes_out;
	const char *last_call; /* the last system call that the worker began, or "none" */
};

/*
 * Fills in hand before the next worker starts; conf is the generation's. Changes nothing else.
 * Master only.
 */
void recovery_in_hand(const struct arena *arena, const struct slot *slot, const struct conf *conf,
		      int64_t now_ms, struct recovery_in_hand *hand);

#endif
