/* SPDX-License-Identifier: MIT */
/*
 * Opens and writes the access log's target. It buffers nothing and counts nothing. Called by
 * worker/accesslog and worker/accessrest.
 */
#include "worker/accessfile.h"

#include <limits.h>
#include <string.h>

#include "base/sys.h"

static enum accessfile_kind kind_of(int fd)
{
	struct stat st;

	if (sys_fstat(fd, &st) < 0)
		return ACCESS_PATIENT;
	if (S_ISREG(st.st_mode))
		return ACCESS_REGULAR;
	return S_ISSOCK(st.st_mode) ? ACCESS_SOCKET : ACCESS_PATIENT;
}

/*
 * A pipe or terminal that others write to as well may be full by the time of the write. An open
 * file of its own can be told not to wait, which would be rude to do to theirs.
 */
static int open_stderr(enum accessfile_kind kind)
{
	int fd = -1;

	if (kind == ACCESS_PATIENT)
		fd = sys_open("/proc/self/fd/2",
			      O_WRONLY | O_APPEND | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0);
	return fd >= 0 ? fd : STDERR_FILENO;
}

void accessfile_close(struct accessfile *file)
{
	if (file->fd > STDERR_FILENO && file->fd != file->file.fd)
		sys_close(file->fd);
	logfile_close(&file->file);
	file->fd = -1;
	file->kind = ACCESS_NOTHING;
	memcpy(file->target, "off", sizeof("off"));
}

bool accessfile_open(struct accessfile *file, const char *target, uid_t owner, struct err *err)
{
	bool is_file = strcmp(target, "off") != 0 && strcmp(target, "stderr") != 0;
	struct logfile fresh = LOGFILE_CLOSED("access log");

	if (strlen(target) >= sizeof(file->target))
		return err_set(err, CODE_CONFIG,
			       "cannot open the access log: its path is too long");
	if (is_file && !logfile_use(&fresh, target, owner, err))
		return false;
	accessfile_close(file);
	memcpy(file->target, target, strlen(target) + 1);
	file->file = fresh;
	if (is_file) {
		file->kind = kind_of(fresh.fd);
		file->fd = fresh.fd;
	} else if (strcmp(target, "stderr") == 0) {
		file->kind = kind_of(STDERR_FILENO);
		file->fd = open_stderr(file->kind);
	}
	return true;
}

/* What cannot be asked is another one each time. */
static bool is_same(const struct stat *a, const struct stat *b)
{
	return a->st_ino != 0 && a->st_ino == b->st_ino && a->st_dev == b->st_dev;
}

bool accessfile_reopen(struct accessfile *file, bool create, bool *is_other, struct err *err)
{
	struct stat before = { 0 }, after = { 0 };

	*is_other = false;
	if (file->file.fd < 0)
		return true;
	(void)sys_fstat(file->fd, &before);
	if (!logfile_reopen(&file->file, create, err))
		return false;
	(void)sys_fstat(file->fd, &after);
	*is_other = !is_same(&before, &after);
	file->kind = kind_of(file->fd);
	return true;
}

bool accessfile_is_gone(const struct accessfile *file)
{
	struct stat st;

	return file->kind == ACCESS_REGULAR && file->file.fd >= 0 &&
	       sys_fstat(file->fd, &st) == 0 && st.st_nlink == 0;
}

/* As many whole lines as a pipe takes at once, or a piece of a longer one. */
static size_t piece(const char *bytes, size_t n)
{
	const char *end;

	if (n <= PIPE_BUF)
		return n;
	end = memrchr(bytes, '\n', PIPE_BUF);
	return end ? (size_t)(end - bytes) + 1 : PIPE_BUF;
}

static ssize_t write_some(const struct accessfile *file, const char *bytes, size_t n)
{
	struct pollfd ready = { .fd = file->fd, .events = POLLOUT };

	if (file->kind == ACCESS_SOCKET)
		return sys_send(file->fd, bytes, n, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (file->kind != ACCESS_PATIENT)
		return sys_write(file->fd, bytes, n);
	if (sys_poll(&ready, 1, 0) < 1)
		return 0;
	return sys_write(file->fd, bytes, piece(bytes, n));
}

ssize_t accessfile_write(const struct accessfile *file, const char *bytes, size_t n)
{
	ssize_t written = write_some(file, bytes, n);

	if (written != 0)
		return written;
	errno = EAGAIN;
	return -1;
}

unsigned accessfile_fds(const struct accessfile *file, int *fds)
{
	if (file->file.fd >= 0)
		return logfile_fds(&file->file, fds);
	if (file->fd <= STDERR_FILENO)
		return 0;
	fds[0] = file->fd;
	return 1;
}
