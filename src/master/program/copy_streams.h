/* SPDX-License-Identifier: MIT */
/*
 * What a copy of a program writes to stdout and stderr: each line becomes an event of the log.
 * Master only.
 */
#ifndef MASTER_PROGRAM_COPY_STREAMS_H
#define MASTER_PROGRAM_COPY_STREAMS_H

#include <stdbool.h>
#include <stdint.h>

#include "master/program/program.h"

void copy_streams_init(struct copy *copy);

/*
 * Opens a pipe for each stream and watches it; the ends for the child, which block it when it
 * writes more than OUTPUT_LINES_BYTES_A_SECOND, go to `ends` (COPY_STREAMS). Returns false with
 * errno set; the caller closes all in any case.
 */
bool copy_streams_open(struct copy *copy, int *ends);

/* Reads what a dead copy has left, a bounded amount, and tells all lost lines. */
void copy_streams_drain(struct copy *copy, int64_t now_ms);
void copy_streams_close(struct copy *copy);

/*
 * Tells the lost lines of a second that is over, and reads on where the bytes of that second were
 * spent. copy_streams_due_ms: when.
 */
void copy_streams_step(struct copy *copy, int64_t now_ms);
int64_t copy_streams_due_ms(const struct copy *copy, int64_t otherwise_ms);

#endif
