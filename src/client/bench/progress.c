/* SPDX-License-Identifier: MIT */
/* Draws one line. Must not write to stdout, which is for the result. */
#include "client/bench/progress.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/sys.h"
#include "base/units.h"

enum { EACH_MS = 250, LINE = 256, COLUMNS = 80 };

/* A dumb terminal cannot clear a line, so it gets none. */
static bool can_redraw(void)
{
	const char *term = getenv("TERM");

	return isatty(STDERR_FILENO) && term != NULL && term[0] != '\0' &&
	       strcmp(term, "dumb") != 0;
}

static int terminal_columns(void)
{
	struct winsize size = { 0 };
	const char *said = getenv("COLUMNS");
	int64_t read;

	if (sys_ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
		return size.ws_col;
	if (said != NULL && units_read_count(said, &read) && read > 0 && read < LINE)
		return (int)read;
	return COLUMNS;
}

/* The last column stays free: a line that fills the width may wrap, and could not be redrawn. */
static void write_line(const char *line)
{
	int most = terminal_columns() - 1, n = (int)strnlen(line, LINE);

	if (n > most)
		for (n = most; n > 0 && ((unsigned char)line[n] & 0xc0) == 0x80;)
			n--; /* no part of a character */
	fprintf(stderr, "\r%.*s\033[K", n, line);
}

void bench_report_progress_init(struct bench_progress *progress,
				const struct bench_options *options)
{
	*progress = (struct bench_progress){ .options = options };
	progress->is_shown = !options->is_quiet && can_redraw();
}

void bench_report_progress_start(struct bench_progress *progress, int64_t start_ns)
{
	progress->start_ns = progress->last_ns = start_ns;
}

static void draw_progress(struct bench_progress *progress, int64_t now_ns, uint64_t answers,
			  uint64_t errors)
{
	double seconds = (double)(now_ns - progress->start_ns) / 1e9;
	double rate =
		(double)(answers - progress->last) * 1e9 / (double)(now_ns - progress->last_ns);

	char line[LINE], whole[64] = "";

	if (progress->options->duration_ms > 0)
		snprintf(whole, sizeof(whole), " of %.1f",
			 (double)progress->options->duration_ms / 1e3);
	snprintf(line, sizeof(line), "%.1f%s s: %.0f answers/s, %llu answer%s, %llu error%s",
		 seconds, whole, rate, (unsigned long long)answers, answers == 1 ? "" : "s",
		 (unsigned long long)errors, errors == 1 ? "" : "s");
	write_line(line);
}

static void draw_connecting(const struct bench_progress *progress)
{
	char line[LINE];

	snprintf(line, sizeof(line), "connecting to %.200s", progress->options->target.name);
	write_line(line);
}

void bench_report_progress_update(struct bench_progress *progress, int64_t now_ns, uint64_t answers,
				  uint64_t errors)
{
	if (!progress->is_shown || now_ns - progress->last_ns < EACH_MS * INT64_C(1000000))
		return;
	if (progress->start_ns == 0)
		draw_connecting(progress);
	else
		draw_progress(progress, now_ns, answers, errors);
	progress->last_ns = now_ns;
	progress->last = answers;
	progress->is_drawn = true;
}

int bench_report_progress_wait_ms(const struct bench_progress *progress)
{
	return progress->is_shown ? EACH_MS : -1;
}

void bench_report_progress_clear(struct bench_progress *progress)
{
	if (progress->is_drawn)
		fputs("\r\033[K", stderr);
	progress->is_drawn = false;
}
