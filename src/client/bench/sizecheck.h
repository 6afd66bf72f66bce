/* SPDX-License-Identifier: MIT */
/*
 * Notices that answers have another size than the plan awaits: in raw framing nothing else tells
 * where one ends, and a server whose answers are shorter would seem to give none at all.
 */
#ifndef CLIENT_BENCH_SIZECHECK_H
#define CLIENT_BENCH_SIZECHECK_H

#include <stdbool.h>

#include "client/bench/bench_connection.h"

/* Notes in the outcome (came) what has come and stays a part. Each turn of a process's loop. */
void check_sizes(struct bench_worker *worker);

/* A lane's answer was whole, and excess bytes came with it: notes it likewise. */
void note_excess(struct bench_worker *worker, const struct bench_connection *conn, size_t excess);

/* True while it is worth looking: raw framing, an answer of so many bytes. */
bool has_fixed_size(const struct bench_options *options);

/* Writes to stderr what came, what is awaited, and which flag awaits so many. */
void bench_report_size_warning(const struct bench_options *options, uint64_t odd_size);

#endif
