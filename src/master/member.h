/* SPDX-License-Identifier: MIT */
/*
 * One place in a generation: a worker and its keeper, and their common state. Which of the two live
 * is data (pid, keeper); a start that the keeper was ordered has no pid yet. A copy of a program is
 * a member as well: it has no keeper and no arena, and its signals go to its process group. Master
 * only.
 *
 *   EMPTY ----------------wanted--------------------------> BACKOFF
 *   BACKOFF, RECOVERING --due_ms--------------------------> STARTING
 *   STARTING -------------the worker reports it-----------> READY
 *   STARTING, READY ------no heartbeat--------------------> HUNG_STARTING, HUNG_READY
 *   HUNG_STARTING --------the worker had reported it------> HUNG_READY
 *   these four -----------worker died---------------------> RECOVERING (connections held),
 *                 |                                         else BACKOFF
 *                 |-------worker left by itself-----------> RENEWING_KEEPER (kept), else BACKOFF
 *                 |-------no other worker is to follow----> DISMISSING_KEEPER (kept), else EMPTY
 *                 |-------told to leave-------------------> DRAINING, HUNG_DRAINING
 *                 \-------keeper died before it cloned----> BACKOFF
 *   RECOVERING, RENEWING -keeper gone---------------------> BACKOFF
 *   BACKOFF, RENEWING ----told to leave, or given up------> DISMISSING_KEEPER (kept), else EMPTY
 *   RECOVERING -----------told to leave-------------------> RECOVERING_TO_DRAIN
 *   DRAINING -------------no heartbeat--------------------> HUNG_DRAINING
 *   DRAINING, HUNG_ ------worker died, connections held---> RECOVERING_TO_DRAIN
 *   RECOVERING_TO_DRAIN --due_ms--------------------------> DRAINING
 *   DRAINING -------------kill_ms-------------------------> ENDING
 *   DRAINING, HUNG_ ------told to end at once-------------> ENDING, HUNG_ENDING
 *   ENDING ---------------no heartbeat--------------------> HUNG_ENDING
 *   all that leave -------worker gone---------------------> DISMISSING_KEEPER (kept), else EMPTY
 *                 |-------no worker: kill_ms, end at once-> DISMISSING_KEEPER
 *                 \-------no worker: keeper gone----------> EMPTY
 *   DISMISSING_KEEPER ----the keeper had cloned one more--> ENDING
 */
#ifndef MASTER_MEMBER_H
#define MASTER_MEMBER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "master/respawn_backoff.h"
#include "worker/arena.h"

/* Between SIGABRT, which leaves a core of a process that hangs, and SIGKILL. */
enum { MEMBER_ABORT_MS = 1000 };

/* The longest time that connections in a keeper's table wait for the next start of a worker. */
enum { MEMBER_KEPT_MOST_MS = 1000 };

enum member_state {
	MEMBER_EMPTY,
	MEMBER_BACKOFF,         /* no worker until due_ms */
	MEMBER_RECOVERING,      /* the same, and the keeper holds connections for it */
	MEMBER_RENEWING_KEEPER, /* no worker until the old keeper has left */
	MEMBER_STARTING,        /* a worker was forked, or ordered from the keeper */
	MEMBER_READY,
	MEMBER_HUNG_STARTING, /* is being killed for it, as all HUNG workers are */
	MEMBER_HUNG_READY,
	MEMBER_DRAINING, /* told to leave; the next worker finishes its connections */
	MEMBER_HUNG_DRAINING,
	MEMBER_RECOVERING_TO_DRAIN, /* no worker until due_ms; the next one drains */
	MEMBER_ENDING,              /* told to end at once; its connections are lost */
	MEMBER_HUNG_ENDING,
	MEMBER_DISMISSING_KEEPER, /* no worker any more; the keeper was told to leave */
	MEMBER_STATES
};

