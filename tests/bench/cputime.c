/* SPDX-License-Identifier: MIT */
/* Reads processor times. Must not be called while requests are timed. Called by load.c. */
#include "cputime.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static uint64_t thread_ns(const char *folder, const char *name)
{
	char path[320], text[64];
	uint64_t ns = 0;
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s/schedstat", folder, name);
	file = fopen(path, "re");
	if (!file)
		return 0;
	if (fgets(text, sizeof(text), file))
		ns = strtoull(text, NULL, 10);
	fclose(file);
	return ns;
}

static uint64_t process_ns(pid_t pid)
{
	char folder[48];
	struct dirent *entry;
	uint64_t ns = 0;
	DIR *dir;

	snprintf(folder, sizeof(folder), "/proc/%d/task", pid);
	dir = opendir(folder);
	while (dir && (entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] != '.')
			ns += thread_ns(folder, entry->d_name);
	}
	if (dir)
		closedir(dir);
	return ns;
}

uint64_t cputime_ns(const pid_t *pids, unsigned count)
{
	uint64_t ns = 0;

	for (unsigned i = 0; i < count; i++)
		ns += process_ns(pids[i]);
	return ns;
}

uint64_t cputime_own_ns(void)
{
	struct timespec used;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
	return (uint64_t)used.tv_sec * 1000000000 + (uint64_t)used.tv_nsec;
}
