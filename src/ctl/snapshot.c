/* SPDX-License-Identifier: MIT */
/*
 * Finds the server by the lock on its pid file and copies its scoreboard. Keeps samples of its
 * counters and divides their differences by time. Must not print.
 */
#include "ctl/snapshot.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "config/pidfile.h"

bool snapshot_open(struct snapshot *snapshot, const char *pid_file, struct err *err)
{
	memset(snapshot, 0, sizeof(*snapshot));
	snapshot->pid_file = pid_file;
	scoreboard_path(pid_file, snapshot->board_path, sizeof(snapshot->board_path));
	/* calloc does not align to cache lines, which the struct needs */
	snapshot->copy = aligned_alloc(_Alignof(struct scoreboard), sizeof(*snapshot->copy));
	return snapshot->copy != NULL ||
	       err_errno(err, CODE_OSERR, "cannot make room for the scoreboard");
}

void snapshot_close(struct snapshot *snapshot)
{
	free(snapshot->copy);
	snapshot->copy = NULL;
}

/* A running server whose scoreboard cannot be read must not be reported as no server. */
static void set_problem(struct snapshot *snapshot, const struct err *board_err)
{
	snapshot->problem.text[0] = '\0';
	if (snapshot->pid == 0) {
		pidfile_nobody(snapshot->pid_file, &snapshot->problem);
	} else if (!snapshot->has_board) {
		snapshot->problem = *board_err;
		err_prefix(&snapshot->problem,
			   "the server (pid %d) runs, but cannot be seen: ", (int)snapshot->pid);
	}
}

/*
 * Without a server a missing scoreboard is expected; one that cannot be read is a problem as well.
 */
static void add_board_problem(struct snapshot *snapshot, const struct err *board_err)
{
	struct err both;

	if (snapshot->pid != 0 || snapshot->has_board || access(snapshot->board_path, F_OK) < 0)
		return;
	err_set(&both, CODE_FAILED, "%s; %s", snapshot->problem.text, board_err->text);
	snapshot->problem = both;
}

void snapshot_take(struct snapshot *snapshot)
{
	struct err board_err = { 0 };

	snapshot->pid = pidfile_owner(snapshot->pid_file);
	snapshot->has_board = scoreboard_copy(snapshot->board_path, snapshot->copy, &board_err);
	set_problem(snapshot, &board_err);
	add_board_problem(snapshot, &board_err);
	snapshot->report = (struct report){ .board = snapshot->copy,
					    .now_ms = clock_ms(),
					    .now_s = time(NULL),
					    .is_alive = snapshot->pid != 0 };
	if (!snapshot->has_board)
		return;
	tally_look(&snapshot->tally, snapshot->copy);
	snapshot->report.tally = &snapshot->tally;
}

bool snapshot_new_samples(struct samples *samples)
{
	memset(samples, 0, sizeof(*samples));
	samples->ring = calloc(SAMPLES_KEPT, sizeof(*samples->ring));
	return samples->ring != NULL;
}

void snapshot_free_samples(struct samples *samples)
{
	free(samples->ring);
	samples->ring = NULL;
}

/* Samples the worker in this slot alone: two workers with the same number have separate rates. */
static void sample_slot(const struct scoreboard *board, unsigned slot, struct sample *out)
{
	const struct worker_tally *tally = &board->slots[slot].tally;

	out->id = atomic_load_explicit(&board->infos[slot].pid, memory_order_relaxed);
	out->accepted = metric_sum(tally, METRIC_connections_accepted_total);
	out->messages = metric_sum(tally, METRIC_messages_total);
	out->bytes_in = metric_sum(tally, METRIC_bytes_in_total);
	out->bytes_out = metric_sum(tally, METRIC_bytes_out_total);
	out->cpu_us = metric_sum(tally, METRIC_worker_cpu_seconds_total);
}

static void sample_listener(const struct report *report, unsigned row, uint64_t id,
			    struct sample *out)
{
	struct report_listener listener;

