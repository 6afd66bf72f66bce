/* SPDX-License-Identifier: MIT */
/*
 * A writer for lines: a file, a pipe, a terminal or a socket, whose reader may not read. A write
 * never blocks. O_NONBLOCK is a flag of the description (open(2)), and an inherited description
 * belongs to other programs too; so a pipe or terminal is opened again, for a description of the
 * process's own. For the log, the access log and the greeting. Any process.
 *
 * A disk that hangs makes a write hang: a regular file has no write(2) that does not block.
 */
#ifndef BASE_WRITER_H
#define BASE_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum writer_kind {
	WRITER_NONE,
	WRITER_FILE,   /* a regular file: takes all bytes, or fails */
	WRITER_SOCKET, /* takes as many bytes as it can now */
	WRITER_OWN,    /* a pipe or terminal, with a non-blocking description */
	WRITER_SHARED  /* a pipe or terminal without one: polled before a write */
};

struct writer {
	enum writer_kind kind;
	int fd;
	bool is_opened; /* writer_open opened fd, and writer_close closes it */
};
#define WRITER_CLOSED                  \
	{                              \
		WRITER_NONE, -1, false \
	}
/*
 * The writer of a process that has not opened its log: slower, and right for any kind of descriptor
 * 2.
 */
#define WRITER_STDERR                               \
	{                                           \
		WRITER_SHARED, STDERR_FILENO, false \
	}

/* A writer to the target of the inherited fd, which stays open and unchanged. Cannot fail. */
struct writer writer_open(int fd);

/*
 * A writer to a file that this process opened itself, with O_NONBLOCK; the caller keeps owning fd.
 */
struct writer writer_take(int fd);

void writer_close(struct writer *writer);

/*
 * In the child of a fork: replaces the parent's description by one of the child's own, under the
 * same descriptor number, so that the child cannot change the parent's flags. They share one when
 * the system refuses, and for an inherited file, whose offset all writers share.
 */
void writer_part(const struct writer *writer);

/*
 * Writes the first of the n bytes, whole lines where possible. Returns the number written, or -1
 * with errno set: EAGAIN when there is no room now. A pipe takes WRITER_LINE bytes whole or not at
 * all.
 */
ssize_t writer_write(const struct writer *writer, const char *bytes, size_t n);
enum { WRITER_LINE = 4096 };

/*
 * True for a file that this process opened and that has no name left, so that its lines are lost.
 * An inherited file may never have had a name.
 */
bool writer_is_gone(const struct writer *writer);

/* True for a pipe or terminal: a line of more than WRITER_LINE bytes may be taken in parts. */
static inline bool writer_is_narrow(const struct writer *writer)
{
	return writer->kind == WRITER_OWN || writer->kind == WRITER_SHARED;
}

#endif
