/* SPDX-License-Identifier: MIT */
/* Keeps samples of counters and divides their differences by time. It shows nothing. */
#include "ctl/rates.h"

#include <stdlib.h>
#include <string.h>

bool rates_new(struct rates *rates)
{
	memset(rates, 0, sizeof(*rates));
	rates->samples = calloc(RATES_KEPT, sizeof(*rates->samples));
	return rates->samples != NULL;
}

void rates_free(struct rates *rates)
{
	free(rates->samples);
	rates->samples = NULL;
}

/* Its own, not its number's: of two workers with one number each has its own rates. */
static void sample_slot(const struct scoreboard *board, unsigned slot, struct rates_sample *out)
{
	const struct worker_tally *tally = &board->slots[slot].tally;

	out->who = atomic_load_explicit(&board->infos[slot].pid, memory_order_relaxed);
	out->accepted = metric_sum(tally, METRIC_connections_accepted_total);
	out->messages = metric_sum(tally, METRIC_messages_total);
	out->bytes_in = metric_sum(tally, METRIC_bytes_in_total);
	out->bytes_out = metric_sum(tally, METRIC_bytes_out_total);
	out->cpu_us = metric_sum(tally, METRIC_worker_cpu_seconds_total);
}

static void sample_listener(const struct report *report, unsigned row, uint64_t who,
			    struct rates_sample *out)
{
	struct report_listener listener;

	if (!report_listener(report, row, &listener))
		return;
	out->who = who;
	out->accepted = cell_get(&listener.tally.connections_accepted_total);
	out->messages = cell_get(&listener.tally.messages_total);
	out->bytes_in = cell_get(&listener.tally.bytes_in_total);
	out->bytes_out = cell_get(&listener.tally.bytes_out_total);
}

static void sample_all(const struct report *report, uint64_t who, struct rates_sample *out)
{
	struct worker_tally all;

	tally_all(report->crew, report->board, &all);
	out->who = who;
	out->accepted = metric_sum(&all, METRIC_connections_accepted_total);
	out->messages = metric_sum(&all, METRIC_messages_total);
	out->bytes_in = metric_sum(&all, METRIC_bytes_in_total);
	out->bytes_out = metric_sum(&all, METRIC_bytes_out_total);
	out->cpu_us = metric_sum(&all, METRIC_worker_cpu_seconds_total);
}

static void sample(const struct report *report, struct rates_sample *out)
{
	const struct scoreboard *board = report->board;
	/* a server that took the place of another has a scoreboard of its own */
	uint64_t who = board->inode ^ (uint64_t)board->started_ms << 20 ^ 1;

	memset(out, 0, RATES_SUBJECTS * sizeof(*out));
	for (unsigned i = 0; i < report->crew->count; i++) {
		unsigned slot = report->crew->slots[i];

		sample_slot(board, slot, &out[slot]);
	}
	for (unsigned i = 0; i < METRIC_LISTENERS; i++)
		sample_listener(report, i, who, &out[RATES_LISTENERS + i]);
	sample_all(report, who, &out[RATES_ALL]);
}

void rates_take(struct rates *rates, const struct report *report)
{
	unsigned place = rates->taken % RATES_KEPT;
	unsigned last = (rates->taken + RATES_KEPT - 1) % RATES_KEPT;

	if (rates->taken > 0 && report->now_ms - rates->at_ms[last] < RATES_LEAST_MS)
		return;
	sample(report, rates->samples[place]);
	rates->at_ms[place] = report->now_ms;
	rates->taken++;
}

/* Bounded: rubbish in the board is still a number. */
static uint64_t per_second(uint64_t before, uint64_t now, int64_t ms)
{
	double rate;

	if (now <= before || ms <= 0)
		return 0;
	rate = (double)(now - before) * 1000 / (double)ms;
	return rate < 1e18 ? (uint64_t)rate : UINT64_C(1000000000000000000);
}

bool rates_of(const struct rates *rates, unsigned subject, struct rate *rate)
{
	unsigned newest = (rates->taken + RATES_KEPT - 1) % RATES_KEPT, oldest = newest;
	const struct rates_sample *now, *before, *first;
	int64_t ms;

	if (rates->taken < 2)
		return false;
	now = &rates->samples[newest][subject];
	before = &rates->samples[(newest + RATES_KEPT - 1) % RATES_KEPT][subject];
	if (now->who == 0 || now->who != before->who)
		return false;
	for (unsigned i = 1; i < RATES_KEPT && i < rates->taken; i++) {
		unsigned place = (newest + RATES_KEPT - i) % RATES_KEPT;

		if (rates->samples[place][subject].who != now->who)
			break;
		oldest = place;
	}
	first = &rates->samples[oldest][subject];
	ms = rates->at_ms[newest] - rates->at_ms[(newest + RATES_KEPT - 1) % RATES_KEPT];
	rate->accepted = per_second(before->accepted, now->accepted, ms);
	rate->messages = per_second(before->messages, now->messages, ms);
	rate->bytes_in = per_second(before->bytes_in, now->bytes_in, ms);
	rate->bytes_out = per_second(before->bytes_out, now->bytes_out, ms);
	ms = rates->at_ms[newest] - rates->at_ms[oldest];
	rate->cpu_tenths = (int64_t)per_second(first->cpu_us, now->cpu_us, ms) / 1000;
	return true;
}
