/* SPDX-License-Identifier: MIT */
/* The steps in which a worker takes over from its master, or from the last worker of its slot. */
#include "worker/recovery/takeover.h"

#include "accesslog/accesslog.h"
#include "base/stdio.h"
#include "base/sys.h"
#include "config/privs.h"
#include "net/listen_guard.h"
#include "stats/scoreboard.h"
#include "worker/dispatch.h"
#include "worker/fds.h"

bool worker_settle(const struct heritage *h, struct err *err)
{
	const struct scoreboard_part parts[] = {
		scoreboard_part_servers(), scoreboard_part_slot(h->board, heritage_own_slot(h))
	};

	if (!scoreboard_confine(h->board, parts, 2))
		return err_errno(err, CODE_OSERR, "cannot let go of the other workers' slots");
	if (h->limits && !limit_memory_confine(h->limits, heritage_slot(h)))
		return err_errno(err, CODE_OSERR, "cannot let go of the other workers' counts");
	/* the keys of certificates and sessions are in no core, and in no debugger of its user */
	if (h->arena->units > 0 && sys_prctl(PR_SET_DUMPABLE, 0) < 0)
		return err_errno(err, CODE_OSERR, "cannot protect its memory");
	stdio_leave_terminal();
	if (!fds_close_others(h, true, NULL, 0))
		return err_errno(err, CODE_OSERR, "cannot close what is not its own");
	if (h->conf->chroot[0] != '\0')
		accesslog_forget_folder(); /* it would lead out of the new root */
	return privs_bind_cpu(h->conf, h->seat, err) && privs_drop(h->conf, h->identity, err);
}

bool takeover_begin(struct recovery *r, const struct heritage *h, struct err *err)
{
	if (!h->is_kept)
		return worker_settle(h, err);
	if (!recovery_survey(r, h))
		return err_errno(err, CODE_OSERR, "cannot look at what the last worker left");
	if (!r->is_needed)
		return true;
	if (!r->was_leaving && !listen_guard_has_all(h->listeners))
		return err_set(err, CODE_OK, "the listening sockets are closed");
	if (!fds_close_others(h, !r->was_leaving, r->fds, r->fd_count))
		return err_errno(err, CODE_OSERR, "cannot take over from the last worker");
	return true;
}

/*
 * What a dead worker watched itself is watched anew: a listener's place in the queue is its own.
 * One that was leaving has closed them, and a pair may have their numbers.
 */
static void forget_watches(const struct recovery *r, const struct loop *loop,
			   const struct heritage *h)
{
	loop_forget(loop, h->wires[h->number].fds[WIRE_KICKED]);
	loop_forget(loop, h->wires[h->number].fds[WIRE_DOOR]);
	if (r->was_leaving)
		return;
	for (unsigned i = 0; i < h->listeners->count; i++)
		for (unsigned k = 0; k < h->listeners->list[i].fd_count; k++)
			loop_forget(loop, h->listeners->list[i].fds[k]);
}

bool takeover_open_loop(struct recovery *r, const struct heritage *h, struct loop *loop)
{
	if (h->epfd < 0)
		return loop_open(loop);
	if (loop_adopt(loop, h->epfd)) {
		forget_watches(r, loop, h);
		return true;
	}
	r->lost_epoll = true;
	return loop_renew(loop);
}

bool takeover_renew_loop(struct recovery *r, struct pool *pool)
{
	pool->loop->strays = 0;
	if (!r->is_needed)
		return true;
	r->is_needed = false; /* once */
	if (!loop_renew(pool->loop))
		return false;
	dispatch_watch_all(pool);
	return true;
}
