/* SPDX-License-Identifier: MIT */
/* Compares paths by device and inode. Must not open or change anything. */
#include "base/paths.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/sys.h"

static bool is_same(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

static const char *name_in(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

const char *file_folder(const char *path, char *text, size_t size)
{
	const char *slash = strrchr(path, '/');

	snprintf(text, size, "%.*s", slash == path ? 1 : (int)(slash - path), path);
	return text;
}

static bool find_folder(const char *path, struct stat *st)
{
	char folder[PATH_MAX];

	return path[0] == '/' && strlen(path) < sizeof(folder) &&
	       sys_stat(file_folder(path, folder, sizeof(folder)), st) == 0;
}

bool file_same_name(const char *a, const char *b)
{
	struct stat of_a, of_b;

	if (strcmp(a, b) == 0)
		return true;
	return strcmp(name_in(a), name_in(b)) == 0 && find_folder(a, &of_a) &&
	       find_folder(b, &of_b) && is_same(&of_a, &of_b);
}

bool file_same(const char *a, const char *b)
{
	struct stat of_a, of_b;

	if (file_same_name(a, b))
		return true;
	return sys_stat(a, &of_a) == 0 && sys_stat(b, &of_b) == 0 && S_ISREG(of_a.st_mode) &&
	       is_same(&of_a, &of_b);
}
