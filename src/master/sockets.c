/* SPDX-License-Identifier: MIT */
/* Reads sockets. It judges nothing and writes no scoreboard: queues.c does. */
#include "master/sockets.h"

#include <linux/sock_diag.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/sys.h"

void sockets_start(struct sockets *sockets)
{
	*sockets = (struct sockets){ .diag = { .fd = -1 } };
}

void sockets_stop(struct sockets *sockets)
{
	sockdiag_close(&sockets->diag);
	free(sockets->list);
	sockets_start(sockets);
}

static bool is_unix(const struct listener *listener)
{
	return listener->bound.sa.sa_family == AF_UNIX;
}

static void warn(struct sockets *sockets)
{
	if (!sockets->has_warned)
		LOG(EVENT_environment_warned,
		    LOG_STR("message", "the accept queues of unix sockets cannot be looked at"),
		    LOG_STR("error", strerror(errno)));
	sockets->has_warned = true;
}

static const struct socket_watch *find(const struct sockets *sockets, uint64_t inode)
{
	for (unsigned i = 0; i < sockets->count; i++)
		if (sockets->list[i].inode == inode)
			return &sockets->list[i];
	return NULL;
}

static bool recognize(const struct sockets *sockets, const struct listener *listener,
		      struct socket_watch *watch)
{
	const struct socket_watch *before;
	struct stat st;

	if (sys_fstat(watch->fd, &st) < 0)
		return false;
	watch->inode = st.st_ino;
	before = find(sockets, st.st_ino);
	watch->drops = before ? before->drops : 0;
	watch->knows_drops = before ? before->knows_drops : !listener->inherited;
	watch->is_mute = before && before->is_mute;
	return true;
}

static bool fill(const struct sockets *sockets, const struct listener_set *set,
		 struct socket_watch *next)
{
	for (unsigned i = 0; i < set->count; i++)
		for (unsigned k = 0; k < set->list[i].fd_count; k++, next++) {
			next->fd = set->list[i].fds[k];
			next->listener = i;
			next->number = k;
			if (!recognize(sockets, &set->list[i], next))
				return false;
		}
	return true;
}

static void open_diag(struct sockets *sockets, const struct listener_set *set)
{
	bool is_wanted = false;

	for (unsigned i = 0; i < set->count; i++)
		is_wanted = is_wanted || is_unix(&set->list[i]);
	if (is_wanted && sockets->diag.fd < 0 && !sockdiag_open(&sockets->diag))
		warn(sockets);
}

bool sockets_follow(struct sockets *sockets, const struct generation *generation, bool *changed)
{
	static const struct listener_set none;
	const struct listener_set *set =
		generation && generation->listeners ? generation->listeners : &none;
	unsigned id = set->count > 0 ? generation->id : 0;
	struct socket_watch *list;

	*changed = sockets->generation != id;
	if (!*changed)
		return true;
	list = calloc(listener_sockets(set) + 1, sizeof(*list));
	if (!list || !fill(sockets, set, list)) {
		free(list);
		return false;
	}
	free(sockets->list);
	sockets->list = list;
	sockets->count = listener_sockets(set);
	sockets->generation = id;
	open_diag(sockets, set);
	return true;
}

/* How many more than at the last reading; the kernel's counter has 32 bits and may go round. */
static uint32_t read_drops(struct socket_watch *watch)
{
	uint32_t counts[SK_MEMINFO_VARS] = { 0 }, more;
	socklen_t size = sizeof(counts);

	if (sys_getsockopt(watch->fd, SOL_SOCKET, SO_MEMINFO, counts, &size) < 0 ||
	    size < (SK_MEMINFO_DROPS + 1) * sizeof(*counts))
		return 0;
	more = watch->knows_drops ? counts[SK_MEMINFO_DROPS] - watch->drops : 0;
	watch->knows_drops = true;
	watch->drops = counts[SK_MEMINFO_DROPS];
	return more;
}

static enum socket_answer read_tcp(struct socket_watch *watch, struct socket_reading *reading)
{
	struct tcp_info info = { 0 };
	socklen_t size = sizeof(info);

	if (sys_getsockopt(watch->fd, IPPROTO_TCP, TCP_INFO, &info, &size) < 0)
		return SOCKET_FAILED;
	*reading = (struct socket_reading){ .queue = info.tcpi_unacked,
					    .limit = info.tcpi_sacked,
					    .dropped = read_drops(watch) };
	return SOCKET_READ;
}

/* The kernel drops nothing here: a client waits, or is told EAGAIN. */
static enum socket_answer read_unix(struct sockets *sockets, struct socket_watch *watch,
				    struct socket_reading *reading)
{
	struct sockdiag_queue queue = { 0 };

	if (watch->is_mute || sockets->diag.fd < 0)
		return SOCKET_MUTE;
	switch (sockdiag_unix(&sockets->diag, watch->inode, &queue)) {
	case SOCKDIAG_FOUND:
		*reading = (struct socket_reading){ .queue = queue.length, .limit = queue.limit };
		return SOCKET_READ;
	case SOCKDIAG_REFUSED:
		watch->is_mute = true;
		warn(sockets);
		return SOCKET_MUTE;
	default:
		return SOCKET_FAILED;
	}
}

enum socket_answer sockets_read(struct sockets *sockets, struct socket_watch *watch,
				const struct listener *listener, struct socket_reading *reading)
{
	return is_unix(listener) ? read_unix(sockets, watch, reading) : read_tcp(watch, reading);
}
