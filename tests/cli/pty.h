/* SPDX-License-Identifier: MIT */
/*
 * Runs the program under test ($PREFORK_SRV) on a terminal of its own, as a job of a shell with job
 * control.
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
	int said, told; /* pipes from and to the shell */
	struct termios before;
	char text[1 << 20]; /* the last part of the program's output */
	size_t used;
	char between[1 << 18]; /* the result of pty_between */
};

/*
 * Starts the program in the folder with arguments (NULL ends them) on a terminal of that size;
 * skips the test where the system has no terminals.
 */
void pty_start(struct pty *pty, const char *folder, unsigned rows, unsigned columns,
	       const char *const *arguments);

/* Frees everything; the job must have ended. */
void pty_end(struct pty *pty);

/* Types keys. */
void pty_type(struct pty *pty, const char *keys);

/* Resizes the terminal; the job gets SIGWINCH. */
void pty_resize(struct pty *pty, unsigned rows, unsigned columns);

/* Discards the output so far. pty_expect reads until the output contains `wanted`. */
void pty_forget(struct pty *pty);
void pty_expect(struct pty *pty, const char *wanted);

/*
 * Discards the output so far, reads until `mark` has come twice, and returns the text between;
 * valid until the next call.
 */
const char *pty_between(struct pty *pty, const char *mark);

/* Waits until the job has stopped or ended; returns its status as waitpid(2) does. */
int pty_wait(struct pty *pty);

/* Resumes the job, as the shell's fg does. */
void pty_go_on(struct pty *pty);

/* True when the terminal has the modes that it had before the job. */
bool pty_is_restored(const struct pty *pty);

#endif