struct member {
	enum member_state state; /* changed in member.c alone */
	unsigned number;     /* of the member in its generation, or of the copy in its program */
	const char *program; /* title of the program that it is a copy of; NULL: a worker */
	unsigned seat;       /* chooses its CPU and its reuse_port sockets */
	pid_t pid;           /* of the living worker, else 0 */
	pid_t keeper;        /* of the living keeper, else 0 */
	bool is_doubted;     /* the keeper has named a process that is not its worker */
	int retire_signal;   /* that told the leaving worker to leave, or 0 */
	int64_t deadline_ms; /* of a leaving worker: the time limit of its connections */
	int64_t due_ms;      /* BACKOFF and RECOVERING: when to start */
	int64_t started_ms;  /* of the living worker */
	int64_t grace_ms;    /* a heartbeat before this time counts as one at this time */
	int64_t kill_ms;     /* when SIGKILL is due; 0: never */
	uint64_t begun_note; /* of a batch that it had begun with at the last look, or 0 */
	int64_t begun_ms;    /* the first look at which it had */
	uint64_t held;       /* connections that its dead workers left; not more than is credible */
	struct respawn_backoff respawn;
	struct arena *arena; /* NULL while EMPTY */
};

/* The classes of states. */
bool member_is_staying(const struct member *member);   /* has a worker, or gets one, for good */
bool member_is_running(const struct member *member);   /* the worker exists, as far as is known */
bool member_is_ready(const struct member *member);     /* and has reported that it is ready */
bool member_is_leaving(const struct member *member);   /* told to leave, and not gone yet */
bool member_is_alive(const struct member *member);     /* running or leaving: a stop waits for it */
bool member_is_hung(const struct member *member);      /* its worker is being killed as hung */
bool member_is_ending(const struct member *member);    /* the worker's connections will be lost */
bool member_must_beat(const struct member *member);    /* its heartbeat must be watched */
bool member_wants_worker(const struct member *member); /* to be started once due_ms has come */

/* Lets workers_start_due start an EMPTY member's worker in that seat. */
void member_want(struct member *member, unsigned seat, int64_t now_ms);

/* A worker was forked, or ordered from the keeper. member_wants_worker must have been true. */
void member_started(struct member *member, int64_t now_ms);

/*
 * Its worker reports that it is ready. Returns false when this is known, or the worker is leaving.
 */
bool member_note_ready(struct member *member);

/*
 * Its worker hangs, and is killed at kill_ms at the latest. member_must_beat must have been true.
 */
void member_hang(struct member *member, int64_t kill_ms);

/*
 * Its worker is dead, or could not be started: the next one starts after the delay that the life of
 * the last one calls for. With `renew` the keeper has nothing to hand on: it leaves too, and the
 * next worker comes with a new keeper.
 */
void member_respawn(struct member *member, bool renew, bool progressed, int64_t now_ms);

/* No worker is to live here any more: frees the member at once, or once its keeper has left. */
void member_leave(struct member *member, int64_t now_ms);

/* Its keeper is dead, and had no worker. */
void member_keeper_gone(struct member *member);

/* The keeper has cloned its worker, which now gets the signal that the member was sent before. */
void member_learn_pid(struct member *member, pid_t pid, int64_t now_ms);

/*
 * Sends the signal to its living worker. After a fast stop (SIGINT, SIGKILL) the connections that a
 * leaving worker leaves are lost.
 */
void member_signal(struct member *member, int signal);

/*
 * Sends the signal to the living process: a worker, or a copy with all its process group, which may
 * be about to come into being.
 */
void member_kill(const struct member *member, int signal);

/*
 * Sends SIGKILL when kill_ms has come. Returns true when that is the end of the time that it had to
 * leave.
 */
bool member_kill_due(struct member *member, int64_t now_ms);

/*
 * Tells the worker to leave by that signal (0: by none yet); it gets SIGKILL at kill_ms, or at an
 * earlier time that is set already. A worker that is not started yet is no longer wanted, unless a
 * keeper holds connections. No effect on an EMPTY member.
 */
void member_retire(struct member *member, int signal, int64_t kill_ms);

#endif
