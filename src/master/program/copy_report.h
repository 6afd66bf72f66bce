/* SPDX-License-Identifier: MIT */
/* How a copy has ended, for the log and for a start that fails. Master only. */
#ifndef MASTER_PROGRAM_COPY_REPORT_H
#define MASTER_PROGRAM_COPY_REPORT_H

#include <stdbool.h>

#include "master/program/program.h"

/* Early ends of copies after which a program that was never ready is given up. */
enum { COPY_REPORT_EARLY_MOST = 5 };

/* Logs the end and its reason. status: from waitpid(2); is_expected: it was told to end. */
void copy_report_end(const struct copy *copy, int status, bool is_expected);

/*
 * The first copies of a program end before it was ready: counts that, and after a failure of the
 * start, or COPY_REPORT_EARLY_MOST ends, sets the program's failure, because no other copy will do
 * better.
 */
void copy_report_early(struct copy *copy, int status);

#endif
