/* SPDX-License-Identifier: MIT */
/* Appends to the ring of moments. It reads no clock. */
#include "master/timeline.h"
#include "stats/tally.h"

static uint32_t clamp(uint64_t value)
{
	return value < UINT32_MAX ? (uint32_t)value : UINT32_MAX;
}

/* What has come since *before, which becomes `now`. */
static uint32_t share(uint64_t *before, uint64_t now, int64_t took_ms)
{
	uint64_t more = now > *before ? now - *before : 0;

	*before = now;
	return clamp(took_ms > TIMELINE_LATE_MS ? more * 1000 / (uint64_t)took_ms : more);
}

void timeline_append(struct timeline *history, struct scoreboard *board, uint64_t waiting,
		     int64_t now_ms, int64_t now_s)
{
	int64_t took_ms = history->noted_ms > 0 ? now_ms - history->noted_ms : 0;
	uint32_t count = atomic_load_explicit(&board->moment_count, memory_order_relaxed);
	struct worker_tally all;

	tally_total(board, &all);
	board->moments[count % SCOREBOARD_MOMENTS] = (struct moment){
		.at_s = now_s,
		.live = clamp(metric_sum(&all, METRIC_connections_live)),
		.waiting = clamp(waiting),
		.accepted = share(&history->accepted,
				  metric_sum(&all, METRIC_connections_accepted_total), took_ms),
		.messages =
			share(&history->messages, metric_sum(&all, METRIC_messages_total), took_ms),
	};
	atomic_store_explicit(&board->moment_count, count + 1, memory_order_release);
	history->noted_ms = now_ms;
}
