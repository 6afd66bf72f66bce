/* SPDX-License-Identifier: MIT */
/*
 * Locks, checks, writes and removes the pid file. Must not decide for its caller whether a missing
 * or held file is an error.
 */
#include "config/pidfile.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "base/sys.h"
#include "base/units.h"

/* A file that is replaced more often than this is replaced to keep the server trying. */
enum { TRIES_MOST = 16, WAITS_MOST = 100, WAIT_MS = 10 };

/*
 * The lock that counts is on the first byte. The kernel names no owner for it, because children
 * have it too until they close it. So a second lock, on the second byte, belongs to a process
 * (F_SETLK) and names it. It is only a sign: a process loses it with any descriptor of the file
 * that it closes.
 */
enum { LOCK_AT, SIGN_AT };

static struct flock lock_at(off_t at)
{
	return (struct flock){ .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = at, .l_len = 1 };
}

/* A process that may only read the file can take a read lock on it: that is no server. */
static bool is_held(int fd, struct flock *by)
{
	*by = lock_at(LOCK_AT);
	return sys_fcntl_lock(fd, F_OFD_GETLK, by) == 0 && by->l_type == F_WRLCK;
}

/* Returns the pid in the file; 0 when that process is gone. */
static pid_t read_pid(int fd)
{
	char text[16] = "";
	int64_t pid = 0;
	ssize_t n = sys_pread(fd, text, sizeof(text) - 1, 0);

	if (n <= 0 || text[n - 1] != '\n')
		return 0;
	text[n - 1] = '\0';
	if (!units_read_count(text, &pid) || pid > INT32_MAX ||
	    (sys_kill((pid_t)pid, 0) < 0 && errno != EPERM))
		return 0;
	return (pid_t)pid;
}

static pid_t find_owner(int fd)
{
	struct flock lock, sign = lock_at(SIGN_AT);

	if (!is_held(fd, &lock))
		return 0;
	if (lock.l_pid > 0)
		return lock.l_pid;
	/* 0: the owner is in another pid namespace; the file's number means another process */
	if (sys_fcntl_lock(fd, F_OFD_GETLK, &sign) == 0 && sign.l_type == F_WRLCK)
		return sign.l_pid;
	return read_pid(fd);
}

/* True when the path leads to the file that fd has open. */
static bool still_there(int fd, const char *path)
{
	struct stat held, there;

	return sys_fstat(fd, &held) == 0 && sys_lstat(path, &there) == 0 &&
	       held.st_dev == there.st_dev && held.st_ino == there.st_ino;
}

enum attempt { HELD, AGAIN, LATER, FAILED };

static enum attempt blame_holder(int fd, const char *path, struct err *err)
{
	pid_t owner = find_owner(fd);

	if (owner > 0) {
		err_set(err, CODE_UNAVAILABLE,
			"the server with pid %d runs already and holds the pid file %s (-p chooses "
			"another)",
			(int)owner, path);
		return FAILED;
	}
	err_set(err, CODE_UNAVAILABLE,
		"a server in another pid namespace, or what is left of one that has died, holds "
		"the pid file %s (-p chooses another)",
		path);
	return LATER;
}

static enum attempt judge_holder(int fd, const char *path, struct err *err)
{
	struct flock lock;

	if (is_held(fd, &lock))
		return blame_holder(fd, path, err);
	err_set(err, CODE_UNAVAILABLE, "others keep locking the pid file %s (-p chooses another)",
		path);
	if (lock.l_type == F_UNLCK || !still_there(fd, path) || sys_unlink(path) == 0)
		return AGAIN;
	err_errno(err, err_code(errno, CODE_OSERR),
		  "a process that is no server has locked the pid file %s, which cannot be removed",
		  path);
	return FAILED;
}

/* Checks before the open, because opening some devices has effects. */
static bool check_kind(const char *path, struct err *err)
{
	struct stat st;

	if (sys_lstat(path, &st) < 0 || S_ISREG(st.st_mode))
		return true;
	if (S_ISLNK(st.st_mode))
		return err_set(
			err, CODE_CONFIG,
			"the pid file %s is a symbolic link (name the file itself, or remove "
			"the link)",
			path);
	return err_set(err, CODE_CONFIG,
		       "the pid file %s is %s (name another; none keeps no pid file)", path,
		       S_ISDIR(st.st_mode) ? "a directory" : "not a regular file");
}

/* True for a file that a server wrote, or left empty when it was killed. */
static bool is_pid_or_empty(int fd)
{
	char text[16];
	ssize_t n = sys_pread(fd, text, sizeof(text), 0);

	for (ssize_t i = 0; i < n; i++)
		if (!isdigit((unsigned char)text[i]) && text[i] != '\n')
			return false;
	return n >= 0 && n < (ssize_t)sizeof(text);
}

/* An existing file may have been made for another purpose. */
static bool check_file(int fd, const char *path, struct err *err)
{
	struct stat st;

	if (sys_fstat(fd, &st) < 0)
		return err_errno(err, CODE_OSERR, "cannot examine the pid file %s", path);
	if (!S_ISREG(st.st_mode))
		return err_set(err, CODE_CONFIG, "the pid file %s is not a regular file", path);
	if (!file_check_owner(&st, (uid_t)-1, err))
		return err_prefix(err, "cannot use the pid file %s: ", path);
	if ((st.st_mode & 022) != 0)
		return err_set(err, CODE_CONFIG,
			       "cannot use the pid file %s: others can write to it (chmod go-w it, "
			       "or remove it)",
			       path);
	if (!is_pid_or_empty(fd))
		return err_set(err, CODE_CONFIG,
			       "the pid file %s holds something else than a process id (name "
			       "another, or remove it)",
			       path);
	return true;
}

