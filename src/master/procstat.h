/* SPDX-License-Identifier: MIT */
/*
 * Processor time and memory of the workers and of the master, as the kernel has them. Master only;
 * a process that cannot be looked at keeps the figures it had.
 */
#ifndef MASTER_PROCSTAT_H
#define MASTER_PROCSTAT_H

#include "master/procs.h"

/* Writes the cells of all living workers and of the master. */
void procstat_sample(const struct procs *procs);

#endif
