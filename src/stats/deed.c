/* SPDX-License-Identifier: MIT */
/* Outcomes in the scoreboard. Must not log them. */
#include "stats/deed.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

void scoreboard_begin_request(struct request *deed)
{
	atomic_fetch_add_explicit(&deed->begun, 1, memory_order_release);
}

void scoreboard_end_request(struct request *deed, const char *failure, int64_t took_ms,
			    unsigned workers)
{
	uint32_t done = atomic_load_explicit(&deed->done, memory_order_relaxed) + 1;
	struct outcome *outcome = &deed->outcomes[done % 2];

	snprintf(outcome->message, sizeof(outcome->message), "%s", failure ? failure : "");
	outcome->failed = failure ? 1 : 0;
	outcome->took_ms = (uint32_t)took_ms;
	outcome->workers = workers;
	outcome->at_s = time(NULL);
	atomic_store_explicit(&deed->done, done, memory_order_release);
}

void scoreboard_read_request(const struct request *deed, struct outcome *outcome)
{
	uint32_t done, now = atomic_load_explicit(&deed->done, memory_order_acquire);

	do {
		done = now;
		memcpy(outcome, &deed->outcomes[done % 2], sizeof(*outcome));
		atomic_thread_fence(memory_order_acquire);
		now = atomic_load_explicit(&deed->done, memory_order_acquire);
	} while (now != done);
	/* whose file this is may have written anything */
	outcome->message[sizeof(outcome->message) - 1] = '\0';
}
