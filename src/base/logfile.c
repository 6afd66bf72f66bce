/* SPDX-License-Identifier: MIT */
/*
 * Opens the file of a log, or tries whether it could. It changes the owner only of a file that it
 * created: root opens the log in a folder that may belong to the workers' user, where a link could
 * lead to any file of the system.
 */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/logfile.h"
#include "base/sys.h"

enum { FILE_FLAGS = O_WRONLY | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK };

int logfile_folder(const char *path, const char **name)
{
	const char *slash = strrchr(path, '/');
	char folder[4096];
	int n;

	*name = slash ? slash + 1 : path;
	if (**name == '\0') {
		errno = EISDIR;
		return -1;
	}
	if (strlen(*name) >= LOGFILE_NAME) {
		errno = ENAMETOOLONG;
		return -1;
	}
	/* the slash is kept, so that "/" works too */
	n = snprintf(folder, sizeof(folder), "%.*s", slash ? (int)(slash - path + 1) : 1,
		     slash ? path : ".");
	if (n >= (int)sizeof(folder)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	return sys_open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
}

static bool set_err(struct err *err)
{
	return err_set(err, err_code_of_path(errno), "%s", strerror(errno));
}

/* Gives a new file to the workers' user, which has to reopen it later. */
static bool give_file(int fd, uid_t owner, struct err *err)
{
	return owner == (uid_t)-1 || sys_fchown(fd, owner, (gid_t)-1) == 0 || set_err(err);
}

/* A user who can write to the folder controls its links. */
static bool trusts_links(int folder)
{
	struct stat st;

	return sys_fstat(folder, &st) == 0 && file_is_own_folder(&st);
}

static bool check_file(int fd, bool is_link, uid_t owner, struct err *err)
{
	struct stat st;

	if (sys_fstat(fd, &st) < 0)
		return set_err(err);
	if (S_ISCHR(st.st_mode) || S_ISFIFO(st.st_mode))
		return true;
	if (!S_ISREG(st.st_mode))
		return err_set(err, CODE_CONFIG, "it is no file, pipe or character device");
	return is_link || file_check_owner(&st, owner, err);
}

static int keep_if(bool good, int fd)
{
	if (!good)
		sys_close(fd);
	return good ? fd : -1;
}

static int open_existing(int folder, const char *name, uid_t owner, struct err *err)
{
	int fd = sys_openat(folder, name, FILE_FLAGS | O_NOFOLLOW, 0);
	bool is_link = fd < 0 && errno == ELOOP;

	if (is_link && !trusts_links(folder)) {
		err_set(err, CODE_CONFIG,
			"it is a symbolic link in a folder that others can write to "
			"(name the file itself)");
		return -1;
	}
	if (is_link)
		fd = sys_openat(folder, name, FILE_FLAGS, 0);
	if (fd < 0) {
		set_err(err);
		return -1;
	}
	return keep_if(check_file(fd, is_link, owner, err), fd);
}

int logfile_open(int folder, const char *name, bool create, uid_t owner, struct err *err)
{
	int fd;

	if (!create)
		return open_existing(folder, name, owner, err);
	fd = sys_openat(folder, name, FILE_FLAGS | O_CREAT | O_EXCL | O_NOFOLLOW, 0640);
	if (fd >= 0)
		return keep_if(give_file(fd, owner, err), fd);
	if (errno == EEXIST)
		return open_existing(folder, name, owner, err);
	set_err(err);
	return -1;
}

/* False when owner ((uid_t)-1: the process's user) will not be able to reopen the file. */
static bool is_lasting(int fd, uid_t owner)
{
	struct stat st;

	return owner == (uid_t)-1 || sys_fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) ||
	       st.st_uid == owner || (st.st_mode & 022) != 0;
}

void logfile_close(struct logfile *file)
{
	if (file->fd >= 0)
		sys_close(file->fd);
	logfile_forget_folder(file);
	file->fd = -1;
}

void logfile_forget_folder(struct logfile *file)
{
	if (file->folder >= 0)
		sys_close(file->folder);
	file->folder = -1;
}

