/* SPDX-License-Identifier: MIT */
/* Formats file names and lines for messages. It must not open any file. */
#include "config/place.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *place_write(struct place place, char *text)
{
	snprintf(text, PLACE_TEXT, "%s:%d", place.file, place.line);
	return text;
}

static bool join_path(const char *folder, size_t len, const char *name, char *path)
{
	int n = snprintf(path, PLACE_PATH, "%.*s%s%s", (int)len, folder, len > 0 ? "/" : "", name);

	return n >= 0 && n < PLACE_PATH;
}

bool place_join(const char *directory, const char *name, char *path)
{
	size_t len = name[0] == '/' || directory == NULL ? 0 : strlen(directory);

	return join_path(directory ? directory : "", len, name, path);
}

bool place_beside(const char *beside, const char *name, char *path)
{
	const char *slash = name[0] == '/' ? NULL : strrchr(beside, '/');

	/* for a file in "/" the slash itself is the folder */
	if (slash == beside)
		return join_path("/.", 2, name, path);
	return join_path(beside, slash ? (size_t)(slash - beside) : 0, name, path);
}

const char *place_keep(struct place_files *files, const char *name)
{
	char **more = reallocarray(files->names, files->count + 1, sizeof(*more));

	if (more == NULL)
		return NULL;
	files->names = more;
	more[files->count] = strdup(name);
	return more[files->count] ? more[files->count++] : NULL;
}

void place_drop(struct place_files *files)
{
	for (size_t i = 0; i < files->count; i++)
		free(files->names[i]);
	free(files->names);
	*files = (struct place_files){ 0 };
}
