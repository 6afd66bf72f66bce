/* SPDX-License-Identifier: MIT */
/*
 * A root folder with a file, and next to it a folder with a file that must stay out of reach, for
 * tests of services/files/open/beneath: by openat2 and by name.
 */
#ifndef UNIT_ROOTED_H
#define UNIT_ROOTED_H

#include "services/files/open/beneath.h"

enum rooted_way { BY_OPENAT2, BY_NAME, WAYS };

/*
 * cmocka's setup and teardown of a group: root/file holds "file", outside/secret "secret". Only one
 * such folder at a time.
 */
int rooted_make(void **state);
int rooted_remove(void **state);

/* The path of a name in the folder that holds root; valid until the fourth call from here. */
const char *rooted_at(const char *name);

/* Makes a link in the folder that holds root, or a folder (0755). */
void rooted_link(const char *target, const char *name);
void rooted_folder(const char *name);

/* The opener of that root. */
struct beneath rooted_open(enum rooted_way way, enum beneath_symlinks symlinks);

/*
 * Opens the path and expects that end, and a file with that text (NULL: no file). With nothing
 * open, fd must be -1.
 */
void rooted_expect(struct beneath *beneath, const char *path, enum beneath_end end,
		   const char *text);

/*
 * Runs the function (a group of tests) as it is, and once more in a child that is nobody when this
 * process is root. Returns the failures.
 */
int rooted_run(int (*run)(void));

#endif
