/* SPDX-License-Identifier: MIT */
/* Compares what comes with what is awaited, until the first answer was right. */
#include "client/bench/sizecheck.h"

#include <inttypes.h>
#include <stdio.h>

/* A part that has been one for so long may be the whole. */
enum { PART_NS = 400000000, LOOK_NS = 100000000 };

bool has_fixed_size(const struct bench_options *options)
{
	return !options->target.is_http && options->framing == FRAMING_RAW &&
	       options->response_size != UINT64_MAX;
}

static bool is_wanted(const struct bench_worker *worker)
{
	return worker->stats->answers == 0 && worker->stats->odd_size == 0 &&
	       has_fixed_size(worker->options);
}

static void note(struct bench_worker *worker, uint64_t odd_size)
{
	/* the parent reads it meanwhile */
	__atomic_store_n(&worker->stats->odd_size, odd_size, __ATOMIC_RELAXED);
}

void check_sizes(struct bench_worker *worker)
{
	if (worker->now_ns < worker->size_check_ns || !is_wanted(worker))
		return;
	worker->size_check_ns = worker->now_ns + LOOK_NS;
	for (int i = 0; i < worker->count; i++) {
		const struct bench_connection *conn = &worker->connections[i];

		if (conn->state != BENCH_BUSY || conn->sent < worker->options->message.size ||
		    conn->response.frame.got == 0 || worker->now_ns - conn->started_ns < PART_NS)
			continue;
		note(worker, conn->response.frame.got);
		return;
	}
}

void note_excess(struct bench_worker *worker, const struct bench_connection *conn, size_t excess)
{
	if (is_wanted(worker))
		note(worker, conn->response.frame.got + excess);
}

void bench_report_size_warning(const struct bench_options *options, uint64_t odd_size)
{
	fprintf(stderr,
		"prefork-client: %s: %" PRIu64 " byte%s came for an answer where %" PRIu64
		" %s awaited: give -a %" PRIu64 " if that is a whole one\n",
		options->target.name, odd_size, odd_size == 1 ? "" : "s", options->response_size,
		options->response_size == 1 ? "is" : "are", odd_size);
}
