/* SPDX-License-Identifier: MIT */
/* A child holds the doors while the master closes them, and its exit closes them for good. */
#include "master/closer.h"

#include <unistd.h>

#include "base/brief.h"
#include "base/sys.h"

enum { CLOSER_AGAIN_MS = 100 };

static _Noreturn void hold_doors(pid_t master)
{
	if (sys_prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == master)
		for (;;)
			pause();
	sys_leave(CODE_OK);
}

bool closer_start(struct procs *procs, struct generation *generation)
{
	pid_t master = getpid(), pid;
	struct brief brief;

	if (procs->closer > 0)
		return false;
	pid = sys_fork();
	if (pid == 0)
		hold_doors(master);
	brief_begin(&brief); /* a last close may wait, if there is no closer */
	generation_close_doors(generation);
	brief_end(&brief);
	procs->closer = pid > 0 ? pid : 0;
	procs->closer_kill_ms = 0;
	return true;
}

void closer_end(struct procs *procs, int64_t now_ms)
{
	if (procs->closer == 0 || procs->closer_kill_ms > now_ms)
		return;
	procs->closer_kill_ms = sys_kill(procs->closer, SIGKILL) == 0 ? INT64_MAX :
									now_ms + CLOSER_AGAIN_MS;
}