	if (!report_listener(report, row, &listener))
		return;
	out->id = id;
	out->accepted = cell_get(&listener.tally.connections_accepted_total);
	out->messages = cell_get(&listener.tally.messages_total);
	out->bytes_in = cell_get(&listener.tally.bytes_in_total);
	out->bytes_out = cell_get(&listener.tally.bytes_out_total);
}

static void sample_all(const struct report *report, uint64_t id, struct sample *out)
{
	struct worker_tally all;

	tally_all(report->tally, report->board, &all);
	out->id = id;
	out->accepted = metric_sum(&all, METRIC_connections_accepted_total);
	out->messages = metric_sum(&all, METRIC_messages_total);
	out->bytes_in = metric_sum(&all, METRIC_bytes_in_total);
	out->bytes_out = metric_sum(&all, METRIC_bytes_out_total);
	out->cpu_us = metric_sum(&all, METRIC_worker_cpu_seconds_total);
}

static void take_sample(const struct report *report, struct sample *out)
{
	const struct scoreboard *board = report->board;
	/* the next server of the same pid file has another scoreboard */
	uint64_t id = board->inode ^ (uint64_t)board->started_ms << 20 ^ 1;

	memset(out, 0, SAMPLE_SUBJECTS * sizeof(*out));
	for (unsigned i = 0; i < report->tally->count; i++) {
		unsigned slot = report->tally->slots[i];

		sample_slot(board, slot, &out[slot]);
	}
	for (unsigned i = 0; i < METRIC_LISTENERS; i++)
		sample_listener(report, i, id, &out[SAMPLE_LISTENERS + i]);
	sample_all(report, id, &out[SAMPLE_ALL]);
}

void snapshot_add_sample(struct samples *samples, const struct report *report)
{
	unsigned place = samples->taken % SAMPLES_KEPT;
	unsigned last = (samples->taken + SAMPLES_KEPT - 1) % SAMPLES_KEPT;

	if (samples->taken > 0 && report->now_ms - samples->at_ms[last] < SAMPLES_LEAST_MS)
		return;
	take_sample(report, samples->ring[place]);
	samples->at_ms[place] = report->now_ms;
	samples->taken++;
}

/* Bounded: a scoreboard may hold any number. */
static uint64_t per_second(uint64_t before, uint64_t now, int64_t ms)
{
	double rate;

	if (now <= before || ms <= 0)
		return 0;
	rate = (double)(now - before) * 1000 / (double)ms;
	return rate < 1e18 ? (uint64_t)rate : UINT64_C(1000000000000000000);
}

bool snapshot_rate(const struct samples *samples, unsigned subject, struct rate *rate)
{
	unsigned newest = (samples->taken + SAMPLES_KEPT - 1) % SAMPLES_KEPT, oldest = newest;
	const struct sample *now, *before, *first;
	int64_t ms;

	if (samples->taken < 2)
		return false;
	now = &samples->ring[newest][subject];
	before = &samples->ring[(newest + SAMPLES_KEPT - 1) % SAMPLES_KEPT][subject];
	if (now->id == 0 || now->id != before->id)
		return false;
	for (unsigned i = 1; i < SAMPLES_KEPT && i < samples->taken; i++) {
		unsigned place = (newest + SAMPLES_KEPT - i) % SAMPLES_KEPT;

		if (samples->ring[place][subject].id != now->id)
			break;
		oldest = place;
	}
	first = &samples->ring[oldest][subject];
	ms = samples->at_ms[newest] - samples->at_ms[(newest + SAMPLES_KEPT - 1) % SAMPLES_KEPT];
	rate->accepted = per_second(before->accepted, now->accepted, ms);
	rate->messages = per_second(before->messages, now->messages, ms);
	rate->bytes_in = per_second(before->bytes_in, now->bytes_in, ms);
	rate->bytes_out = per_second(before->bytes_out, now->bytes_out, ms);
	ms = samples->at_ms[newest] - samples->at_ms[oldest];
	rate->cpu_tenths = (int64_t)per_second(first->cpu_us, now->cpu_us, ms) / 1000;
	return true;
}
