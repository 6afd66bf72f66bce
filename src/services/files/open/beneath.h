/* SPDX-License-Identifier: MIT */
/*
 * Opens files below a root folder for reading: neither a path nor a symbolic link leads out of it,
 * whatever is renamed meanwhile. openat2(2) with RESOLVE_BENEATH; where the kernel has none or a
 * seccomp filter forbids it, name by name (beneath_walk.h). What was opened is judged, not its
 * name. A link with an absolute target is forbidden, even one that leads into the root; mounts
 * below the root belong to it. Never waits for the other end of a fifo. Any process; does not
 * allocate.
 */
#ifndef SERVICES_FILES_OPEN_BENEATH_H
#define SERVICES_FILES_OPEN_BENEATH_H

#include <stdbool.h>
#include <sys/stat.h>

#include "services/files/open/beneath_walk.h"

struct beneath {
	int root; /* a folder's descriptor, of the caller's; O_PATH is enough */
	enum beneath_symlinks symlinks;
	bool by_name; /* never try openat2; set by beneath_open once it knows that there is none */
};

enum beneath_end {
	BENEATH_FILE,      /* a regular file is open */
	BENEATH_FOLDER,    /* a folder is open, for getdents64(2) and as another root */
	BENEATH_NOT_FOUND, /* ENOENT, ENOTDIR, ENAMETOOLONG, EILSEQ */
	BENEATH_FORBIDDEN, /* no permission, a link that must not be followed, no file or folder */
	BENEATH_TRY_AGAIN, /* no descriptor or memory is left, or others rename too much */
	BENEATH_FAILED     /* EIO and the like, which are for the log */
};

/* True when something is there and could not be opened: errno says why. */
static inline bool beneath_is_failure(enum beneath_end end)
{
	return end != BENEATH_FILE && end != BENEATH_FOLDER && end != BENEATH_NOT_FOUND;
}

struct beneath_file {
	int fd;         /* the caller's to close; -1 unless a file or folder is open */
	struct stat st; /* of fd */
};

/*
 * Opens path, which is relative to the root; "" is the root itself. A path that ends with a slash
 * names a folder. A folder that may be searched but not read is forbidden. errno tells why nothing
 * is open: ENXIO for what is neither a file nor a folder.
 */
enum beneath_end beneath_open(struct beneath *beneath, const char *path, struct beneath_file *file);

#endif
