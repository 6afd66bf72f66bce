/* SPDX-License-Identifier: MIT */
/* Asks the kernel for children, and for threads where /proc is, else by unshare(2). */
#include "worker/load/leftover.h"

#include <stdlib.h>

#include "base/file.h"
#include "base/sys.h"

/* Names in a directory of Linux that are no thread's: its own and that of the one above. */
enum { OTHER_LINKS = 2 };

/* What is killed leaves its own children; one that forks without end is left at last. */
enum { ROUNDS = 100, LIST = 1024 };

bool leftover_watch(bool is_on)
{
	return sys_prctl(PR_SET_CHILD_SUBREAPER, is_on) == 0;
}

static bool has_children(void)
{
	return sys_waitpid(-1, NULL, WNOHANG) >= 0 || errno != ECHILD;
}

/* Without more threads unshare does nothing; a container may forbid it altogether. */
static bool has_threads(void)
{
	struct stat st;

	if (sys_stat("/proc/self/task", &st) == 0)
		return st.st_nlink > OTHER_LINKS + 1;
	return sys_unshare(CLONE_THREAD) < 0 && errno == EINVAL;
}

const char *leftover_find(void)
{
	if (has_children())
		return "leaves a process behind that it has started, and has to end it first";
	if (has_threads())
		return "starts a thread, which workers would not have: they are copies of the "
		       "process that loads it";
	return NULL;
}

static void end_child(pid_t pid)
{
	if (sys_kill(pid, SIGKILL) == 0)
		while (sys_waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			;
}

/* The kernel writes a blank after each number: one without it was cut. */
static void end_listed(void)
{
	char list[LIST], *at = list, *end;
	long pid;

	if (!file_read_path("/proc/thread-self/children", list, sizeof(list)))
		return;
	while ((pid = strtol(at, &end, 10)) > 0 && *end == ' ') {
		end_child((pid_t)pid);
		at = end;
	}
}

void leftover_end(void)
{
	for (unsigned round = 0; round < ROUNDS && has_children(); round++)
		end_listed();
}
