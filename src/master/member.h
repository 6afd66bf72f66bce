/* SPDX-License-Identifier: MIT */
/*
 * One place in a generation: a worker and its keeper, and in which of these situations they are.
 * Master only.
 *
 *   EMPTY ----------------wanted--------------------------> BACKOFF
 *   BACKOFF --------------due_ms--------------------------> STARTING
 *   STARTING -------------the worker says so--------------> READY
 *   STARTING, READY ------no heartbeat--------------------> HUNG_STARTING, HUNG_READY
 *   HUNG_STARTING --------the worker had just said so-----> HUNG_READY
 *   these four -----------worker died---------------------> BACKOFF
 *                 \-------worker left by itself-----------> RENEWING_KEEPER (kept), else BACKOFF
 *                  \------no other worker is to follow----> DISMISSING_KEEPER (kept), else EMPTY
 *                   \-----told to leave-------------------> DRAINING, HUNG_DRAINING
 *   RENEWING_KEEPER ------keeper gone---------------------> BACKOFF
 *   BACKOFF, RENEWING ----told to leave-------------------> DISMISSING_KEEPER (kept), else EMPTY
 *   BACKOFF --------------told to leave, connections held-> RECOVERING_TO_DRAIN
 *   DRAINING -------------no heartbeat--------------------> HUNG_DRAINING
 *   DRAINING, HUNG_ ------worker died, connections held---> RECOVERING_TO_DRAIN
 *   RECOVERING_TO_DRAIN --due_ms--------------------------> DRAINING
 *   DRAINING, HUNG_ ------told to end at once, kill_ms----> ENDING, HUNG_ENDING
 *   ENDING ---------------no heartbeat--------------------> HUNG_ENDING
 *   all that leave -------worker gone---------------------> DISMISSING_KEEPER (kept), else EMPTY
 *            \------------told to end, without a worker---> DISMISSING_KEEPER
 *   DISMISSING_KEEPER ----keeper gone---------------------> EMPTY
 *                    \----the keeper had cloned one more--> ENDING
 */
#ifndef MASTER_MEMBER_H
#define MASTER_MEMBER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "master/respawn_backoff.h"
#include "worker/arena.h"

/* How long at most connections in a keeper's hands wait for the next worker to be tried. */
enum { MEMBER_KEPT_MOST_MS = 1000 };

enum member_state {
	MEMBER_EMPTY,
	MEMBER_BACKOFF,         /* no worker until due_ms */
	MEMBER_RENEWING_KEEPER, /* no worker until the old keeper has left */
	MEMBER_STARTING,        /* a worker was forked, or asked of the keeper */
	MEMBER_READY,
	MEMBER_HUNG_STARTING, /* being killed for it, as all HUNG ones are */
	MEMBER_HUNG_READY,
	MEMBER_DRAINING, /* told to leave; what it leaves, another one finishes */
	MEMBER_HUNG_DRAINING,
	MEMBER_RECOVERING_TO_DRAIN, /* no worker until due_ms; the next one drains */
	MEMBER_ENDING,              /* told to end at once; what it leaves is lost */
	MEMBER_HUNG_ENDING,
	MEMBER_DISMISSING_KEEPER, /* no worker any more; the keeper was told to leave */
	MEMBER_STATES
};

struct member {
	enum member_state state; /* changed in member.c alone */
	unsigned number;         /* of the member in its generation */
	unsigned seat;           /* which CPU and which reuse_port sockets are its own */
	pid_t pid;               /* of the living worker, else 0 */
	pid_t keeper;            /* of the living keeper, else 0 */
	int retire_signal;       /* by which a leaving one was told, or 0 */
	int64_t deadline_ms;     /* of a leaving one: when all that it leaves is over */
	int64_t due_ms;          /* BACKOFF, RECOVERING_TO_DRAIN: when to start */
	int64_t started_ms;      /* of the living worker */
	int64_t grace_ms;        /* its heartbeat counts as at least this late */
	int64_t kill_ms;         /* when it gets SIGKILL; 0: not */
	uint64_t held; /* connections that its dead workers left, as far as they can be believed */
	struct respawn_backoff respawn;
	struct arena *arena; /* NULL while EMPTY */
};

/* Which situations are meant. */
bool member_is_staying(const struct member *member); /* a worker is there or to come, for good */
bool member_is_running(const struct member *member); /* it is there, as far as is known */
bool member_is_ready(const struct member *member);   /* and has said that it is ready */
bool member_is_leaving(const struct member *member); /* told to leave, and not gone yet */
bool member_is_alive(const struct member *member);   /* running or leaving: no end before its end */
bool member_is_hung(const struct member *member);    /* its worker is being killed for it */
bool member_is_ending(const struct member *member);  /* what its worker leaves is not finished */
bool member_must_beat(const struct member *member);  /* its heartbeat is to be looked at */
bool member_wants_worker(const struct member *member); /* to be started once due_ms has come */

/* Lets an EMPTY member's worker start in that seat as soon as workers_start_due is called. */
void member_want(struct member *member, unsigned seat, int64_t now_ms);

/* A worker was forked, or asked of the keeper: member_wants_worker was true. */
void member_started(struct member *member, int64_t now_ms);

/* Its worker says that it is ready: false when that is known, or it is leaving. */
bool member_note_ready(struct member *member);

/* Its worker hangs, and is killed at kill_ms at the latest: member_must_beat was true. */
void member_hang(struct member *member, int64_t kill_ms);

/*
 * Its worker is dead, or could not be started: the next one starts after the delay that the life of
 * the last one calls for. With `renew` the keeper has nothing to hand on: it goes too, and the next
 * worker comes with a new one.
 */
void member_respawn(struct member *member, bool renew, bool progressed, int64_t now_ms);

/* No worker is to live here any more: frees it at once, or once its keeper has left. */
void member_leave(struct member *member, int64_t now_ms);

/* Its keeper, which was alone, is dead. */
void member_keeper_gone(struct member *member);

/* Its worker lives, which the keeper has cloned; it is told now what was asked of it before. */
void member_learn_pid(struct member *member, pid_t pid, int64_t now_ms);

/*
 * Sends the signal to its living worker. A fast stop (SIGINT, SIGKILL) also means that what a
 * leaving worker leaves is not finished.
 */
void member_signal(struct member *member, int signal);

/* SIGKILL when kill_ms has come. */
void member_kill_due(struct member *member, int64_t now_ms);

/*
 * Tells the worker to leave by that signal (0: by none yet); it gets SIGKILL at kill_ms unless that
 * is set already for an earlier time. One that is still to come is no longer wanted, unless a
 * keeper holds connections; an EMPTY member is left alone.
 */
void member_retire(struct member *member, int signal, int64_t kill_ms);

#endif
