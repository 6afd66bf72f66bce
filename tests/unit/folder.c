/* SPDX-License-Identifier: MIT */
/* Makes and removes a temporary folder. */
#include "unit/folder.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int folder_make(void **state)
{
	char *path = strdup("/tmp/prefork-test-XXXXXX");

	*state = path;
	if (path == NULL || mkdtemp(path) == NULL)
		return -1;
	/* a server that runs as another user must reach its files */
	return chmod(path, 0755);
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *place)
{
	(void)st;
	(void)kind;
	(void)place;
	return remove(path);
}

int folder_remove_tree(const char *path)
{
	return nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

int folder_remove(void **state)
{
	int result = folder_remove_tree(*state);

	free(*state);
	return result;
}

void folder_write(const char *folder, const char *name, const char *text)
{
	char path[512];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "we");
	if (file == NULL || fputs(text, file) < 0 || fclose(file) != 0)
		abort();
}
