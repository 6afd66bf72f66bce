/* SPDX-License-Identifier: MIT */
/* Asks the kernel for children, and for threads where /proc is, else by unshare(2). */
#include "worker/leftover.h"

#include "base/sys.h"

/* Names in a directory of Linux that are no thread's: its own and that of the one above. */
enum { OTHER_LINKS = 2 };

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
