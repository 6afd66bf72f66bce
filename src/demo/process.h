/* SPDX-License-Identifier: MIT */
/*
 * The actors of a lesson: processes forked from the lesson's own, which carry out orders (order.h)
 * sent to them over a socket pair, one at a time. An actor inherits every descriptor that is open
 * when it is hired; so the client is hired first and connects by itself, and nobody else holds its
 * end. All actors die with the lesson's process.
 *
 * The lesson's own process takes part as an actor too, as process_self: orders to it are carried
 * out on the spot.
 *
 * What cannot fail by the lesson's doing (no memory, a call that is forbidden) ends the lesson
 * (output_skip_rest). So does the loss of an actor, with CODE_INTERNAL where it crashed, and how it
 * ended in the tally.
 */
#ifndef DEMO_PROCESS_H
#define DEMO_PROCESS_H

#include <stdbool.h>
#include <sys/types.h>

#include "demo/call.h"
#include "demo/output.h"

struct process {
	struct output *out; /* where its calls are drawn */
	unsigned column;    /* of that */
	const char *name;
	pid_t pid;         /* of its process; 0: it has ended */
	int channel;       /* socket to it; -1: it is this process */
	int child_channel; /* its end of that, where the table is shared; else -1 */
};

/* This process, in that column. */
struct process process_self(struct output *out, unsigned column, const char *name);

/* Forks one. */
struct process process_fork(struct output *out, unsigned column, const char *name);

/*
 * The same, but it shares this process's table of descriptors (clone(2), CLONE_FILES) instead of
 * getting a copy: what either opens or closes, both have or have not.
 */
struct process process_fork_sharing(struct output *out, unsigned column, const char *name);

/* Has it done and waits for the outcome, 10 seconds at most. */
struct call process_run(const struct process *process, struct call call);

/*
 * The same in two steps, for a call that blocks. process_await_result is false when it has not
 * returned in wait_ms.
 */
void process_start_call(const struct process *process, struct call call);
bool process_await_result(const struct process *process, struct call *call, int wait_ms);

/*
 * Has it done and puts call and result into the actor's column (the line is not shown yet). What
 * connects or accepts holds the socket from then on (output_lifeline), what closes does not.
 */
struct call process_run_cell(const struct process *process, struct call call);

/* The same, and shows the line. */
struct call process_run_line(const struct process *process, struct call call);

/*
 * One sends the word, with an arrow of that direction, the other receives it; two lines. True when
 * it arrived whole and alone.
 */
bool process_send_word(enum direction direction, const struct process *from, int from_fd,
		       const struct process *to, int to_fd, const char *word);

/*
 * After process_start_call: waits until the process sleeps in its call; gives up after 10 seconds.
 */
void process_await_sleep(const struct process *process);

/*
 * Says which processes hold the socket of that inode (kernel_inode), by the names of these
 * actors, and returns how many do, processes that are no actors of the lesson included.
 */
unsigned process_show_holders(struct output *out, uint64_t inode, const struct process *processes,
			      unsigned count);

/* Kills it by SIGKILL and reaps it; its column holds nothing any more. */
void process_kill(struct process *process);

/* Lets it end and reaps it; what it holds is closed. Nothing when it has been killed. */
void process_stop(struct process *process);

#endif
