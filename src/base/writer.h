/* SPDX-License-Identifier: MIT */
/*
 * Where a process writes lines that somebody else reads, or does not read: a file, a pipe, a
 * terminal, a socket. A write never waits. Whether a description waits is a flag of the description
 * (O_NONBLOCK, open(2)), and that of an inherited descriptor belongs to other programs too; so a
 * pipe or terminal is opened anew, by a description of the process's own. For the log, the access
 * log and the greeting. Any process.
 *
 * A disk that hangs makes a write hang: for a regular file there is no write(2) that does not wait.
 */
#ifndef BASE_WRITER_H
#define BASE_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum writer_kind {
	WRITER_NONE,
	WRITER_FILE,   /* a regular file: takes all there is, or fails */
	WRITER_SOCKET, /* as much as it takes now */
	WRITER_OWN,    /* a pipe or terminal, by a description that does not wait */
	WRITER_SHARED  /* a pipe or terminal that could not be opened anew: polled before a write */
};

struct writer {
	enum writer_kind kind;
	int fd;
	bool is_opened; /* fd was opened by writer_open, and is closed by writer_close */
};
#define WRITER_CLOSED                  \
	{                              \
		WRITER_NONE, -1, false \
	}
/* What a process has before it knows more: slower, and right for whatever descriptor 2 is. */
#define WRITER_STDERR                               \
	{                                           \
		WRITER_SHARED, STDERR_FILENO, false \
	}

/* An outlet to where the inherited fd leads, which stays open and as it is. Cannot fail. */
struct writer writer_open(int fd);

/*
 * The same for a file that this process opened by itself, with O_NONBLOCK; fd stays the caller's.
 */
struct writer writer_take(int fd);

void writer_close(struct writer *outlet);

/*
 * In the child of a fork: puts a description of the child's own in the place of its parent's, under
 * the same number, so that nothing that the child does to its flags is felt by the parent. Where
 * the system refuses, and of an inherited file, whose offset all its writers share, the two have
 * one.
 */
void writer_part(const struct writer *outlet);

/*
 * Writes the first of the n bytes, whole lines where it can be; returns how many, or -1 with errno:
 * EAGAIN when there is no room now. A pipe takes WRITER_LINE bytes whole or not at all.
 */
ssize_t writer_write(const struct writer *outlet, const char *bytes, size_t n);
enum { WRITER_LINE = 4096 };

/*
 * True for a file that this process opened and whose last name is gone: what is written to it is
 * for nobody. An inherited one may never have had a name.
 */
bool writer_is_gone(const struct writer *outlet);

/* True for a pipe or terminal: a line of more than WRITER_LINE bytes may be taken in parts. */
static inline bool writer_is_narrow(const struct writer *outlet)
{
	return outlet->kind == WRITER_OWN || outlet->kind == WRITER_SHARED;
}

#endif
