/* SPDX-License-Identifier: MIT */
/* Writes outcomes into the scoreboard. Must not log them. Called by reload.c and orders.c. */
#include "master/deed.h"

#include <stdio.h>

void deed_begin(struct deed *deed)
{
	atomic_fetch_add_explicit(&deed->begun, 1, memory_order_release);
}

void deed_end(struct deed *deed, const char *failure, int64_t took_ms, unsigned workers)
{
	snprintf(deed->message, sizeof(deed->message), "%s", failure ? failure : "");
	atomic_store_explicit(&deed->failed, failure ? 1 : 0, memory_order_relaxed);
	atomic_store_explicit(&deed->took_ms, (uint32_t)took_ms, memory_order_relaxed);
	atomic_store_explicit(&deed->workers, workers, memory_order_relaxed);
	atomic_fetch_add_explicit(&deed->done, 1, memory_order_release);
}
