/* SPDX-License-Identifier: MIT */
/*
 * Closes the descriptors that a worker does not keep (close_range(2)). Recovery checks whether a
 * descriptor is open.
 */
#include "worker/fds.h"

#include <stdlib.h>

#include "accesslog/accesslog.h"
#include "base/log.h"
#include "base/sys.h"

static int by_number(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

static unsigned collect_kept(const struct heritage *h, bool with_listeners, int *kept)
{
	unsigned n = 0;

	for (int fd = 0; fd <= STDERR_FILENO; fd++)
		kept[n++] = fd;
	n += log_fds(kept + n);
	n += accesslog_fds(kept + n);
	for (unsigned i = 0; i < h->peer_count; i++)
		kept[n++] = heritage_wire(h, i);
	kept[n++] = heritage_bell(h);
	if (h->epfd >= 0)
		kept[n++] = h->epfd;
	for (unsigned i = 0; with_listeners && i < h->listeners->count; i++)
		for (unsigned s = 0; s < h->listeners->list[i].fd_count; s++)
			kept[n++] = h->listeners->list[i].fds[s];
	return n;
}

static bool close_gaps(const int *kept, unsigned count)
{
	for (unsigned i = 0; i + 1 < count; i++)
		if (kept[i + 1] > kept[i] + 1 &&
		    sys_close_range((unsigned)kept[i] + 1, (unsigned)kept[i + 1] - 1) < 0)
			return false;
	return sys_close_range((unsigned)kept[count - 1] + 1, ~0U) == 0;
}

void fds_leave_terminal(void)
{
	int fd = sys_open("/dev/null", O_RDWR | O_CLOEXEC | O_NOCTTY, 0);

	if (fd < 0)
		return;
	sys_dup2(fd, STDIN_FILENO);
	sys_dup2(fd, STDOUT_FILENO);
	sys_close(fd);
}

bool fds_close_others(const struct heritage *h, bool with_listeners, const int *connections,
		      unsigned count)
{
	size_t most = STDERR_FILENO + 1 + LOG_FDS + ACCESSLOG_FDS + 2 + h->peer_count +
		      listener_sockets(h->listeners) + count;
	int *kept = calloc(most, sizeof(*kept));
	unsigned n;
	bool done;

	if (!kept)
		return false;
	n = collect_kept(h, with_listeners, kept);
	for (unsigned i = 0; i < count; i++)
		kept[n++] = connections[i];
	qsort(kept, n, sizeof(*kept), by_number);
	done = close_gaps(kept, n);
	free(kept);
	return done;
}

/* A worker that left by itself has closed them in the table that all workers of the slot share. */
static bool is_closed(int fd)
{
	struct sockaddr_storage peer;
	int listens = 0;
	socklen_t len = sizeof(listens), size = sizeof(peer);

	if (sys_getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &len) < 0)
		return errno == EBADF || errno == ENOTSOCK;
	/*
	 * A socket that was shut down does not listen either, but has no peer; it can be revived.
	 */
	return !listens && sys_getpeername(fd, (struct sockaddr *)&peer, &size) == 0;
}

bool fds_has_listeners(const struct listener_set *set)
{
	for (unsigned i = 0; i < set->count; i++)
		for (unsigned k = 0; k < set->list[i].fd_count; k++)
			if (is_closed(set->list[i].fds[k]))
				return false;
	return true;
}
