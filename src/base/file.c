/* SPDX-License-Identifier: MIT */
/*
 * Files by path: reads short files whole, checks owners, and compares paths. It writes no file and
 * does not interpret contents.
 */
#include "base/file.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/sys.h"

ssize_t file_read(int fd, void *to, size_t size, off_t from)
{
	size_t used = 0;

	while (used < size) {
		ssize_t n = sys_pread(fd, (char *)to + used, size - used, from + (off_t)used);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		used += (size_t)n;
	}
	return (ssize_t)used;
}

bool file_read_path(const char *path, char *text, size_t size)
{
	int fd = sys_open(path, O_RDONLY | O_CLOEXEC, 0), kept;
	ssize_t n;

	if (fd < 0)
		return false;
	n = file_read(fd, text, size - 1, 0);
	kept = errno;
	sys_close(fd);
	errno = kept;
	if (n >= 0)
		text[n] = '\0';
	return n >= 0;
}

ssize_t file_read_regular(const char *path, void *to, size_t size, struct err *err)
{
	/* a pipe or a device would make the caller wait */
	int fd = sys_open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0);
	struct stat st;
	ssize_t n = -1;

	if (fd < 0) {
		err_errno(err, err_code(errno, CODE_CONFIG), "\"%s\" cannot be opened", path);
		return -1;
	}
	if (sys_fstat(fd, &st) < 0)
		err_errno(err, CODE_OSERR, "\"%s\" cannot be read", path);
	else if (!S_ISREG(st.st_mode))
		err_set(err, CODE_CONFIG, "\"%s\" is not a regular file", path);
	else if (st.st_size > (off_t)size)
		err_set(err, CODE_CONFIG, "\"%s\" is longer than %zu bytes", path, size);
	else if ((n = file_read(fd, to, size, 0)) < 0)
		err_errno(err, CODE_OSERR, "\"%s\" cannot be read", path);
	sys_close(fd);
	return n;
}

static bool refuse_owner(uid_t user, uid_t owner, struct err *err)
{
	if (owner == (uid_t)-1 || owner == geteuid())
		return err_set(err, CODE_CONFIG,
			       "it belongs to user %u, and the server is user %u's (chown it to "
			       "user %u, or remove it)",
			       user, geteuid(), geteuid());
	return err_set(err, CODE_CONFIG,
		       "it belongs to user %u, who is neither the server's nor the workers' (chown "
		       "it to user %u, or remove it)",
		       user, owner);
}

bool file_check_owner(const struct stat *st, uid_t owner, struct err *err)
{
	if (st->st_nlink != 1)
		return err_set(err, CODE_CONFIG,
			       "it has %ju hard links and may be another's file (remove it)",
			       (uintmax_t)st->st_nlink);
	if (st->st_uid != 0 && st->st_uid != geteuid() && st->st_uid != owner)
		return refuse_owner(st->st_uid, owner, err);
	return true;
}

bool file_is_own_folder(const struct stat *st)
{
	return (st->st_uid == 0 || st->st_uid == geteuid()) && (st->st_mode & 022) == 0;
}

static bool is_same(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

static const char *name_in(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

const char *file_folder(const char *path, char *text, size_t size)
{
	const char *slash = strrchr(path, '/');

	snprintf(text, size, "%.*s", slash == path ? 1 : (int)(slash - path), path);
	return text;
}

bool file_can_create(const char *path)
{
	const char *slash = strrchr(path, '/');
	char folder[PATH_MAX];

	/* the slash stays, so that the root is a folder too */
	snprintf(folder, sizeof(folder), "%.*s", slash ? (int)(slash - path + 1) : 1,
		 slash ? path : ".");
	return sys_faccessat(AT_FDCWD, folder, W_OK | X_OK, AT_EACCESS) == 0;
}

static bool find_folder(const char *path, struct stat *st)
{
	char folder[PATH_MAX];

	return path[0] == '/' && strlen(path) < sizeof(folder) &&
	       sys_stat(file_folder(path, folder, sizeof(folder)), st) == 0;
}

bool file_same_name(const char *a, const char *b)
{
	struct stat of_a, of_b;

	if (strcmp(a, b) == 0)
		return true;
	return strcmp(name_in(a), name_in(b)) == 0 && find_folder(a, &of_a) &&
	       find_folder(b, &of_b) && is_same(&of_a, &of_b);
}

bool file_same(const char *a, const char *b)
{
	struct stat of_a, of_b;

	if (file_same_name(a, b))
		return true;
	return sys_stat(a, &of_a) == 0 && sys_stat(b, &of_b) == 0 && S_ISREG(of_a.st_mode) &&
	       is_same(&of_a, &of_b);
}

static bool join_path(const char *folder, size_t len, const char *name, char *path)
{
	int n = snprintf(path, FILE_PATH, "%.*s%s%s", (int)len, folder, len > 0 ? "/" : "", name);

	return n >= 0 && n < FILE_PATH;
}

bool file_join(const char *directory, const char *name, char *path)
{
	size_t len = name[0] == '/' || directory == NULL ? 0 : strlen(directory);

	return join_path(directory ? directory : "", len, name, path);
}

bool file_join_beside(const char *beside, const char *name, char *path)
{
	const char *slash = name[0] == '/' ? NULL : strrchr(beside, '/');

	/* for a file in "/" the slash itself is the folder */
	if (slash == beside)
		return join_path("/.", 2, name, path);
	return join_path(beside, slash ? (size_t)(slash - beside) : 0, name, path);
}
