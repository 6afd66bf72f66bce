/* SPDX-License-Identifier: MIT */
/*
 * What a worker takes over from one that died: the connections of the slot's arena. It reads the
 * arena with suspicion (a stray pointer may have written anywhere) and decides for each record
 * whether its connection goes on.
 *
 *   survey: judge the head, end what was in hand, judge the others   (nothing is open yet)
 *   then the worker closes every descriptor that is not kept
 *   adopt:  free lists, epoll, deadlines                              (the loop is open)
 */
#ifndef WORKER_RECOVERY_H
#define WORKER_RECOVERY_H

#include <stdbool.h>
#include <stdint.h>

#include "worker/heritage.h"
#include "worker/pool.h"

struct recovery {
	bool is_needed;      /* a worker lived in this arena before */
	bool was_draining;   /* it had been told to leave */
	const char *emptied; /* why the slot starts without connections; NULL: it does not */
	bool *is_kept;       /* by record */
	int *fds;            /* of the connections that are kept */
	unsigned kept, in_hand, damaged;
	unsigned lost; /* connections that are gone, the emptied arena's included */
	int64_t began_ms;
};

/*
 * Judges what is in the arena, when the heritage says that an earlier worker lived in it. The
 * records of lost connections are free afterwards; their descriptors are closed by not being among
 * fds. False with errno (memory). Worker only, first of all. Allocates; recovery_end frees.
 */
bool recovery_survey(struct recovery *recovery, const struct heritage *heritage);

/* Takes the kept connections over and says what came of it. False with errno. Worker only. */
bool recovery_adopt(struct recovery *recovery, struct pool *pool);

void recovery_end(struct recovery *recovery);

/* The worker's loop has gone round: whatever it dies of next is not of this recovery. */
void recovery_passed(struct arena *arena);

/* What a dead worker had in hand, for the master's report; every field checked. */
struct recovery_in_hand {
	bool has_remote; /* it had a connection in hand, and this is whose */
	struct net remote;
	uint16_t remote_port;
	const struct listen_conf *conf; /* NULL: the rest cannot be told, the record is damaged */
	enum conn_state state;
	int64_t age_ms;
	uint64_t bytes_in, bytes_out;
	const char *last_call; /* the last system call it began, or "none" */
};

/*
 * Reads the scene before the next worker starts; conf is the generation's. Changes nothing. Master
 * only.
 */
void recovery_in_hand(const struct arena *arena, const struct slot *slot, const struct conf *conf,
		      int64_t now_ms, struct recovery_in_hand *scene);

#endif
