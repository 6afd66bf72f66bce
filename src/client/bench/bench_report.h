/* SPDX-License-Identifier: MIT */
/* The result of a bench on stdout, for people (summary.c) and for programs (summary_table.c). */
#ifndef CLIENT_BENCH_BENCH_REPORT_H
#define CLIENT_BENCH_BENCH_REPORT_H

#include "client/bench/bench_options.h"
#include "client/bench/bench_processes.h"

/* Text; with a drawing when stdout is a terminal. */
void summary_text(const struct plan *plan, const struct result *result);

/* One object, or a line of names and a line of values; both have the same names. */
void summary_table_json(const struct plan *plan, const struct result *result);
void summary_table_csv(const struct plan *plan, const struct result *result);

/* Length of the run; never 0. */
static inline double summary_seconds(const struct outcome *outcome)
{
	int64_t ns = outcome->end_ns - outcome->start_ns;

	return ns > 0 ? (double)ns / 1e9 : 1e-9;
}

/* Processor time for a message that was answered or lost, in microseconds. */
static inline double summary_cpu_us(const struct outcome *outcome, uint64_t ns)
{
	uint64_t messages = outcome->answered + outcome_lost(outcome);

	return (double)ns / 1e3 / (double)(messages > 0 ? messages : 1);
}

#endif
