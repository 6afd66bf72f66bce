/* SPDX-License-Identifier: MIT */
/* A temporary folder with files, for tests that read files. */
#ifndef UNIT_FOLDER_H
#define UNIT_FOLDER_H

/* cmocka's setup and teardown of a group or a test: *state is the folder's path. */
int folder_make(void **state);
int folder_remove(void **state);

/* Removes the folder and all that is in it. Returns 0, or -1 with errno set. */
int folder_remove_tree(const char *path);

/* Writes the file `name` in the folder. */
void folder_write(const char *folder, const char *name, const char *text);

#endif
