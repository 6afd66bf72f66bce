/* SPDX-License-Identifier: MIT */
/* Reports to the master. */
#include "worker/helper.h"

#include "base/sys.h"

bool helper_report_ready(const struct helper_heritage *heritage)
{
	static const char ready = HELPER_IS_READY;

	return sys_prctl(PR_SET_PDEATHSIG, SIGTERM) == 0 && !helper_is_orphan(heritage) &&
	       sys_send(heritage->report_fd, &ready, sizeof(ready), MSG_DONTWAIT | MSG_NOSIGNAL) ==
		       (ssize_t)sizeof(ready);
}
