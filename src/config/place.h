/* SPDX-License-Identifier: MIT */
/* A place in the configuration's files: a file name and a line. Pure, except place_keep. */
#ifndef CONFIG_PLACE_H
#define CONFIG_PLACE_H

#include <stdbool.h>
#include <stddef.h>

enum { PLACE_PATH = 4096, PLACE_TEXT = PLACE_PATH + 16 };

struct place {
	const char *file; /* owned by a struct place_files */
	int line;         /* 0: no place */
};

/* Writes FILE:LINE to text (PLACE_TEXT bytes). Returns text. */
const char *place_write(struct place place, char *text);

/*
 * Writes name to path (PLACE_PATH bytes). A relative name goes below directory, unless directory is
 * NULL. Returns false when the path is too long.
 */
bool place_join(const char *directory, const char *name, char *path);

/* As place_join, with the folder of the file `beside` as the directory. */
bool place_beside(const char *beside, const char *name, char *path);

/* File names that must outlive the places which refer to them. Initially zeroed. */
struct place_files {
	char **names;
	size_t count;
};

/* Keeps a copy of name and returns it, or NULL without memory. place_drop frees all copies. */
const char *place_keep(struct place_files *files, const char *name);
void place_drop(struct place_files *files);

#endif
