/* SPDX-License-Identifier: MIT */
/*
 * Processor time and memory of a process with its descendants, read from outside (proc(5)): of
 * PROCESS_TREE_MOST processes at most, whose children are looked for in as many threads each. Any
 * process.
 */
#ifndef BASE_PROCESS_TREE_H
#define BASE_PROCESS_TREE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum { PROCESS_TREE_MOST = 64 };

struct process_tree {
	uint64_t cpu_us;       /* also of children that have died, once they were waited for */
	uint64_t memory_bytes; /* resident; a page that two of them share counts twice */
	unsigned count;        /* processes */
};

/* Returns false when the process itself cannot be read. A descendant that cannot is left out. */
bool process_tree_read(pid_t root, struct process_tree *tree);

#endif