static enum attempt take_lock(int fd, const char *path, struct err *err)
{
	struct flock lock = lock_at(LOCK_AT), sign = lock_at(SIGN_AT);

	if (sys_fcntl_lock(fd, F_OFD_SETLK, &lock) < 0) {
		if (errno == EAGAIN || errno == EACCES)
			return judge_holder(fd, path, err);
		err_errno(err, CODE_OSERR, "cannot lock the pid file %s", path);
		return FAILED;
	}
	if (still_there(fd, path)) {
		(void)sys_fcntl_lock(fd, F_SETLK, &sign);
		return HELD;
	}
	/* A leaving server may unlink the file between our open and our lock. */
	err_set(err, CODE_UNAVAILABLE, "others keep replacing the pid file %s", path);
	return AGAIN;
}

enum { OPEN_FLAGS = O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC };

/* Until the lock is held, only root and this user can open, and so lock, a new file. */
static int open_file(const char *path, bool *is_new)
{
	int fd = sys_open(path, OPEN_FLAGS | O_CREAT | O_EXCL, 0600);

	*is_new = fd >= 0;
	return fd < 0 && errno == EEXIST ? sys_open(path, OPEN_FLAGS, 0) : fd;
}

static bool refuse_open(const char *path, struct err *err)
{
	return err_errno(err, err_code_of_path(errno),
			 "cannot open the pid file %s (-p chooses another)", path);
}

/* 0644 with the umask applied as open(2) does. */
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
	int fd;

	if (!check_kind(file->path, err))
		return FAILED;
	fd = open_file(file->path, &is_new);
	if (fd < 0) {
		outcome = errno == ENOENT ? AGAIN : FAILED;
		refuse_open(file->path, err);
		return outcome;
	}
	outcome = is_new || check_file(fd, file->path, err) ? take_lock(fd, file->path, err) :
							      FAILED;
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

static bool try_often(struct pidfile *file, struct err *err)
{
	unsigned tries = 0, waits = 0;

	while (tries < TRIES_MOST && waits < WAITS_MOST) {
		enum attempt outcome = try_once(file, err);

		if (outcome == HELD || outcome == FAILED)
			return outcome == HELD;
		tries += outcome == AGAIN;
		waits += outcome == LATER;
		if (outcome == LATER)
			sys_poll(NULL, 0, WAIT_MS);
	}
	return false;
}

static bool make_folder(const char *path, struct err *err)
{
	char folder[PIDFILE_FOLDER];

	if (!pidfile_path_is_private(path, folder))
		return true;
	if (sys_mkdir(folder, 0700) < 0 && errno != EEXIST)
		return err_errno(err, err_code(errno, CODE_OSERR), "cannot make the folder %s",
				 folder);
	return pidfile_path_check_private(folder, err);
}

bool pidfile_open(struct pidfile *file, const char *path, struct err *err)
{
	file->fd = -1;
	if (snprintf(file->path, sizeof(file->path), "%s", path) >= (int)sizeof(file->path))
		return err_set(err, CODE_CONFIG, "the path of the pid file is too long");
	if (path[0] == '\0')
		return true;
	if (!make_folder(path, err) || !try_often(file, err))
		return false;
	if (sys_ftruncate(file->fd, 0) == 0)
		return true;
	err_errno(err, CODE_OSERR, "cannot empty the pid file %s", path);
	pidfile_remove(file);
	return false;
}

static bool probe_folder(const char *path, struct err *err)
{
	char folder[PIDFILE_FOLDER];

	if (file_can_create(path) ||
	    (errno == ENOENT && pidfile_path_is_private(path, folder) && file_can_create(folder)))
		return true;
	return refuse_open(path, err);
}

bool pidfile_probe(const char *path, struct err *err)
{
	struct flock lock;
	bool is_good;
	int fd;

	if (path[0] == '\0')
		return true;
	if (!check_kind(path, err))
		return false;
	fd = sys_open(path, OPEN_FLAGS, 0);
	if (fd < 0)
		return errno == ENOENT ? probe_folder(path, err) : refuse_open(path, err);
	is_good = check_file(fd, path, err);
	if (is_good && is_held(fd, &lock)) {
		blame_holder(fd, path, err);
		is_good = false;
	} else if (is_good && lock.l_type == F_RDLCK) {
		is_good = probe_folder(path, err); /* the file would be replaced */
	}
	sys_close(fd);
	return is_good;
}

bool pidfile_write(struct pidfile *file, struct err *err)
{
	char text[16];
	int length = snprintf(text, sizeof(text), "%d\n", (int)getpid());
	ssize_t written;

	if (file->fd < 0)
		return true;
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
	owner = find_owner(fd);
	sys_close(fd);
	return owner;
}

bool pidfile_is_hidden(const char *path)
{
	return access(path, R_OK) < 0 && errno == EACCES;
}

bool pidfile_nobody(const char *path, struct err *err)
{
	if (pidfile_is_hidden(path))
		return err_errno(err, CODE_FAILED, "cannot read the pid file %s", path);
	if (!file_can_create(path) && errno == EROFS)
		return err_set(
			err, CODE_FAILED,
			"no server is running, or it keeps no pid file (%s cannot be made on "
			"a read-only file system)",
			path);
	return err_set(err, CODE_FAILED, "no server is running (pid file %s)", path);
}
