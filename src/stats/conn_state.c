/* SPDX-License-Identifier: MIT */
/* The words for a connection's state: the same in the log, the crash report and the status. */
#include "stats/conn_state.h"

const char *conn_state_name(uint32_t state)
{
	static const char *const names[] = { "closed", "open", "flushing", "lingering" };

	return state < sizeof(names) / sizeof(*names) ? names[state] : "unknown";
}
