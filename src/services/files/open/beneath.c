/* SPDX-License-Identifier: MIT */
/* Chooses between openat2 and the walk, and sorts the errors. */
#include "services/files/open/beneath.h"

#include <linux/openat2.h>

#include "base/sys.h"

enum { TRIES = 8 };

/*
 * A ".." in a link fails with EAGAIN while anything is renamed, and so does a file with a lease,
 * because of O_NONBLOCK.
 */
static int open_by_path(const struct beneath *beneath, const char *path, struct stat *st)
{
	struct open_how how = { .flags = BENEATH_FLAGS,
				.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS };
	int fd = -1;

	if (beneath->symlinks != BENEATH_SYMLINKS_YES)
		how.resolve |= RESOLVE_NO_SYMLINKS;
	if (*path == '\0')
		path = ".";
	errno = EAGAIN;
	for (unsigned i = 0; i < TRIES && fd < 0 && (errno == EAGAIN || errno == EINTR); i++)
		fd = sys_openat2(beneath->root, path, &how, sizeof(how));
	if (fd >= 0 && sys_fstat(fd, st) != 0) {
		int error = errno;

		(void)sys_close(fd);
		errno = error;
		return -1;
	}
	return fd;
}

/* True for an answer of openat2 that the walk may better. */
static bool is_for_walk(const struct beneath *beneath, int error)
{
	return error == ENOSYS || error == EPERM || error == EAGAIN ||
	       (error == ELOOP && beneath->symlinks == BENEATH_SYMLINKS_SAME_OWNER);
}

static int open_path(struct beneath *beneath, const char *path, struct stat *st)
{
	bool is_refused = false;
	int fd;

	if (!beneath->by_name) {
		fd = open_by_path(beneath, path, st);
		if (fd >= 0 || !is_for_walk(beneath, errno))
			return fd;
		is_refused = errno == ENOSYS || errno == EPERM;
	}
	fd = beneath_walk(beneath->root, path, beneath->symlinks, st);
	/* EPERM might have been the file's, but then the walk had it too */
	if (fd >= 0 && is_refused)
		beneath->by_name = true;
	return fd;
}

static enum beneath_end sort_error(int error)
{
	switch (error) {
	case ENOENT:
	case ENOTDIR:
	case ENAMETOOLONG:
	case EILSEQ:
		return BENEATH_NOT_FOUND;
	case EACCES:
	case EPERM:
	case ELOOP:
	case EXDEV:
	case ENXIO: /* a socket, or a device that is not there */
	case ENODEV:
		return BENEATH_FORBIDDEN;
	case EMFILE:
	case ENFILE:
	case ENOMEM:
	case EAGAIN:
	case EINTR:
		return BENEATH_TRY_AGAIN;
	default:
		return BENEATH_FAILED;
	}
}

enum beneath_end beneath_open(struct beneath *beneath, const char *path, struct beneath_file *file)
{
	file->fd = open_path(beneath, path, &file->st);
	if (file->fd < 0)
		return sort_error(errno);
	if (S_ISREG(file->st.st_mode))
		return BENEATH_FILE;
	if (S_ISDIR(file->st.st_mode))
		return BENEATH_FOLDER;
	(void)sys_close(file->fd);
	file->fd = -1;
	errno = ENXIO;
	return BENEATH_FORBIDDEN;
}
