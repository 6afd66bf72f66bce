/* SPDX-License-Identifier: MIT */
/*
 * Writes without blocking, by the method that each kind of descriptor needs. It buffers nothing and
 * counts nothing.
 */
#include "base/writer.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/brief.h"
#include "base/sys.h"

_Static_assert((int)WRITER_LINE == (int)PIPE_BUF, "a pipe takes PIPE_BUF bytes whole (pipe(7))");

/* The kind of the descriptor, as far as fstat shows it; `narrow` is for a pipe or terminal. */
static enum writer_kind kind_of(int fd, enum writer_kind narrow)
{
	struct stat st;

	if (sys_fstat(fd, &st) < 0)
		return narrow;
	if (S_ISREG(st.st_mode))
		return WRITER_FILE;
	return S_ISSOCK(st.st_mode) ? WRITER_SOCKET : narrow;
}

static int open_path(const char *path, int access)
{
	return sys_open(path, access | O_APPEND | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0);
}

/*
 * Opens a new description of the same file. A pipe can be opened for writing only while it has a
 * reader (fifo(7)): when it has none, this process is its reader for that moment.
 */
static int open_anew(int fd)
{
	char path[32];
	int fresh, reader;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	fresh = open_path(path, O_WRONLY);
	if (fresh >= 0 || errno != ENXIO)
		return fresh;
	reader = open_path(path, O_RDONLY);
	if (reader < 0)
		return -1;
	fresh = open_path(path, O_WRONLY);
	sys_close(reader);
	return fresh;
}

struct writer writer_open(int fd)
{
	struct writer writer = { kind_of(fd, WRITER_SHARED), fd, false };
	int own = writer.kind == WRITER_SHARED ? open_anew(fd) : -1;

	return own < 0 ? writer : (struct writer){ WRITER_OWN, own, true };
}

struct writer writer_take(int fd)
{
	return (struct writer){ kind_of(fd, WRITER_OWN), fd, false };
}

void writer_close(struct writer *writer)
{
	if (writer->is_opened)
		sys_close(writer->fd);
	*writer = (struct writer)WRITER_CLOSED;
}

void writer_part(const struct writer *writer)
{
	int fresh;

	if ((writer->kind != WRITER_OWN && writer->kind != WRITER_FILE) ||
	    writer->fd <= STDERR_FILENO)
		return;
	fresh = open_anew(writer->fd);
	if (fresh < 0)
		return;
	(void)sys_dup3(fresh, writer->fd, O_CLOEXEC);
	sys_close(fresh);
}

/* Returns the size of the whole lines that a pipe takes at once, or of a piece of a longer line. */
static size_t measure_piece(const char *bytes, size_t n)
{
	const char *end;

	if (n <= PIPE_BUF)
		return n;
	end = memrchr(bytes, '\n', PIPE_BUF);
	return end ? (size_t)(end - bytes) + 1 : PIPE_BUF;
}

/* A write(2) that a signal interrupts if it blocks; bytes written by then count. */
static ssize_t write_briefly(int fd, const char *bytes, size_t n)
{
	struct brief brief;
	ssize_t written;

	brief_begin(&brief);
	written = sys_write(fd, bytes, n);
	if (written < 0 && errno == EINTR)
		errno = EAGAIN;
	brief_end(&brief);
	return written;
}

/*
 * For a pipe, the kernel can be asked not to block on this one write, since Linux 6.4. For anything
 * else poll(2) reports whether there is room. That room may be too small, or another writer may
 * fill it first.
 */
static ssize_t write_shared(int fd, const char *bytes, size_t n)
{
	const struct iovec part = { (char *)(uintptr_t)bytes, n };
	struct pollfd ready = { .fd = fd, .events = POLLOUT };
	ssize_t written = sys_pwritev2(fd, &part, 1, RWF_NOWAIT);

	if (written >= 0 || (errno != EOPNOTSUPP && errno != ENOSYS))
		return written;
	if (sys_poll(&ready, 1, 0) < 1)
		return 0;
	return write_briefly(fd, bytes, n);
}

static ssize_t write_some(const struct writer *writer, const char *bytes, size_t n)
{
	switch (writer->kind) {
	case WRITER_FILE:
		return sys_write(writer->fd, bytes, n);
	case WRITER_SOCKET:
		return sys_send(writer->fd, bytes, n, MSG_DONTWAIT | MSG_NOSIGNAL);
	case WRITER_OWN:
		return sys_write(writer->fd, bytes, measure_piece(bytes, n));
	case WRITER_SHARED:
		return write_shared(writer->fd, bytes, measure_piece(bytes, n));
	default:
		errno = EBADF;
		return -1;
	}
}

ssize_t writer_write(const struct writer *writer, const char *bytes, size_t n)
{
	ssize_t written = write_some(writer, bytes, n);

	if (written != 0)
		return written;
	errno = EAGAIN;
	return -1;
}

bool writer_is_gone(const struct writer *writer)
{
	struct stat st;

	return writer->kind == WRITER_FILE && writer->fd > STDERR_FILENO &&
	       sys_fstat(writer->fd, &st) == 0 && st.st_nlink == 0;
}
