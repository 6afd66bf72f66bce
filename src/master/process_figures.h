/* SPDX-License-Identifier: MIT */
/*
 * Processor time and memory of a child, read from outside: it need not answer. A process that
 * cannot be read keeps its figures.
 */
#ifndef MASTER_PROCESS_FIGURES_H
#define MASTER_PROCESS_FIGURES_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* pid 0 is this process. Return false, and leave the figure alone, when it cannot be read. */
bool process_figures_cpu(pid_t pid, uint64_t *us);
bool process_figures_memory(pid_t pid, uint64_t *bytes);

#endif
