/* SPDX-License-Identifier: MIT */
/*
 * Runs the program under test ($PREFORK_SRV) on a terminal of its own, as the job of a shell that
 * knows stopping and going on.
 */
#ifndef CLI_PTY_H
#define CLI_PTY_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <termios.h>

struct pty {
	int master, slave;
	pid_t shell, job;
	int said, told; /* from and to the shell */
	struct termios before;
	char text[1 << 20]; /* what the program has written; the last of it */
	size_t used;
	char between[1 << 18]; /* what pty_between has found */
};

/*
 * Starts it in the folder with arguments (NULL-ended) on a terminal of that size; skips the test
 * where the system has no terminals to give.
 */
void pty_start(struct pty *pty, const char *folder, unsigned rows, unsigned columns,
	       const char *const *arguments);

/* Lets go of everything; the job must have ended. */
void pty_end(struct pty *pty);

/* Presses keys. */
void pty_type(struct pty *pty, const char *keys);

/* Gives the terminal another size, of which the job is told (SIGWINCH). */
void pty_resize(struct pty *pty, unsigned rows, unsigned columns);

/* Forgets what was written, then reads on until `wanted` is in it. */
void pty_forget(struct pty *pty);
void pty_expect(struct pty *pty, const char *wanted);

/*
 * Forgets, reads on until `mark` has come twice, and returns what was between; good until the next
 * call.
 */
const char *pty_between(struct pty *pty, const char *mark);

/* Waits until the job has stopped or ended; its status as waitpid(2) gives it. */
int pty_wait(struct pty *pty);

/* The shell's fg. */
void pty_go_on(struct pty *pty);

/* True when the terminal has the modes that it had before the job. */
bool pty_is_restored(const struct pty *pty);

#endif
