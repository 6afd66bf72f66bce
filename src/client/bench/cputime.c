/* SPDX-License-Identifier: MIT */
/*
 * Reads processor times from /proc. Must not be called while the same process times messages.
 */
#include "client/bench/cputime.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* The times are those at the start; 0 for a process that started later. */
struct cputime_process {
	pid_t pid, parent;
	uint64_t start_time; /* differs from that of a later process with the same pid */
	uint64_t ns;         /* its own */
	uint64_t ended_ns;   /* of its children that it has reaped, and theirs */
	uint64_t owed_ns;    /* part of the later ended_ns that was counted at the start */
	bool is_gone;
};

/* From /proc/PID/stat. */
struct stat_line {
	pid_t parent;
	uint64_t ended_ns, start_time;
};

/* Fields of proc_pid_stat(5), counted from the one after the name, which ends with the last ")". */
enum { FIELD_PARENT = 1, FIELD_CUTIME = 13, FIELD_CSTIME, FIELD_START_TIME = 19, FIELDS };

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

/* False when there is no such process. */
static bool read_stat(const char *proc, pid_t pid, struct stat_line *line)
{
	uint64_t fields[FIELDS] = { 0 }, tick_ns = 1000000000 / (uint64_t)sysconf(_SC_CLK_TCK);
	char path[512], text[1024], *at;
	int i = 0;

	snprintf(path, sizeof(path), "%s/%d/stat", proc, (int)pid);
	if (!read_file(path, text, sizeof(text)) || (at = strrchr(text, ')')) == NULL)
		return false;
	for (at = strchr(at, ' '); at != NULL && i < FIELDS; at = strchr(at + 1, ' '))
		fields[i++] = strtoull(at + 1, NULL, 10);
	line->parent = (pid_t)fields[FIELD_PARENT];
	line->ended_ns = (fields[FIELD_CUTIME] + fields[FIELD_CSTIME]) * tick_ns;
	line->start_time = fields[FIELD_START_TIME];
	return i == FIELDS;
}

static struct cputime_process *find_process(const struct cputime *processes, pid_t pid)
{
	for (size_t i = 0; i < processes->count; i++)
		if (processes->list[i].pid == pid)
			return &processes->list[i];
	return NULL;
}

static bool append_process(struct cputime *processes, pid_t pid, const struct stat_line *line)
{
	if (processes->count == processes->room) {
		size_t room = processes->room * 2 + 64;
		void *list = realloc(processes->list, room * sizeof(*processes->list));

		if (list == NULL)
			return false;
		processes->list = list;
		processes->room = room;
	}
	processes->list[processes->count++] = (struct cputime_process){
		.pid = pid, .parent = line->parent, .start_time = line->start_time
	};
	return true;
}

/* Reads /proc once. Returns the number of processes that were added; -1 on failure. */
static int add_children(struct cputime *processes)
{
	DIR *proc = opendir(processes->proc);
	struct dirent *entry;
	int found = 0;

	if (proc == NULL)
		return -1;
	while (found >= 0 && (entry = readdir(proc)) != NULL) {
		pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);
		struct stat_line line;
		const struct cputime_process *parent;

		if (pid <= 0 || find_process(processes, pid) != NULL ||
		    !read_stat(processes->proc, pid, &line))
			continue;
		parent = find_process(processes, line.parent);
		if (parent != NULL && !parent->is_gone)
			found = append_process(processes, pid, &line) ? found + 1 : -1;
	}
	closedir(proc);
	return found;
}

static bool add_descendants(struct cputime *processes)
{
	int found;

	do
		found = add_children(processes);
	while (found > 0);
	return found == 0;
}

bool cputime_add(struct cputime *processes, pid_t pid)
{
	struct stat_line line;

	if (!read_stat(processes->proc, pid, &line)) {
		errno = ESRCH;
		return false;
	}
	return find_process(processes, pid) != NULL || append_process(processes, pid, &line);
}

void cputime_free(struct cputime *processes)
{
	free(processes->list);
	*processes = (struct cputime){ .proc = processes->proc };
}

/* Returns the time of all threads of the process; 0 when it cannot be read. */
static uint64_t read_ns(const char *proc, pid_t pid)
{
	char folder[256], path[640], text[64];
	struct dirent *entry;
	uint64_t ns = 0;
	DIR *dir;

	snprintf(folder, sizeof(folder), "%s/%d/task", proc, (int)pid);
	dir = opendir(folder);
	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		snprintf(path, sizeof(path), "%s/%s/schedstat", folder, entry->d_name);
		if (entry->d_name[0] != '.' && read_file(path, text, sizeof(text)))
			ns += strtoull(text, NULL, 10);
	}
	if (dir != NULL)
		closedir(dir);
	return ns;
}

void cputime_start(struct cputime *processes)
{
	add_descendants(processes);
	for (size_t i = 0; i < processes->count; i++) {
		struct cputime_process *one = &processes->list[i];
		struct stat_line line;

		if (read_stat(processes->proc, one->pid, &line))
			one->ended_ns = line.ended_ns;
		one->ns = read_ns(processes->proc, one->pid);
	}
}

static uint64_t subtract_ns(uint64_t now, uint64_t before)
{
	return now > before ? now - before : 0;
}

static int mark_gone_processes(struct cputime *processes)
{
	int gone = 0;

	for (size_t i = 0; i < processes->count; i++) {
		struct cputime_process *one = &processes->list[i];
		struct stat_line line;

		one->is_gone = !read_stat(processes->proc, one->pid, &line) ||
			       line.start_time != one->start_time;
		gone += one->is_gone;
	}
	return gone;
}

/* The time of a process that is gone is part of ended_ns of its nearest living ancestor. */
static void add_owed_times(struct cputime *processes)
{
	for (size_t i = 0; i < processes->count; i++) {
		const struct cputime_process *one = &processes->list[i];
		struct cputime_process *up = find_process(processes, one->parent);

		if (!one->is_gone)
			continue;
		for (size_t n = 0; n < processes->count && up != NULL && up->is_gone; n++)
			up = find_process(processes, up->parent);
		if (up != NULL)
			up->owed_ns += one->ns + one->ended_ns;
	}
}

struct cputime_used cputime_stop(struct cputime *processes)
{
	struct cputime_used used = { .ended = mark_gone_processes(processes) };
	uint64_t all_ns = 0;
	bool is_whole = add_descendants(processes);

	add_owed_times(processes);
	for (size_t i = 0; i < processes->count; i++) {
		const struct cputime_process *one = &processes->list[i];
		uint64_t ns = one->is_gone ? 0 : read_ns(processes->proc, one->pid);
		struct stat_line line;

		all_ns += ns + one->ns;
		used.ns += subtract_ns(ns, one->ns);
		if (!one->is_gone && read_stat(processes->proc, one->pid, &line))
			used.ns += subtract_ns(line.ended_ns, one->ended_ns + one->owed_ns);
	}
	/* every process uses some time: a kernel that does not count reports 0 */
	used.is_known = is_whole && all_ns > 0;
	return used;
}

uint64_t cputime_own_ns(void)
{
	struct timespec used;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
	return (uint64_t)used.tv_sec * 1000000000 + (uint64_t)used.tv_nsec;
}
