/* SPDX-License-Identifier: MIT */
/*
 * System calls that fail on demand, in a build made with --enable-faults; any other build has none
 * of this. The environment says which call:
 *
 *   PREFORK_FAULT=ROLE:CALL:ERRNO:N[:kill]
 *     ROLE   master, worker, keeper, child (a process that has not said yet what it is) or any
 *     CALL   a row of tables/syscalls.def
 *     N      the how manieth of those calls, from 1, of all processes of that role together
 *     kill   the call is made, and the process killed right after it
 *   PREFORK_FAULT=count: none fails
 *   PREFORK_FAULT_LOG=FILE: becomes a struct fault_report, up to date at any time
 */
#ifndef BASE_FAULT_H
#define BASE_FAULT_H

#include <stdbool.h>
#include <stdint.h>

enum fault {
	FAULT_NONE,
	FAULT_INSTEAD, /* the call fails and is not made */
	FAULT_BEHIND,  /* the call is made, and said to have failed */
	FAULT_KILL     /* the call is made, and is the last one of its process */
};

enum fault_role {
	FAULT_MASTER,
	FAULT_WORKER,
	FAULT_KEEPER,
	FAULT_CHILD,
	FAULT_ANY, /* all of them together */
	FAULT_ROLES
};

enum { FAULT_LINE = 256 };

#ifdef FAULTS
/* What is to become of the call of that row that the process is about to make. */
enum fault fault_ask(unsigned row);
/* After the call, unless it was FAULT_NONE: true when it has failed, with errno. */
bool fault_strike(enum fault fault);
/* The role of this process from now on, as in the log. */
void fault_role(const char *name);
#else
static inline void fault_role(const char *name)
{
	(void)name;
}
#endif

#endif
