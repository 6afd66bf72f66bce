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
enum bench_error {
	BENCH_ERROR_REFUSED,
	BENCH_ERROR_RESET,
	BENCH_ERROR_TIMED_OUT,
	BENCH_ERROR_CLOSED, /* the server ended before the answer did */
	BENCH_ERROR_WRONG,  /* the answer is not what it must be */
	BENCH_ERROR_OTHER,
	BENCH_ERRORS
};

struct bench_stats {
	int64_t start_ns, end_ns; /* of the run; bench_now_ns */
	uint64_t connects;        /* connections made */
	uint64_t due;             /* open loop: messages that the schedule had in the run */
	uint64_t sent, answers;   /* messages */
	uint64_t unanswered;      /* sent, or due in an open loop, without an answer at the end */
	uint64_t bytes_out, bytes_in;
	uint64_t odd_size; /* bytes in place of an answer, before any was right; 0: none */
	uint64_t errors[BENCH_ERRORS];
	int other_errno;        /* of the first BENCH_ERROR_OTHER */
	int connect_errno;      /* of the first connection that could not be made */
	uint64_t cpu_ns;        /* of this process, in the run */
	struct latency connect; /* of the connections made */
	struct latency answer;  /* of the answers; open loop: of all due */
};

/* One word, as in the report: "refused", "timed out". */
const char *bench_stats_error_name(enum bench_error loss);

/* The kind of loss that an errno of connect, send or recv stands for. */
enum bench_error bench_stats_error_of(int error);

/* All kinds together. */
uint64_t bench_stats_errors(const struct bench_stats *stats);

/*
 * Closed loop: counts a message that was unanswered for so long when the run ended. Its age is
 * counted with the answers' latencies when it exceeds longest_ns, that of the answers so far: then
 * it shows that the server has stalled, while the ages of messages sent just before the end say
 * nothing.
 */
void bench_stats_add_unanswered(struct bench_stats *stats, uint64_t age_ns, uint64_t longest_ns);

/* Adds what the other one holds; the run lasts from the first start to the last end. */
void bench_stats_merge(struct bench_stats *into, const struct bench_stats *from);

#endif