bool logfile_use(struct logfile *file, const char *path, uid_t owner, struct err *err)
{
	const char *name;
	int fd, folder = logfile_folder(path, &name);

	if (folder < 0)
		return err_errno(err, err_code_of_path(errno), "cannot open the %s %s", file->what,
				 path);
	fd = logfile_open(folder, name, true, owner, err);
	if (fd < 0) {
		sys_close(folder);
		return err_prefix(err, "cannot open the %s %s: ", file->what, path);
	}
	logfile_close(file);
	file->fd = fd;
	file->folder = folder;
	file->owner = owner;
	snprintf(file->path, sizeof(file->path), "%s", path);
	return true;
}

/* Opens an existing file as logfile_use will. */
static bool try_existing(const char *path, uid_t owner, struct err *err)
{
	const char *name;
	int folder = logfile_folder(path, &name), fd = -1;

	if (folder < 0)
		return err_errno(err, err_code(errno, CODE_CONFIG), "\"%s\" cannot be written",
				 path);
	fd = logfile_open(folder, name, false, owner, err);
	sys_close(folder);
	if (fd < 0)
		return err_prefix(err, "\"%s\" cannot be written: ", path);
	sys_close(fd);
	return true;
}

/* Returns false with errno set. */
static bool can_write_file(const char *path)
{
	if (sys_faccessat(AT_FDCWD, path, F_OK, AT_EACCESS) == 0)
		return sys_faccessat(AT_FDCWD, path, W_OK, AT_EACCESS) == 0;
	return errno == ENOENT && file_can_create(path);
}

bool logfile_probe(const char *path, uid_t owner, struct err *err)
{
	struct stat st;

	if (!can_write_file(path))
		return err_errno(err, err_code(errno, CODE_CONFIG), "\"%s\" cannot be written",
				 path);
	return sys_lstat(path, &st) < 0 || try_existing(path, owner, err);
}

/* Replaces the kept folder by the one that the path leads to now. */
static bool renew_folder(struct logfile *file, const char **name, struct err *err)
{
	int folder = logfile_folder(file->path, name);
	bool is_done;

	if (folder < 0)
		return errno == EACCES || set_err(err);
	is_done = sys_dup3(folder, file->folder, O_CLOEXEC) >= 0 || set_err(err);
	sys_close(folder);
	return is_done;
}

static bool reopen_file(struct logfile *file, bool create, struct err *err)
{
	const char *name;
	bool is_done;
	int fd;

	if (!renew_folder(file, &name, err))
		return false;
	fd = logfile_open(file->folder, name, create, file->owner, err);
	if (fd < 0 && !create && err->code == CODE_NOPERM)
		err_set(err, err->code,
			"%s (the workers' user must own it and be able to enter its folder)",
			err->text);
	if (fd < 0)
		return false;
	is_done = sys_dup3(fd, file->fd, O_CLOEXEC) >= 0 || set_err(err);
	sys_close(fd);
	return is_done;
}

bool logfile_reopen(struct logfile *file, bool create, struct err *err)
{
	if (file->folder < 0)
		return err_set(err, CODE_OSERR,
			       "the %s cannot be opened anew inside a chroot (write it to %sstderr "
			       "there, or reload)",
			       file->what, strcmp(file->what, "log") == 0 ? "syslog or " : "");
	return reopen_file(file, create, err) ||
	       err_prefix(err, "cannot reopen the %s %s: ", file->what, file->path);
}

unsigned logfile_fds(const struct logfile *file, int *fds)
{
	unsigned count = 0;

	if (file->fd >= 0)
		fds[count++] = file->fd;
	if (file->folder >= 0)
		fds[count++] = file->folder;
	return count;
}

/* Only a file that the server creates is given to the workers' user; an existing one is not. */
bool logfile_warns(const struct logfile *file, const char *path, char *text)
{
	if (is_lasting(file->fd, file->owner))
		return false;
	snprintf(text, LOGFILE_WARNING,
		 "the workers cannot open the %s %s anew after a rotation (chown it to user %u)",
		 file->what, path, file->owner);
	return true;
}
