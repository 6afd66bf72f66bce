/* SPDX-License-Identifier: MIT */
/* Goes down from /proc/PID/task/TID/children, and reads /proc/PID/stat of each process. */
#include "base/process_tree.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/process_figures.h"

enum {
	PATH_TEXT = 64,
	STAT_TEXT = 1024,
	CHILDREN_TEXT = 1024, /* about a hundred pids; the others of a thread are left out */
	/* fields after the name, counted from 0 (proc(5)) */
	FIELD_CUTIME = 13,
	FIELD_CSTIME
};

struct pids {
	pid_t list[PROCESS_TREE_MOST];
	unsigned count;
};

static void add_listed(struct pids *pids, const char *text)
{
	char *end;

	for (long pid = strtol(text, &end, 10); end != text && pids->count < PROCESS_TREE_MOST;
	     pid = strtol(text, &end, 10)) {
		pids->list[pids->count++] = (pid_t)pid;
		text = end;
	}
}

static void add_children(struct pids *pids, pid_t pid)
{
	char path[PATH_TEXT], text[CHILDREN_TEXT];
	unsigned threads = 0;
	struct dirent *entry;
	DIR *folder;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	folder = opendir(path);
	while (folder && threads < PROCESS_TREE_MOST && (entry = readdir(folder))) {
		if (entry->d_name[0] == '.')
			continue;
		threads++;
		snprintf(path, sizeof(path), "/proc/%d/task/%.16s/children", (int)pid,
			 entry->d_name);
		if (file_read_path(path, text, sizeof(text)))
			add_listed(pids, text);
	}
	if (folder)
		closedir(folder);
}

/* The time, in clock ticks, of the children that it has waited for. */
static bool read_child_ticks(pid_t pid, uint64_t *ticks)
{
	char path[PATH_TEXT], text[STAT_TEXT], *at;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	if (!file_read_path(path, text, sizeof(text)) || !(at = strrchr(text, ')')))
		return false;
	*ticks = 0;
	at++;
	for (unsigned field = 0; field <= FIELD_CSTIME && at; field++) {
		if (field >= FIELD_CUTIME)
			*ticks += strtoull(at + 1, NULL, 10);
		at = strchr(at + 1, ' ');
	}
	return true;
}

static uint64_t us_of(uint64_t ticks)
{
	return ticks * 1000000 / (uint64_t)sysconf(_SC_CLK_TCK);
}

static bool add_process(struct process_tree *tree, pid_t pid)
{
	uint64_t own_us, child_ticks, bytes = 0;

	if (!process_figures_cpu(pid, &own_us) || !read_child_ticks(pid, &child_ticks))
		return false;
	(void)process_figures_memory(pid, &bytes);
	tree->cpu_us += own_us + us_of(child_ticks);
	tree->memory_bytes += bytes;
	tree->count++;
	return true;
}

bool process_tree_read(pid_t root, struct process_tree *tree)
{
	struct pids pids = { .list = { root }, .count = 1 };

	*tree = (struct process_tree){ 0 };
	if (!add_process(tree, root))
		return false;
	add_children(&pids, root);
	for (unsigned i = 1; i < pids.count; i++)
		if (add_process(tree, pids.list[i]))
			add_children(&pids, pids.list[i]);
	return true;
}
