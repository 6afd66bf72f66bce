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

static int columns(void)
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
static void put_line(const char *line)
{
	int most = columns() - 1, n = (int)strnlen(line, LINE);

	if (n > most)
		for (n = most; n > 0 && ((unsigned char)line[n] & 0xc0) == 0x80;)
			n--; /* no part of a character */
	fprintf(stderr, "\r%.*s\033[K", n, line);
}

void progress_init(struct progress *progress, const struct plan *plan)
{
	*progress = (struct progress){ .plan = plan };
	progress->is_shown = !plan->is_quiet && can_redraw();
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

	char line[LINE], whole[64] = "";

	if (progress->plan->duration_ms > 0)
		snprintf(whole, sizeof(whole), " of %.1f",
			 (double)progress->plan->duration_ms / 1e3);
	snprintf(line, sizeof(line), "%.1f%s s: %.0f answers/s, %llu answer%s, %llu error%s",
		 seconds, whole, rate, (unsigned long long)answered, answered == 1 ? "" : "s",
		 (unsigned long long)lost, lost == 1 ? "" : "s");
	put_line(line);
}

static void draw_connecting(const struct progress *progress)
{
	char line[LINE];

	snprintf(line, sizeof(line), "connecting to %.200s", progress->plan->target.name);
	put_line(line);
}

void progress_show(struct progress *progress, int64_t now_ns, uint64_t answered, uint64_t lost)
{
	if (!progress->is_shown || now_ns - progress->last_ns < EACH_MS * INT64_C(1000000))
		return;
	if (progress->start_ns == 0)
		draw_connecting(progress);
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
