/* SPDX-License-Identifier: MIT */
/* Reads clock_getcpuclockid(3) and /proc/PID/statm. */
#include "base/process_figures.h"

#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/sys.h"
#include "base/units.h"

bool process_figures_cpu(pid_t pid, uint64_t *us)
{
	clockid_t clock = CLOCK_PROCESS_CPUTIME_ID;
	struct timespec time;

	if ((pid > 0 && sys_clock_getcpuclockid(pid, &clock) != 0) ||
	    sys_clock_gettime(clock, &time) < 0)
		return false;
	*us = (uint64_t)time.tv_sec * 1000000 + (uint64_t)time.tv_nsec / 1000;
	return true;
}

/* The second number of statm is the resident set, in pages (proc(5)). */
bool process_figures_memory(pid_t pid, uint64_t *bytes)
{
	char path[32], text[128], *word, *end;
	int64_t pages;

	snprintf(path, sizeof(path), pid > 0 ? "/proc/%d/statm" : "/proc/self/statm", (int)pid);
	if (!file_read_path(path, text, sizeof(text)) || !(word = strchr(text, ' ')) ||
	    !(end = strchr(++word, ' ')))
		return false;
	*end = '\0';
	if (!units_read_count(word, &pages))
		return false;
	*bytes = (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE);
	return true;
}
