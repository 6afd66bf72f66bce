/* SPDX-License-Identifier: MIT */
/*
 * The actors of a lesson: processes forked from the lesson's own, which carry out orders (order.h)
 * sent to them over a socket pair, one at a time. An actor inherits every descriptor that is open
 * when it is hired; so the client is hired first and connects by itself, and nobody else holds its
 * end. All actors die with the lesson's process.
 *
 * The lesson's own process takes part as an actor too, as cast_self: orders to it are carried out
 * on the spot.
 *
 * What cannot fail by the lesson's doing (no memory, a call that is forbidden) ends the lesson
 * (stage_give_up). So does the loss of an actor, with CODE_INTERNAL where it crashed, and how it
 * ended in the tally.
 */
#ifndef DEMO_PROCESS_H
#define DEMO_PROCESS_H

#include <stdbool.h>
#include <sys/types.h>

#include "demo/call.h"
#include "demo/output.h"

struct actor {
	unsigned column; /* of the stage */
	const char *name;
	pid_t pid;  /* of its process; 0: it has ended */
	int orders; /* socket to it; -1: it is this process */
	int theirs; /* its end of that, where the table is shared; else -1 */
};

/* This process, in that column. */
struct actor cast_self(unsigned column, const char *name);

/* Forks one. */
struct actor cast_hire(struct stage *stage, unsigned column, const char *name);

/*
 * The same, but it shares this process's table of descriptors (clone(2), CLONE_FILES) instead of
 * getting a copy: what either opens or closes, both have or have not.
 */
struct actor cast_hire_sharing(struct stage *stage, unsigned column, const char *name);

/* Has it done and waits for the outcome, 10 seconds at most. */
struct order cast_do(struct stage *stage, const struct actor *actor, struct order order);

/*
 * The same in two steps, for a call that blocks. cast_end is false when it has not returned in
 * wait_ms.
 */
void cast_begin(struct stage *stage, const struct actor *actor, struct order order);
bool cast_end(struct stage *stage, const struct actor *actor, struct order *order, int wait_ms);

/*
 * Has it done and puts call and result into the actor's column (the line is not shown yet). What
 * connects or accepts holds the socket from then on (stage_hold), what closes does not.
 */
struct order cast_play(struct stage *stage, const struct actor *actor, struct order order);

/* The same, and shows the line. */
struct order cast_step(struct stage *stage, const struct actor *actor, struct order order);

/*
 * One sends the word, with an arrow of that direction, the other receives it; two lines. True when
 * it arrived whole and alone.
 */
bool cast_pass(struct stage *stage, enum direction direction, const struct actor *from, int from_fd,
	       const struct actor *to, int to_fd, const char *word);

/* After cast_begin: waits until the process sleeps in its call; gives up after 10 seconds. */
void cast_await_sleep(struct stage *stage, const struct actor *actor);

/*
 * Says which processes hold the socket of that inode (evidence_inode), by the names of these
 * actors, and returns how many do, processes that are no actors of the lesson included.
 */
unsigned cast_holders(struct stage *stage, uint64_t inode, const struct actor *actors,
		      unsigned count);

/* Kills it by SIGKILL and reaps it; its column holds nothing any more. */
void cast_kill(struct stage *stage, struct actor *actor);

/* Lets it end and reaps it; what it holds is closed. Nothing when it has been killed. */
void cast_dismiss(struct stage *stage, struct actor *actor);

#endif
