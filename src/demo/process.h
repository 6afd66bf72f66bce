/* SPDX-License-Identifier: MIT */
/*
 * The processes of a lesson, forked from the lesson's own: they run calls (call.h) that are sent to
 * them over a socket pair, one at a time. A process inherits every descriptor that is open when it
 * is forked; so the client is forked first and connects by itself, and no other process holds its
 * end. All processes die with the lesson's own, which can run calls too (process_self).
 *
 * A failure that the lesson does not cause (no memory, a forbidden call) skips the rest of the
 * lesson (diagram_skip_rest). So does the loss of a process; if it crashed, the lesson ends with
 * CODE_INTERNAL, and claims->lost_status has its wait status.
 *
 * The lesson's own process only.
 */
#ifndef DEMO_PROCESS_H
#define DEMO_PROCESS_H

#include <stdbool.h>
#include <sys/types.h>

#include "demo/call.h"
#include "demo/diagram.h"
#include "demo/kernel.h"

struct process {
	struct diagram *out; /* the diagram of its calls */
	unsigned column;     /* of its calls in the diagram */
	const char *name;
	pid_t pid;         /* 0: it has ended */
	int channel;       /* socket to it; -1: it is this process */
	int child_channel; /* its end of the socket, if the table is shared; else -1 */
};

/* Describes this process, in that column. */
struct process process_self(struct diagram *out, unsigned column, const char *name);

/* Forks a process. */
struct process process_fork(struct diagram *out, unsigned column, const char *name);

/*
 * Forks a process that shares this one's table of descriptors (clone(2), CLONE_FILES) instead of
 * having a copy: a descriptor that one of them opens or closes is open or closed in both.
 */
struct process process_fork_sharing(struct diagram *out, unsigned column, const char *name);

/* Has the process run the call and waits for the result, 10 seconds at most. */
struct call process_run(const struct process *process, struct call call);

/*
 * The same in two steps, for a call that blocks. process_await_result returns false when the call
 * has not returned in wait_ms.
 */
void process_start_call(const struct process *process, struct call call);
bool process_await_result(const struct process *process, struct call *call, int wait_ms);

/*
 * As process_run, and puts call and result into the process's column; the line is not shown yet.
 * The lifeline (diagram_lifeline) begins with a call that opens a socket and ends with one that
 * closes it.
 */
struct call process_run_cell(const struct process *process, struct call call);

/* The same, and shows the line. */
struct call process_run_line(const struct process *process, struct call call);

/*
 * `from` sends the word, with an arrow of that direction, `to` receives it; two lines. True when it
 * arrived whole and alone.
 */
bool process_send_word(enum direction direction, const struct process *from, int from_fd,
		       const struct process *to, int to_fd, const char *word);

/* After process_start_call: waits until the process sleeps in the call, 10 seconds at most. */
void process_await_sleep(const struct process *process);

/*
 * Shows the processes that hold the socket of that inode (kernel_inode), by name if they are among
 * these, and returns their number.
 */
unsigned process_show_holders(struct diagram *out, uint64_t inode, const struct process *processes,
			      unsigned count);

/* Kills it by SIGKILL and reaps it; its lifeline ends. */
void process_kill(struct process *process);

/* Ends it and reaps it, which closes its descriptors. No effect after process_kill. */
void process_stop(struct process *process);

/* Makes a new TCP socket of this process. */
int process_socket(struct diagram *out);

/*
 * Makes a socket of this process that listens on 127.0.0.1, at a port that the system chooses;
 * *bound is its address. It does not block (call_accept waits by poll(2)).
 */
int process_listen(struct diagram *out, int backlog, struct addr *bound);

/*
 * One connection between a client, which is a process of its own, and a server, which is this
 * process; each end has one holder.
 */
struct process_pair {
	struct diagram *out;
	int mss; /* the server's limit on received segments; 0: the system's */
	struct process client, server;
	int client_fd, conn; /* the client's end, in the client; the server's, in this process */
	struct ends ends;
};

/* Begins a scene under that heading with a new connection. The caller sets out and mss. */
void process_pair_open(struct process_pair *pair, const char *heading);

/* Closes both ends (conn unless it is -1) and ends the client. */
void process_pair_close(struct process_pair *pair);

#endif
