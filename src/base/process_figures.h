/* SPDX-License-Identifier: MIT */
/*
 * Processor time and memory of a process, read from outside: it need not answer. Any process.
 */
#ifndef BASE_PROCESS_FIGURES_H
#define BASE_PROCESS_FIGURES_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* pid 0 is this process. Return false, and leave the figure alone, when it cannot be read. */
bool process_figures_cpu(pid_t pid, uint64_t *us);
bool process_figures_memory(pid_t pid, uint64_t *bytes);

#endif
