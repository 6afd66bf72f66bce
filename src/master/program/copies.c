/* SPDX-License-Identifier: MIT */
/* Goes through the generations. It decides nothing. */
#include "master/program/copies.h"

#include "master/program/programs.h"

#define EACH_GENERATION(g, procs) \
	for (struct generation *g = procs_next(procs, NULL); g; g = procs_next(procs, g))

void copies_look(const struct procs *procs, int64_t now_ms)
{
	EACH_GENERATION(g, procs)
	programs_look(g->programs, now_ms);
}

void copies_start_due(const struct procs *procs, int64_t now_ms)
{
	EACH_GENERATION(g, procs)
	programs_start_due(g->programs, now_ms);
}

int64_t copies_due_ms(const struct procs *procs, int64_t otherwise_ms)
{
	int64_t due_ms = otherwise_ms;

	EACH_GENERATION(g, procs)
	due_ms = programs_due_ms(g->programs, due_ms);
	return due_ms;
}

void copies_hurry(const struct procs *procs, bool is_kill)
{
	EACH_GENERATION(g, procs)
	programs_hurry(g->programs, is_kill);
}

void copies_end_group(const struct procs *procs, pid_t pid)
{
	EACH_GENERATION(g, procs)
	programs_end_group(g->programs, pid);
}

bool copies_reap(const struct procs *procs, pid_t pid, int status, int64_t now_ms)
{
	EACH_GENERATION(g, procs)
	if (programs_reap(g->programs, pid, status, now_ms))
		return true;
	return false;
}

pid_t copies_next_pid(const struct procs *procs, pid_t after)
{
	bool has_passed = after == 0;
	pid_t pid = 0;

	EACH_GENERATION(g, procs)
	{
		pid = programs_next_pid(g->programs, after, &has_passed);
		if (pid > 0)
			break;
	}
	return pid;
}
