/* SPDX-License-Identifier: MIT */
/*
 * What became of the messages of one process, or of all together. One writer; lies in memory that
 * the processes of a bench share.
 */
#ifndef CLIENT_BENCH_BENCH_STATS_H
#define CLIENT_BENCH_BENCH_STATS_H

#include <stdint.h>

#include "client/bench/latency.h"

/* Why a message, or a connection, was lost. */
enum loss {
	LOSS_REFUSED,
	LOSS_RESET,
	LOSS_TIMED_OUT,
	LOSS_CLOSED, /* the server ended before the answer did */
	LOSS_WRONG,  /* the answer is not what it must be */
	LOSS_OTHER,
	LOSS_KINDS
};

struct outcome {
	int64_t start_ns, end_ns; /* of the run; moment_ns */
	uint64_t connects;        /* connections made */
	uint64_t due;             /* open loop: messages that the schedule had in the run */
	uint64_t sent, answered;  /* messages */
	uint64_t unanswered;      /* sent, or due in an open loop, without an answer at the end */
	uint64_t bytes_out, bytes_in;
	uint64_t came; /* bytes in place of an answer, before any was right; 0: none */
	uint64_t lost[LOSS_KINDS];
	int other_errno;        /* of the first LOSS_OTHER */
	int connect_errno;      /* of the first connection that could not be made */
	uint64_t cpu_ns;        /* of this process, in the run */
	struct latency connect; /* of the connections made */
	struct latency
		answer; /* closed loop: of the answers and as outcome_wait; open: of all due */
};

/* One word, as in the report: "refused", "timed out". */
const char *outcome_loss_name(enum loss loss);

/* The kind of loss that an errno of connect, send or recv stands for. */
enum loss outcome_loss_of(int error);

/* All kinds together. */
uint64_t outcome_lost(const struct outcome *outcome);

/*
 * Closed loop: counts a message that was unanswered for so long when the run ended. Its age is
 * counted with the answers' latencies when it exceeds longest_ns, that of the answers so far: then
 * it shows that the server has stalled, while the ages of messages sent just before the end say
 * nothing.
 */
void outcome_wait(struct outcome *outcome, uint64_t age_ns, uint64_t longest_ns);

/* Adds what the other one holds; the run lasts from the first start to the last end. */
void outcome_merge(struct outcome *into, const struct outcome *from);

#endif
