/* SPDX-License-Identifier: MIT */
/* The result of a bench on stdout, for people (summary.c) and for programs (summary_table.c). */
#ifndef CLIENT_BENCH_BENCH_REPORT_H
#define CLIENT_BENCH_BENCH_REPORT_H

#include "client/bench/bench_options.h"
#include "client/bench/bench_processes.h"

/* Text; with a drawing when stdout is a terminal. */
void bench_report_text(const struct bench_options *options, const struct bench_result *result);

/* One object, or a line of names and a line of values; both have the same names. */
void bench_report_table_json(const struct bench_options *options,
			     const struct bench_result *result);
void bench_report_table_csv(const struct bench_options *options, const struct bench_result *result);

/* Length of the run; never 0. */
static inline double bench_stats_seconds(const struct bench_stats *stats)
{
	int64_t ns = stats->end_ns - stats->start_ns;

	return ns > 0 ? (double)ns / 1e9 : 1e-9;
}

/* Processor time for a message that was answered or lost, in microseconds. */
static inline double bench_stats_cpu_us(const struct bench_stats *stats, uint64_t ns)
{
	uint64_t messages = stats->answers + bench_stats_errors(stats);

	return (double)ns / 1e3 / (double)(messages > 0 ? messages : 1);
}

#endif
