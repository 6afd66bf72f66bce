/* SPDX-License-Identifier: MIT */
/*
 * A snapshot of a server, taken from outside: whether it lives, and a copy of its scoreboard. The
 * server takes no part, so a hung server can be read too. The copy is the reader's own, so a change
 * of the file cannot harm the reader. Rates come from the counters of several snapshots. Any
 * process but the master.
 */
#ifndef CTL_SNAPSHOT_H
#define CTL_SNAPSHOT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "stats/report.h"

struct snapshot {
	const char *pid_file; /* borrowed */
	char board_path[4096 + 16];
	struct scoreboard *copy;
	struct tally tally;
	pid_t pid;            /* of the living server; 0: there is none */
	bool has_board;       /* the scoreboard was read: report can be used */
	struct report report; /* of the copy */
	struct err problem;   /* why the server, or its scoreboard, cannot be read; text "": none */
};

/*
 * Prepares for snapshots of the server of that pid file. Returns false with err (memory). The
 * caller frees it with snapshot_close.
 */
bool snapshot_open(struct snapshot *snapshot, const char *pid_file, struct err *err);
void snapshot_close(struct snapshot *snapshot);

/* Takes a snapshot, in place of the last one. */
void snapshot_take(struct snapshot *snapshot);

/* The master counts CPU time once a second: its rate is even only over several samples. */
enum { SAMPLES_KEPT = 6, SAMPLES_LEAST_MS = 500 };

/* The subjects of a sample: the slots, the listeners, and all workers together. */
enum {
	SAMPLE_LISTENERS = SCOREBOARD_SLOTS,
	SAMPLE_ALL = SAMPLE_LISTENERS + METRIC_LISTENERS,
	SAMPLE_SUBJECTS
};

/* The counters of a subject at one time. */
struct sample {
	uint64_t id; /* differs when another subject has taken the place; 0: none */
	uint64_t accepted, messages, bytes_in, bytes_out, cpu_us;
};

struct samples {
	struct sample (*ring)[SAMPLE_SUBJECTS]; /* SAMPLES_KEPT of them */
	int64_t at_ms[SAMPLES_KEPT];
	uint64_t taken;
};

/* Per second, between the last two samples; the CPU time since the oldest one. */
struct rate {
	uint64_t accepted, messages, bytes_in, bytes_out;
	int64_t cpu_tenths; /* of a per cent */
};

/* Returns false with errno set (memory). The caller frees them with snapshot_free_samples. */
bool snapshot_new_samples(struct samples *samples);
void snapshot_free_samples(struct samples *samples);

/* Adds a sample, unless the last one is younger than SAMPLES_LEAST_MS. */
void snapshot_add_sample(struct samples *samples, const struct report *report);

/* Computes the rates of a subject. Returns false while there are too few samples. */
bool snapshot_rate(const struct samples *samples, unsigned subject, struct rate *rate);

#endif
