/* SPDX-License-Identifier: MIT */
/*
 * Finds, locks, writes and removes the pid file. Must not decide what a missing or held file means
 * to its caller. Called by the master's start and end, by -s and by -t.
 */
#include "master/pidfile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/sys.h"

#define FILE_NAME "prefork-srv.pid"

static bool fits(int length, size_t size, struct err *err)
{
	if (length < 0 || (size_t)length >= size)
		return err_set(err, CODE_CONFIG,
			       "pid_file: the path is too long (%zu bytes at most)", size - 1);
	return true;
}

/* A folder in /tmp may have been laid there by anybody: it is ours or it is not used. */
static bool private_folder(bool make_folder, char *text, size_t size, struct err *err)
{
	uid_t user = geteuid();
	char folder[64];
	struct stat st;

	snprintf(folder, sizeof(folder), "/tmp/prefork-srv-%u", (unsigned)user);
	if (make_folder && sys_mkdir(folder, 0700) < 0 && errno != EEXIST)
		return err_errno(err, err_code(errno, CODE_OSERR), "cannot make the folder %s",
				 folder);
	if (lstat(folder, &st) == 0 &&
	    (!S_ISDIR(st.st_mode) || st.st_uid != user || (st.st_mode & 077)))
		return err_set(err, CODE_NOPERM,
			       "%s is not a private folder of user %u (remove it, or choose a pid "
			       "file by -p)",
			       folder, (unsigned)user);
	return fits(snprintf(text, size, "%s/" FILE_NAME, folder), size, err);
}

static bool absolute(const char *path, char *text, size_t size, struct err *err)
{
	char *folder;
	bool done;

	if (path[0] == '/')
		return fits(snprintf(text, size, "%s", path), size, err);
	folder = getcwd(NULL, 0);
	if (!folder)
		return err_errno(err, CODE_OSERR, "pid_file: cannot tell the current directory");
	done = fits(snprintf(text, size, "%s/%s", folder, path), size, err);
	free(folder);
	return done;
}

bool pidfile_path(const struct conf *conf, bool make_folder, char *text, size_t size,
		  struct err *err)
{
	const char *folder = getenv("XDG_RUNTIME_DIR");

	if (conf->pid_file[0] != '\0')
		return absolute(conf->pid_file, text, size, err);
	if (geteuid() == 0)
		return fits(snprintf(text, size, "%s", RUNSTATEDIR "/" FILE_NAME), size, err);
	if (folder && folder[0] == '/')
		return fits(snprintf(text, size, "%s/" FILE_NAME, folder), size, err);
	return private_folder(make_folder, text, size, err);
}

static pid_t lock_owner(int fd)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	if (sys_fcntl_lock(fd, F_GETLK, &lock) < 0 || lock.l_type == F_UNLCK)
		return 0;
	return lock.l_pid;
}

static bool cannot_lock(int fd, const char *path, struct err *err)
{
	pid_t owner;

	if (errno != EAGAIN && errno != EACCES)
		return err_errno(err, CODE_OSERR, "cannot lock the pid file %s", path);
	owner = lock_owner(fd);
	return err_set(err, CODE_UNAVAILABLE,
		       "the server with pid %d runs already and holds the pid file %s (-p chooses "
		       "another)",
		       (int)owner, path);
}

/* 1: both are the same file. 0: they are not. */
static bool still_there(int fd, const char *path)
{
	struct stat held, there;

	return sys_fstat(fd, &held) == 0 && sys_lstat(path, &there) == 0 &&
	       held.st_dev == there.st_dev && held.st_ino == there.st_ino;
}

bool pidfile_open(struct pidfile *file, const char *path, struct err *err)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int fd;

	file->fd = -1;
	if (!fits(snprintf(file->path, sizeof(file->path), "%s", path), sizeof(file->path), err))
		return false;
	/* A leaving server may unlink the file between our open and our lock: then begin anew. */
	for (;;) {
		fd = sys_open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0644);
		if (fd < 0)
			return err_errno(err, err_code(errno, CODE_OSERR),
					 "cannot open the pid file %s", path);
		if (sys_fcntl_lock(fd, F_SETLK, &lock) < 0) {
			cannot_lock(fd, path, err);
			sys_close(fd);
			return false;
		}
		if (still_there(fd, path))
			break;
		sys_close(fd);
	}
	file->fd = fd;
	if (sys_ftruncate(fd, 0) == 0)
		return true;
	err_errno(err, CODE_OSERR, "cannot empty the pid file %s", path);
	pidfile_remove(file);
	return false;
}

bool pidfile_write(struct pidfile *file, struct err *err)
{
	char text[16];
	int length = snprintf(text, sizeof(text), "%d\n", (int)getpid());
	ssize_t written;

	if (sys_ftruncate(file->fd, 0) == 0) {
		do
			written = pwrite(file->fd, text, (size_t)length, 0);
		while (written < 0 && errno == EINTR);
		if (written == length)
			return true;
	}
	return err_errno(err, err_code(errno, CODE_OSERR), "cannot write the pid file %s",
			 file->path);
}

void pidfile_remove(struct pidfile *file)
{
	if (file->fd < 0)
		return;
	if (still_there(file->fd, file->path) && sys_unlink(file->path) < 0)
		LOG(EVENT_pid_file_failed, LOG_STR("path", file->path),
		    LOG_STR("message", strerror(errno)));
	sys_close(file->fd);
	file->fd = -1;
}

pid_t pidfile_owner(const char *path)
{
	int fd = sys_open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC, 0);
	pid_t owner;

	if (fd < 0)
		return 0;
	owner = lock_owner(fd);
	sys_close(fd);
	return owner;
}
