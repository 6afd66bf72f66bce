/* SPDX-License-Identifier: MIT */
/*
 * Counts messages and their latencies. Must not take more than a few instructions to add a latency:
 * each message adds one.
 */
#include "client/bench/bench_stats.h"

#include <errno.h>
#include <string.h>

enum { STEP_BITS = 7, ALL_STEPS = LATENCY_POWERS * LATENCY_STEPS };

/* Below LATENCY_STEPS a step is one nanosecond; above, each doubling has as many steps. */
static unsigned latency_step(uint64_t ns)
{
	unsigned power;

	if (ns < LATENCY_STEPS)
		return (unsigned)ns;
	power = 63 - (unsigned)__builtin_clzll(ns) - STEP_BITS;
	if (power + 1 >= LATENCY_POWERS)
		return ALL_STEPS - 1;
	return (power + 1) * LATENCY_STEPS + (unsigned)(ns >> power) - LATENCY_STEPS;
}

/* Returns the longest duration of the step. */
static uint64_t step_max_ns(unsigned step)
{
	unsigned power = step / LATENCY_STEPS;

	if (power == 0)
		return step;
	return ((uint64_t)(step % LATENCY_STEPS + LATENCY_STEPS + 1) << (power - 1)) - 1;
}

void bench_stats_add_latencies(struct latency *latency, uint64_t ns, uint64_t count)
{
	if (count == 0)
		return;
	latency->count += count;
	latency->sum_ns += ns * count;
	if (ns > latency->max_ns)
		latency->max_ns = ns;
	latency->steps[latency_step(ns)] += count;
}

void bench_stats_add_latency(struct latency *latency, uint64_t ns)
{
	bench_stats_add_latencies(latency, ns, 1);
}

void bench_stats_merge_latency(struct latency *into, const struct latency *from)
{
	into->count += from->count;
	into->sum_ns += from->sum_ns;
	if (from->max_ns > into->max_ns)
		into->max_ns = from->max_ns;
	for (unsigned i = 0; i < ALL_STEPS; i++)
		into->steps[i] += from->steps[i];
}

uint64_t bench_stats_percentile_ns(const struct latency *latency, unsigned of_10000)
{
	uint64_t seen = 0, whole = latency->count / 10000, rest = latency->count % 10000;
	uint64_t wanted = whole * of_10000 + (rest * of_10000 + 9999) / 10000;

	for (unsigned i = 0; i < ALL_STEPS - 1 && wanted > 0; i++) {
		seen += latency->steps[i];
		if (seen >= wanted)
			return step_max_ns(i) < latency->max_ns ? step_max_ns(i) : latency->max_ns;
	}
	return latency->max_ns;
}

uint64_t bench_stats_count_within(const struct latency *latency, uint64_t ns)
{
	unsigned last = latency_step(ns);
	uint64_t count = 0;

	for (unsigned i = 0; i <= last; i++)
		count += latency->steps[i];
	return count;
}

const char *bench_stats_error_name(enum bench_error error)
{
	static const char *const names[BENCH_ERRORS] = {
		[BENCH_ERROR_REFUSED] = "refused",     [BENCH_ERROR_RESET] = "reset",
		[BENCH_ERROR_TIMED_OUT] = "timed out", [BENCH_ERROR_CLOSED] = "closed",
		[BENCH_ERROR_WRONG] = "wrong",         [BENCH_ERROR_TLS] = "TLS",
		[BENCH_ERROR_OTHER] = "other",
	};

	return names[error];
}

enum bench_error bench_stats_error_of(int error)
{
	switch (error) {
	case ECONNREFUSED:
		return BENCH_ERROR_REFUSED;
	case ECONNRESET:
	case EPIPE:
		return BENCH_ERROR_RESET;
	case EPROTO:
		return BENCH_ERROR_TLS;
	case ETIMEDOUT:
		return BENCH_ERROR_TIMED_OUT;
	default:
		return BENCH_ERROR_OTHER;
	}
}

uint64_t bench_stats_errors(const struct bench_stats *stats)
{
	uint64_t sum = 0;

	for (int i = 0; i < BENCH_ERRORS; i++)
		sum += stats->errors[i];
	return sum;
}

void bench_stats_add_unanswered(struct bench_stats *stats, uint64_t age_ns, uint64_t longest_ns)
{
	stats->unanswered++;
	if (age_ns > longest_ns)
		bench_stats_add_latency(&stats->answer, age_ns);
}

static void merge_times(struct bench_stats *into, const struct bench_stats *from)
{
	if (into->start_ns == 0 || from->start_ns < into->start_ns)
		into->start_ns = from->start_ns;
	if (from->end_ns > into->end_ns)
		into->end_ns = from->end_ns;
}

static void merge_handshakes(struct bench_stats *into, const struct bench_stats *from)
{
	into->handshakes += from->handshakes;
	into->resumed += from->resumed;
	into->run_handshakes += from->run_handshakes;
	if (into->tls_error[0] == '\0')
		memcpy(into->tls_error, from->tls_error, sizeof(into->tls_error));
	bench_stats_merge_latency(&into->handshake, &from->handshake);
}

void bench_stats_merge(struct bench_stats *into, const struct bench_stats *from)
{
	merge_times(into, from);
	into->connects += from->connects;
	merge_handshakes(into, from);
	into->due += from->due;
	into->sent += from->sent;
	into->answers += from->answers;
	into->unanswered += from->unanswered;
	into->bytes_out += from->bytes_out;
	into->bytes_in += from->bytes_in;
	if (into->odd_size == 0)
		into->odd_size = from->odd_size;
	for (int i = 0; i < BENCH_ERRORS; i++)
		into->errors[i] += from->errors[i];
	if (into->other_errno == 0)
		into->other_errno = from->other_errno;
	if (into->connect_errno == 0)
		into->connect_errno = from->connect_errno;
	into->cpu_ns += from->cpu_ns;
	bench_stats_merge_latency(&into->connect, &from->connect);
	bench_stats_merge_latency(&into->answer, &from->answer);
}

double bench_stats_seconds(const struct bench_stats *stats)
{
	int64_t ns = stats->end_ns - stats->start_ns;

	return ns > 0 ? (double)ns / 1e9 : 1e-9;
}

double bench_stats_cpu_us(const struct bench_stats *stats, uint64_t cpu_ns)
{
	uint64_t messages = stats->answers + bench_stats_errors(stats);

	return (double)cpu_ns / 1e3 / (double)(messages > 0 ? messages : 1);
}
