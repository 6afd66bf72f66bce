/* SPDX-License-Identifier: MIT */
/*
 * Closes the descriptors that a worker does not keep (close_range(2)). Recovery checks whether a
 * descriptor is open.
 */
#include "worker/fds.h"

#include <stdlib.h>

#include "accesslog/accesslog.h"
#include "base/brief.h"
#include "base/log.h"
#include "base/sys.h"
#include "worker/helper.h"

static int by_number(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

static unsigned collect_common(int *kept)
{
	unsigned n = 0;

	for (int fd = 0; fd <= STDERR_FILENO; fd++)
		kept[n++] = fd;
	return n + log_fds(kept + n);
}

static unsigned collect_kept(const struct heritage *h, bool with_listeners, int *kept)
{
	unsigned n = collect_common(kept);

	n += accesslog_fds(kept + n);
	n += heritage_fds(h, kept + n);
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

/* What a worker that died has left may be what another one had passed to it. */
static bool close_others(int *kept, unsigned count)
{
	struct brief brief;
	bool done;

	qsort(kept, count, sizeof(*kept), by_number);
	brief_begin(&brief);
	done = close_gaps(kept, count);
	brief_end(&brief);
	return done;
}

bool fds_close_others(const struct heritage *h, bool with_listeners, const int *connections,
		      unsigned count)
{
	size_t most = STDERR_FILENO + 1 + LOG_FDS + ACCESSLOG_FDS + heritage_fds_most(h) +
		      listener_sockets(h->listeners) + count;
	int *kept = calloc(most, sizeof(*kept));
	unsigned n;
	bool done;

	if (!kept)
		return false;
	n = collect_kept(h, with_listeners, kept);
	for (unsigned i = 0; i < count; i++)
		kept[n++] = connections[i];
	done = close_others(kept, n);
	free(kept);
	return done;
}

bool fds_keep_helper(const struct helper_heritage *h)
{
	size_t most = STDERR_FILENO + 2 + LOG_FDS + h->link_count;
	int *kept = calloc(most, sizeof(*kept));
	unsigned n;
	bool done;

	if (!kept)
		return false;
	n = collect_common(kept);
	kept[n++] = h->report_fd;
	for (unsigned i = 0; i < h->link_count; i++)
		kept[n++] = h->links[i].helper;
	done = close_others(kept, n);
	free(kept);
	return done;
}
