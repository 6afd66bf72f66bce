/* SPDX-License-Identifier: MIT */
/* Makes and removes a temporary folder. */
#include "unit/folder.h"

#include <dirent.h>
#include <fcntl.h>
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

int folder_remove(void **state)
{
	DIR *folder = opendir(*state);
	struct dirent *entry;
	int result;

	while (folder != NULL && (entry = readdir(folder)) != NULL)
		unlinkat(dirfd(folder), entry->d_name, 0);
	if (folder != NULL)
		closedir(folder);
	result = rmdir(*state);
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
