/* SPDX-License-Identifier: MIT */
/*
 * Reads processor times from /proc. Must not be called while messages are timed by the same process.
 * Called by team.c.
 */
#include "client/cputime.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static bool read_file(const char *path, char *text, size_t size)
{
	FILE *file = fopen(path, "re");
	size_t n;

	if (file == NULL)
		return false;
	n = fread(text, 1, size - 1, file);
	text[n] = '\0';
	fclose(file);
	return n > 0;
}

/* The parent of a process; 0 when it is gone. Its name may hold anything, so the last ")" counts. */
static pid_t parent_of(pid_t pid)
{
	char path[48], text[512], *behind;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	if (!read_file(path, text, sizeof(text)) || (behind = strrchr(text, ')')) == NULL ||
	    strlen(behind) < 4)
		return 0;
	return (pid_t)strtol(behind + 4, NULL, 10);
}

static bool holds(const struct cputime *processes, pid_t pid)
{
	for (int i = 0; i < processes->count; i++)
		if (processes->pids[i] == pid)
			return true;
	return false;
}

/* One look at all processes; true when it found one more. */
static bool add_children(struct cputime *processes)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;
	bool found = false;

	while (proc != NULL && (entry = readdir(proc)) != NULL) {
		pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);

		if (pid <= 0 || processes->count == CPUTIME_MOST || holds(processes, pid) ||
		    !holds(processes, parent_of(pid)))
			continue;
		processes->pids[processes->count++] = pid;
		found = true;
	}
	if (proc != NULL)
		closedir(proc);
	return found;
}

bool cputime_add(struct cputime *processes, pid_t pid)
{
	if (parent_of(pid) == 0 && pid != 1)
		return false;
	if (processes->count < CPUTIME_MOST && !holds(processes, pid))
		processes->pids[processes->count++] = pid;
	while (add_children(processes))
		;
	return true;
}

static uint64_t thread_ns(const char *folder, const char *name)
{
	char path[320], text[64];

	snprintf(path, sizeof(path), "%s/%s/schedstat", folder, name);
	return read_file(path, text, sizeof(text)) ? strtoull(text, NULL, 10) : 0;
}

static uint64_t process_ns(pid_t pid)
{
	char folder[48];
	struct dirent *entry;
	uint64_t ns = 0;
	DIR *dir;

	snprintf(folder, sizeof(folder), "/proc/%d/task", (int)pid);
	dir = opendir(folder);
	while (dir != NULL && (entry = readdir(dir)) != NULL)
		if (entry->d_name[0] != '.')
			ns += thread_ns(folder, entry->d_name);
	if (dir != NULL)
		closedir(dir);
	return ns;
}

uint64_t cputime_ns(const struct cputime *processes)
{
	uint64_t ns = 0;

	for (int i = 0; i < processes->count; i++)
		ns += process_ns(processes->pids[i]);
	return ns;
}

uint64_t cputime_own_ns(void)
{
	struct timespec used;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
	return (uint64_t)used.tv_sec * 1000000000 + (uint64_t)used.tv_nsec;
}
