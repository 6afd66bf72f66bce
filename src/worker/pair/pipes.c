/* SPDX-License-Identifier: MIT */
/* Makes pipes of the size at which splice(2) is cheaper than a copy (F_SETPIPE_SZ in fcntl(2)). */
#include "worker/pair/pipes.h"

#include "base/sys.h"

enum { PIPE_SIZE = 1024 * 1024, REFUSED_MS = 1000 };

static bool make_pipe(struct pipe_ends *ends)
{
	int fds[2];

	if (sys_pipe2(fds, O_NONBLOCK | O_CLOEXEC) < 0)
		return false;
	*ends = (struct pipe_ends){ fds[0], fds[1] };
	if (sys_fcntl_int(fds[1], F_SETPIPE_SZ, PIPE_SIZE) >= PIPE_SIZE)
		return true;
	pipes_close(*ends);
	return false;
}

bool pipes_take(struct pipes *pipes, struct pipe_ends *ends, bool *is_new, int64_t now_ms)
{
	*is_new = pipes->count == 0;
	if (!*is_new) {
		*ends = pipes->kept[--pipes->count];
		return true;
	}
	if (pipes->refused_ms != 0 && now_ms - pipes->refused_ms < REFUSED_MS)
		return false;
	if (make_pipe(ends))
		return true;
	pipes->refused_ms = now_ms;
	return false;
}

void pipes_give(struct pipes *pipes, struct pipe_ends ends)
{
	if (pipes->count < PIPES_KEPT)
		pipes->kept[pipes->count++] = ends;
	else
		pipes_close(ends);
}

void pipes_close(struct pipe_ends ends)
{
	(void)sys_close(ends.read);
	(void)sys_close(ends.write);
}

void pipes_stop(struct pipes *pipes)
{
	while (pipes->count > 0)
		pipes_close(pipes->kept[--pipes->count]);
}
