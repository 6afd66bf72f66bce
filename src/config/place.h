/* SPDX-License-Identifier: MIT */
/*
 * Where something stands in the configuration's files: a file's name and a line. Pure but for
 * place_keep.
 */
#ifndef CONFIG_PLACE_H
#define CONFIG_PLACE_H

#include <stdbool.h>
#include <stddef.h>

enum { PLACE_PATH = 4096, PLACE_TEXT = PLACE_PATH + 16 };

struct place {
	const char *file; /* kept by a struct place_files */
	int line;         /* 0: nowhere */
};

/* Writes FILE:LINE into text (PLACE_TEXT bytes) and returns it. */
const char *place_write(struct place place, char *text);

/*
 * Writes name, below directory when it is relative and directory is not NULL. False when it is
 * too long. path: PLACE_PATH bytes.
 */
bool place_join(const char *directory, const char *name, char *path);

/* Writes name, below the folder of the file `beside` when it is relative. Likewise. */
bool place_beside(const char *beside, const char *name, char *path);

/* Names that must live as long as the places that lead to them. All zeros at first. */
struct place_files {
	char **names;
	size_t count;
};

/* Keeps a copy of name and returns it; NULL without memory. place_drop frees all. */
const char *place_keep(struct place_files *files, const char *name);
void place_drop(struct place_files *files);

#endif
