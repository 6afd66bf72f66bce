/* SPDX-License-Identifier: MIT */
/*
 * Looks at processes from outside (clock_getcpuclockid(3), /proc/PID/statm), so a worker that hangs
 * is seen as well.
 */
#include "master/procstat.h"

#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/sys.h"
#include "base/units.h"

static bool read_cpu_us(clockid_t clock, uint64_t *us)
{
	struct timespec time;

	if (sys_clock_gettime(clock, &time) < 0)
		return false;
	*us = (uint64_t)time.tv_sec * 1000000 + (uint64_t)time.tv_nsec / 1000;
	return true;
}

/* The second number of statm is the resident set, in pages (proc(5)). */
static bool read_memory(const char *path, uint64_t *bytes)
{
	char text[128], *word, *end;
	int64_t pages;

	if (!file_read_path(path, text, sizeof(text)) || !(word = strchr(text, ' ')) ||
	    !(end = strchr(++word, ' ')))
		return false;
	*end = '\0';
	if (!units_read_count(word, &pages))
		return false;
	*bytes = (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE);
	return true;
}

/* It never falls: a clock that is asked of a dying process may tell less than before. */
static void note_cpu(metric_cell *cell, clockid_t clock)
{
	uint64_t us;

	if (read_cpu_us(clock, &us) && us > cell_get(cell))
		cell_set(cell, us);
}

static void note_memory(metric_cell *cell, const char *path)
{
	uint64_t bytes;

	if (read_memory(path, &bytes))
		cell_set(cell, bytes);
}

static void look_at(pid_t pid, struct worker_tally *tally)
{
	char path[32];
	clockid_t clock;

	if (sys_clock_getcpuclockid(pid, &clock) == 0)
		note_cpu(&tally->worker_cpu_seconds_total, clock);
	snprintf(path, sizeof(path), "/proc/%d/statm", (int)pid);
	note_memory(&tally->worker_memory_bytes, path);
}

void procstat_sample(const struct procs *procs)
{
	struct server_tally *server = &procs->board->server;

	for (const struct generation *g = procs_next(procs, NULL); g; g = procs_next(procs, g))
		for (unsigned i = 0; i < g->capacity; i++)
			if (g->members[i].pid > 0)
				look_at(g->members[i].pid, &g->slots[i].tally);
	note_cpu(&server->master_cpu_seconds_total, CLOCK_PROCESS_CPUTIME_ID);
	note_memory(&server->master_memory_bytes, "/proc/self/statm");
}
