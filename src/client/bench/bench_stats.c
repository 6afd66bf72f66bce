/* SPDX-License-Identifier: MIT */
/* Names and sums of what became of messages. */
#include "client/bench/bench_stats.h"

#include <errno.h>

const char *bench_stats_error_name(enum bench_error loss)
{
	static const char *const names[BENCH_ERRORS] = {
		[BENCH_ERROR_REFUSED] = "refused",     [BENCH_ERROR_RESET] = "reset",
		[BENCH_ERROR_TIMED_OUT] = "timed out", [BENCH_ERROR_CLOSED] = "closed",
		[BENCH_ERROR_WRONG] = "wrong",         [BENCH_ERROR_OTHER] = "other",
	};

	return names[loss];
}

enum bench_error bench_stats_error_of(int error)
{
	switch (error) {
	case ECONNREFUSED:
		return BENCH_ERROR_REFUSED;
	case ECONNRESET:
	case EPIPE:
		return BENCH_ERROR_RESET;
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

void bench_stats_merge(struct bench_stats *into, const struct bench_stats *from)
{
	merge_times(into, from);
	into->connects += from->connects;
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
