/* SPDX-License-Identifier: MIT */
/* A temporary folder with files, for tests that read files. */
#ifndef UNIT_FOLDER_H
#define UNIT_FOLDER_H

/* cmocka's setup and teardown of a group or a test: *state is the folder's path. */
int folder_make(void **state);
int folder_remove(void **state);

/* Writes the file `name` in the folder. */
void folder_write(const char *folder, const char *name, const char *text);

#endif
