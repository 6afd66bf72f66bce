/* SPDX-License-Identifier: MIT */
/* Names and sums of what became of messages. */
#include "client/bench/bench_stats.h"

#include <errno.h>

const char *outcome_loss_name(enum loss loss)
{
	static const char *const names[LOSS_KINDS] = {
		[LOSS_REFUSED] = "refused", [LOSS_RESET] = "reset", [LOSS_TIMED_OUT] = "timed out",
		[LOSS_CLOSED] = "closed",   [LOSS_WRONG] = "wrong", [LOSS_OTHER] = "other",
	};

	return names[loss];
}

enum loss outcome_loss_of(int error)
{
	switch (error) {
	case ECONNREFUSED:
		return LOSS_REFUSED;
	case ECONNRESET:
	case EPIPE:
		return LOSS_RESET;
	case ETIMEDOUT:
		return LOSS_TIMED_OUT;
	default:
		return LOSS_OTHER;
	}
}

uint64_t outcome_lost(const struct outcome *outcome)
{
	uint64_t sum = 0;

	for (int i = 0; i < LOSS_KINDS; i++)
		sum += outcome->lost[i];
	return sum;
}

void outcome_wait(struct outcome *outcome, uint64_t age_ns, uint64_t longest_ns)
{
	outcome->unanswered++;
	if (age_ns > longest_ns)
		latency_add(&outcome->answer, age_ns);
}

static void merge_times(struct outcome *into, const struct outcome *from)
{
	if (into->start_ns == 0 || from->start_ns < into->start_ns)
		into->start_ns = from->start_ns;
	if (from->end_ns > into->end_ns)
		into->end_ns = from->end_ns;
}

void outcome_merge(struct outcome *into, const struct outcome *from)
{
	merge_times(into, from);
	into->connects += from->connects;
	into->due += from->due;
	into->sent += from->sent;
	into->answered += from->answered;
	into->unanswered += from->unanswered;
	into->bytes_out += from->bytes_out;
	into->bytes_in += from->bytes_in;
	if (into->came == 0)
		into->came = from->came;
	for (int i = 0; i < LOSS_KINDS; i++)
		into->lost[i] += from->lost[i];
	if (into->other_errno == 0)
		into->other_errno = from->other_errno;
	if (into->connect_errno == 0)
		into->connect_errno = from->connect_errno;
	into->cpu_ns += from->cpu_ns;
	latency_merge(&into->connect, &from->connect);
	latency_merge(&into->answer, &from->answer);
}
