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

/* More than a few times a file is replaced only by somebody who wants us to try for ever. */
enum { TRIES_MOST = 16 };

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
	if (sys_lstat(folder, &st) == 0 &&
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
	folder = sys_getcwd(NULL, 0);
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

/* Who may only read the file can lock it for reading: that is no server. */
static pid_t lock_owner(int fd)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	if (sys_fcntl_lock(fd, F_GETLK, &lock) < 0 || lock.l_type != F_WRLCK)
		return 0;
	return lock.l_pid;
}

/* True when the path leads to what fd is. */
static bool still_there(int fd, const char *path)
{
	struct stat held, there;

	return sys_fstat(fd, &held) == 0 && sys_lstat(path, &there) == 0 &&
	       held.st_dev == there.st_dev && held.st_ino == there.st_ino;
}

enum attempt { HELD, AGAIN, FAILED };

static enum attempt judge_holder(int fd, const char *path, struct err *err)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	bool is_known = sys_fcntl_lock(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;

	err_set(err, CODE_UNAVAILABLE,
		"the server with pid %d runs already and holds the pid file %s (-p chooses "
		"another)",
		(int)lock.l_pid, path);
	if (is_known && lock.l_type == F_WRLCK)
		return FAILED;
	err_set(err, CODE_UNAVAILABLE, "others keep locking the pid file %s (-p chooses another)",
		path);
	if (!is_known || !still_there(fd, path) || sys_unlink(path) == 0)
		return AGAIN;
	err_errno(err, err_code(errno, CODE_OSERR),
		  "process %d, which is no server, has locked the pid file %s, which cannot be "
		  "removed",
		  (int)lock.l_pid, path);
	return FAILED;
}

static enum attempt take_lock(int fd, const char *path, struct err *err)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	struct stat st;

	if (sys_fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		err_set(err, CODE_CONFIG, "the pid file %s is not a regular file", path);
		return FAILED;
	}
	if (sys_fcntl_lock(fd, F_SETLK, &lock) < 0) {
		if (errno == EAGAIN || errno == EACCES)
			return judge_holder(fd, path, err);
		err_errno(err, CODE_OSERR, "cannot lock the pid file %s", path);
		return FAILED;
	}
	if (still_there(fd, path))
		return HELD;
	/* A leaving server may unlink the file between our open and our lock. */
	err_set(err, CODE_UNAVAILABLE, "others keep replacing the pid file %s", path);
	return AGAIN;
}

/* A file that it makes can be opened, and locked, by nobody else but root, until it is held. */
static int open_file(const char *path, bool *is_new)
{
	const int flags = O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
	int fd = sys_open(path, flags | O_CREAT | O_EXCL, 0600);

	*is_new = fd >= 0;
	return fd < 0 && errno == EEXIST ? sys_open(path, flags, 0) : fd;
}

/* What open(2) makes of 0644. */
static mode_t shared_mode(void)
{
	mode_t mask = umask(0);

	umask(mask);
	return 0644 & ~mask;
}

static enum attempt try_once(struct pidfile *file, struct err *err)
{
	enum attempt outcome;
	bool is_new;
	int fd = open_file(file->path, &is_new);

	if (fd < 0) {
		err_errno(err, err_code(errno, CODE_OSERR), "cannot open the pid file %s",
			  file->path);
		return errno == ENOENT ? AGAIN : FAILED;
	}
	outcome = take_lock(fd, file->path, err);
	if (outcome == HELD && is_new && sys_fchmod(fd, shared_mode()) < 0) {
		err_errno(err, CODE_OSERR, "cannot let others read the pid file %s", file->path);
		sys_unlink(file->path);
		outcome = FAILED;
	}
	if (outcome == HELD)
		file->fd = fd;
	else
		sys_close(fd);
	return outcome;
}

bool pidfile_open(struct pidfile *file, const char *path, struct err *err)
{
	enum attempt outcome = AGAIN;

	file->fd = -1;
	if (!fits(snprintf(file->path, sizeof(file->path), "%s", path), sizeof(file->path), err))
		return false;
	for (unsigned i = 0; outcome == AGAIN && i < TRIES_MOST; i++)
		outcome = try_once(file, err);
	if (outcome != HELD)
		return false;
	if (sys_ftruncate(file->fd, 0) == 0)
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
			written = sys_pwrite(file->fd, text, (size_t)length, 0);
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
	int fd = sys_open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0);
	pid_t owner;

	if (fd < 0)
		return 0;
	owner = lock_owner(fd);
	sys_close(fd);
	return owner;
}

bool pidfile_nobody(const char *path, struct err *err)
{
	if (access(path, R_OK) < 0 && errno == EACCES)
		return err_errno(err, CODE_FAILED, "cannot read the pid file %s", path);
	return err_set(err, CODE_FAILED, "no server is running (pid file %s)", path);
}
