/* SPDX-License-Identifier: MIT */
/*
 * Opens a path below a root folder name by name, and follows symbolic links itself, so that the
 * kernel never does: for systems without openat2(2), and for links that need a look at their owner.
 * It holds two descriptors at a time and less than 20 KiB of the stack. For beneath.c; any process.
 */
#ifndef SERVICES_FILES_OPEN_BENEATH_WALK_H
#define SERVICES_FILES_OPEN_BENEATH_WALK_H

#include <fcntl.h>
#include <sys/stat.h>

enum beneath_symlinks {
	BENEATH_SYMLINKS_YES,
	BENEATH_SYMLINKS_NO,
	/*
	 * Only a link that belongs to the owner of what it leads to; each link of a chain is judged
	 * so, and each one within a target (disable_symlinks if_not_owner of nginx).
	 */
	BENEATH_SYMLINKS_SAME_OWNER
};

enum {
	BENEATH_LINKS_MOST = 40,   /* as the kernel's (path_resolution(7)) */
	BENEATH_STEPS_MOST = 8192, /* names looked up for one path, those of links included */
	BENEATH_FLAGS = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | O_LARGEFILE
};

/*
 * Returns a descriptor for reading, which the caller closes, and fills st; or returns -1 with errno
 * as openat2(2) with RESOLVE_BENEATH sets it: EXDEV for a path or link that is absolute or leads
 * above the root, ELOOP for one link too many and for a forbidden link. A magic link of proc(5) is
 * an ordinary one here: its text is absolute, or names no file.
 */
int beneath_walk(int root, const char *path, enum beneath_symlinks symlinks, struct stat *st);

#endif
