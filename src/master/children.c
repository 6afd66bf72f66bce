/* SPDX-License-Identifier: MIT */
/* Compares pids with the master's notes, and asks the kernel. It signals and reaps no process. */
#include "master/children.h"

#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/sys.h"
#include "master/program/copies.h"

bool children_find_member(const struct procs *procs, pid_t pid, struct generation **generation,
			  unsigned *number)
{
	for (struct generation *g = procs_next(procs, NULL); g; g = procs_next(procs, g))
		for (unsigned i = 0; i < g->capacity; i++) {
			if (g->members[i].pid != pid && g->members[i].keeper != pid)
				continue;
			*generation = g;
			*number = i;
			return true;
		}
	return false;
}

static bool is_helper(const struct procs *procs, pid_t pid)
{
	for (struct generation *g = procs_next(procs, NULL); g; g = procs_next(procs, g))
		for (unsigned i = 0; i < g->helpers.count; i++)
			if (g->helpers.list[i].pid == pid)
				return true;
	return false;
}

static bool is_copy(const struct procs *procs, pid_t pid)
{
	pid_t copy = copies_next_pid(procs, 0);

	while (copy > 0 && copy != pid)
		copy = copies_next_pid(procs, copy);
	return copy > 0;
}

static bool is_known(const struct procs *procs, pid_t pid)
{
	struct generation *generation;
	unsigned number;

	return pid == procs->closer || children_find_member(procs, pid, &generation, &number) ||
	       is_helper(procs, pid) || is_copy(procs, pid) ||
	       (procs->is_other && procs->is_other(procs->owner, pid));
}

/* One that another process waits for is none. */
static bool is_child(pid_t pid)
{
	siginfo_t info;

	while (sys_waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) < 0)
		if (errno != EINTR)
			return false;
	return true;
}

/* The owner of the folder in /proc would be root: the process may not be dumped (prctl(2)). */
static bool runs_as(pid_t pid, uid_t user)
{
	unsigned real, effective, saved;
	char path[32], text[1024], *line;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	if (!file_read_path(path, text, sizeof(text)) || !(line = strstr(text, "\nUid:")) ||
	    sscanf(line, "\nUid: %u %u %u", &real, &effective, &saved) != 3)
		return true;
	return real == user && effective == user && saved == user;
}

bool children_can_be_worker(const struct procs *procs, pid_t pid, const struct identity *identity)
{
	return pid > 0 && !is_known(procs, pid) && is_child(pid) &&
	       (!identity->changes || runs_as(pid, identity->user));
}
