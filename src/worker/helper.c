/* SPDX-License-Identifier: MIT */
/* Reports to the master, and hears it. */
#include "worker/helper.h"

#include "base/rights.h"
#include "base/sys.h"
#include "config/signals.h"

enum { BEATS = 3 }; /* within hang_timeout */

static bool report(const struct helper_heritage *heritage, char byte)
{
	return sys_send(heritage->report_fd, &byte, sizeof(byte), MSG_DONTWAIT | MSG_NOSIGNAL) ==
	       (ssize_t)sizeof(byte);
}

bool helper_report_ready(const struct helper_heritage *heritage)
{
	return sys_prctl(PR_SET_PDEATHSIG, (unsigned long)SIGNAL_HELPER_LEAVE) == 0 &&
	       !helper_is_orphan(heritage) && report(heritage, HELPER_IS_READY);
}

/* One that finds no room is not missed: those before it wait to be read. */
int64_t helper_beat(const struct helper_heritage *heritage, int64_t due_ms, int64_t now_ms)
{
	int64_t hang_ms = heritage->conf->hang_timeout;

	if (hang_ms == 0)
		return INT64_MAX;
	if (now_ms < due_ms)
		return due_ms;
	(void)report(heritage, HELPER_BEATS);
	return now_ms + hang_ms / BEATS;
}

bool helper_take_link(const struct helper_heritage *heritage, unsigned *link, int *fd)
{
	struct helper_order order;
	struct iovec part = { .iov_base = &order, .iov_len = sizeof(order) };
	struct rights got;
	ssize_t size = rights_receive(heritage->report_fd, &part, 1, &got, MSG_DONTWAIT);

	*fd = -1;
	if (size == (ssize_t)sizeof(order) && got.count == 1 && order.link < heritage->link_count) {
		*link = order.link;
		*fd = got.fds[0];
		return true;
	}
	rights_close(&got);
	return size != 0;
}
