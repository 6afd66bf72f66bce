/* SPDX-License-Identifier: MIT */
/* Draws one line. Must not write to stdout, which is for the result. Called by team.c. */
#include "client/progress.h"

#include <stdio.h>
#include <unistd.h>

enum { EACH_MS = 250 };

void progress_init(struct progress *progress, const struct plan *plan)
{
	*progress = (struct progress){ .plan = plan };
	progress->is_shown = !plan->is_quiet && isatty(STDERR_FILENO);
}

void progress_start(struct progress *progress, int64_t start_ns)
{
	progress->start_ns = progress->last_ns = start_ns;
}

static void draw(struct progress *progress, int64_t now_ns, uint64_t answered, uint64_t lost)
{
	double seconds = (double)(now_ns - progress->start_ns) / 1e9;
	double rate =
		(double)(answered - progress->last) * 1e9 / (double)(now_ns - progress->last_ns);

	if (progress->plan->duration_ms > 0)
		fprintf(stderr, "\r%.1f of %.1f s", seconds,
			(double)progress->plan->duration_ms / 1e3);
	else
		fprintf(stderr, "\r%.1f s", seconds);
	fprintf(stderr, ": %.0f answers/s, %llu answers, %llu errors\033[K", rate,
		(unsigned long long)answered, (unsigned long long)lost);
}

void progress_show(struct progress *progress, int64_t now_ns, uint64_t answered, uint64_t lost)
{
	if (!progress->is_shown || now_ns - progress->last_ns < EACH_MS * INT64_C(1000000))
		return;
	if (progress->start_ns == 0)
		fprintf(stderr, "\rconnecting to %.50s\033[K", progress->plan->target.name);
	else
		draw(progress, now_ns, answered, lost);
	progress->last_ns = now_ns;
	progress->last = answered;
	progress->is_drawn = true;
}

int progress_wait_ms(const struct progress *progress)
{
	return progress->is_shown ? EACH_MS : -1;
}

void progress_end(struct progress *progress)
{
	if (progress->is_drawn)
		fputs("\r\033[K", stderr);
	progress->is_drawn = false;
}
