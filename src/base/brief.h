/* SPDX-License-Identifier: MIT */
/*
 * Bounds calls that may block and have no flag against it: write(2) on a shared pipe, and the last
 * close(2) of a socket that lingers (SO_LINGER, socket(7)), which may lie in the queue of a unix
 * socket and be closed with that. A timer interrupts them (setitimer(2)): a close is done all the
 * same, and no later one waits before brief_end. A file system of a user (FUSE) can still block
 * a close. Any process with one thread.
 */
#ifndef BASE_BRIEF_H
#define BASE_BRIEF_H

#include <signal.h>
#include <stdbool.h>
#include <sys/time.h>

/* What brief_end restores. */
struct brief {
	struct sigaction action;
	struct itimerval timer;
	sigset_t mask;
	bool is_unblocked;
};

/*
 * Sets the handler of SIGALRM for good, and blocks it: what follows costs half as much. For this
 * process and those that it forks.
 */
void brief_install(void);

/* From now on a call that has waited for a millisecond fails with EINTR, or with what it did. */
void brief_begin(struct brief *brief);

/* Keeps errno. */
void brief_end(const struct brief *brief);

/* Closes what another process may have made linger, or filled; -1: nothing. */
void brief_close(int fd);

#endif
