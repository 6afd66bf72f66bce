/* SPDX-License-Identifier: MIT */
/*
 * The counts and latencies of the messages of one process, or of all together. There is one writer;
 * the memory may be shared with other processes. Pure, except for the clock; no allocation.
 */
#ifndef CLIENT_BENCH_BENCH_STATS_H
#define CLIENT_BENCH_BENCH_STATS_H

#include <stdint.h>
#include <time.h>

enum { LATENCY_STEPS = 128, LATENCY_POWERS = 36, BENCH_TLS_ERROR_TEXT = 768 };

/*
 * A histogram of durations of up to 73 minutes: 128 steps for each doubling, so that each duration
 * is known to within 0.8 %. Zeroed, it is empty.
 */
struct latency {
	uint64_t count, sum_ns, max_ns;
	uint64_t steps[LATENCY_POWERS * LATENCY_STEPS];
};

/* Why a message, or a connection, failed. */
enum bench_error {
	BENCH_ERROR_REFUSED,
	BENCH_ERROR_RESET,
	BENCH_ERROR_TIMED_OUT,
	BENCH_ERROR_CLOSED, /* the server closed before the response was complete */
	BENCH_ERROR_WRONG,  /* the response is not as it must be */
	BENCH_ERROR_TLS,    /* the handshake failed, or a record is wrong */
	BENCH_ERROR_OTHER,
	BENCH_ERRORS
};

struct bench_stats {
	int64_t start_ns, end_ns;     /* of the run */
	uint64_t connects;            /* connections made */
	uint64_t handshakes, resumed; /* of TLS; those of them that resumed a session */
	uint64_t run_handshakes;      /* after the start of the run */
	uint64_t due;                 /* open loop: messages of the schedule in the run */
	uint64_t sent, answers;       /* messages; right responses */
	uint64_t unanswered; /* sent, or due in an open loop, without a response at the end */
	uint64_t bytes_out, bytes_in;
	uint64_t odd_size; /* bytes of a response of another size than expected; 0: none */
	uint64_t errors[BENCH_ERRORS];
	int other_errno;   /* of the first BENCH_ERROR_OTHER */
	int connect_errno; /* of the first connection that could not be made */
	uint64_t cpu_ns;   /* of this process, in the run */
	char tls_error
		[BENCH_TLS_ERROR_TEXT]; /* why the first handshake that failed did; "": none */
	struct latency connect;         /* of the connections made */
	struct latency handshake;       /* of the handshakes */
	struct latency answer;          /* of the responses; open loop: of all messages due */
};

/* The clock of all these times: monotonic, the same in all processes. */
static inline int64_t bench_stats_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

void bench_stats_add_latency(struct latency *latency, uint64_t ns);

/* Adds `count` durations of the same length. */
void bench_stats_add_latencies(struct latency *latency, uint64_t ns, uint64_t count);

/* Adds the durations of `from` to `into`. */
void bench_stats_merge_latency(struct latency *into, const struct latency *from);

/*
 * Returns the duration that so many of 10,000 do not exceed (5000: the median), or up to 0.8 %
 * more; never more than the longest. 0 when there are none.
 */
uint64_t bench_stats_percentile_ns(const struct latency *latency, unsigned of_10000);

/* Returns the number of durations of at most ns, to within a step. */
uint64_t bench_stats_count_within(const struct latency *latency, uint64_t ns);

/* Returns one or two words for the report: "refused", "timed out". */
const char *bench_stats_error_name(enum bench_error error);

/* Returns the kind of error that an errno of connect, send or recv counts as. */
enum bench_error bench_stats_error_of(int error);

/* Returns the number of all errors. */
uint64_t bench_stats_errors(const struct bench_stats *stats);

/*
 * Closed loop: counts a message that was unanswered for age_ns when the run ended. Its age is a
 * latency only when it exceeds longest_ns, the longest one so far: then the server has stalled. The
 * ages of messages sent just before the end are no latencies.
 */
void bench_stats_add_unanswered(struct bench_stats *stats, uint64_t age_ns, uint64_t longest_ns);

/* Adds the stats of `from` to `into`; the run lasts from the first start to the last end. */
void bench_stats_merge(struct bench_stats *into, const struct bench_stats *from);

/* Returns the length of the run; never 0. */
double bench_stats_seconds(const struct bench_stats *stats);

/* Returns the processor time for each message that was answered or failed, in microseconds. */
double bench_stats_cpu_us(const struct bench_stats *stats, uint64_t cpu_ns);

#endif
