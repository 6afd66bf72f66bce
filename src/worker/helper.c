/* SPDX-License-Identifier: MIT */
/* Reports to the master, and hears it. */
#include "worker/helper.h"

#include "base/rights.h"
#include "base/sys.h"

bool helper_report_ready(const struct helper_heritage *heritage)
{
	static const char ready = HELPER_IS_READY;

	return sys_prctl(PR_SET_PDEATHSIG, SIGTERM) == 0 && !helper_is_orphan(heritage) &&
	       sys_send(heritage->report_fd, &ready, sizeof(ready), MSG_DONTWAIT | MSG_NOSIGNAL) ==
		       (ssize_t)sizeof(ready);
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
