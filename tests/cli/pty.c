/* SPDX-License-Identifier: MIT */
/*
 * A terminal and a small shell on it. The shell is a session leader with one job in the foreground,
 * so that a test can stop and resume the job.
 */
#include "cli/pty.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ARGUMENTS_MOST = 32, PATIENCE_MS = 30000 };

static void must(bool is_good, const char *what)
{
	if (is_good)
		return;
	perror(what);
	abort();
}

static _Noreturn void become(const struct pty *pty, const char *const *arguments)
{
	const char *all[ARGUMENTS_MOST] = { "prefork-srv" };
	const char *program = getenv("PREFORK_SRV");

	must(program != NULL, "PREFORK_SRV is not set");
	for (size_t i = 0; arguments[i] != NULL && i < ARGUMENTS_MOST - 2; i++)
		all[i + 1] = arguments[i];
	must(setpgid(0, 0) == 0 && tcsetpgrp(pty->slave, getpid()) == 0, "foreground");
	for (int fd = 0; fd < 3; fd++)
		must(dup2(pty->slave, fd) == fd, "dup2");
	signal(SIGTTOU, SIG_DFL);
	execv(program, (char *const *)all);
	perror(program);
	_exit(127);
}

static void say(int fd, const void *what, size_t size)
{
	must(write(fd, what, size) == (ssize_t)size, "write to a pipe");
}

/* Reports every change of the job's state, and reads a byte before it resumes the job or exits. */
static _Noreturn void be_shell(const struct pty *pty, const char *const *arguments, int said,
			       int told)
{
	int status = 0;
	char word;
	pid_t job;

	must(setsid() >= 0 && ioctl(pty->slave, TIOCSCTTY, 0) == 0, "a session with a terminal");
	/* without this the shell cannot set the foreground group from the background */
	signal(SIGTTOU, SIG_IGN);
	job = fork();
	must(job >= 0, "fork");
	if (job == 0)
		become(pty, arguments);
	say(said, &job, sizeof(job));
	do {
		must(waitpid(job, &status, WUNTRACED) == job, "waitpid");
		tcsetpgrp(pty->slave, getpid());
		say(said, &status, sizeof(status));
		must(read(told, &word, 1) == 1, "read from a pipe");
		if (WIFSTOPPED(status)) {
			tcsetpgrp(pty->slave, job);
			kill(-job, SIGCONT);
		}
	} while (WIFSTOPPED(status));
	_exit(0);
}

static void hear(int fd, void *what, size_t size)
{
	struct pollfd watch = { .fd = fd, .events = POLLIN };

	must(poll(&watch, 1, PATIENCE_MS) == 1, "the shell has nothing to say");
	must(read(fd, what, size) == (ssize_t)size, "read from a pipe");
}

void pty_start(struct pty *pty, const char *folder, unsigned rows, unsigned columns,
	       const char *const *arguments)
{
	struct winsize size = { .ws_row = (unsigned short)rows, .ws_col = (unsigned short)columns };
	int said[2], told[2];

	if (openpty(&pty->master, &pty->slave, NULL, NULL, &size) < 0)
		skip(); /* no /dev/pts here */
	must(pipe2(said, O_CLOEXEC) == 0 && pipe2(told, O_CLOEXEC) == 0, "pipe2");
	must(tcgetattr(pty->slave, &pty->before) == 0, "tcgetattr");
	pty_forget(pty);
	pty->shell = fork();
	must(pty->shell >= 0, "fork");
	if (pty->shell == 0) {
		must(chdir(folder) == 0, folder);
		close(pty->master);
		be_shell(pty, arguments, said[1], told[0]);
	}
	close(said[1]);
	close(told[0]);
	pty->said = said[0];
	pty->told = told[1];
	hear(pty->said, &pty->job, sizeof(pty->job));
}

void pty_end(struct pty *pty)
{
	int status;

	say(pty->told, "", 1);
	must(waitpid(pty->shell, &status, 0) == pty->shell, "waitpid");
	close(pty->said);
	close(pty->told);
	close(pty->master);
	close(pty->slave);
}

void pty_type(struct pty *pty, const char *keys)
{
	say(pty->master, keys, strlen(keys));
}

void pty_resize(struct pty *pty, unsigned rows, unsigned columns)
{
	struct winsize size = { .ws_row = (unsigned short)rows, .ws_col = (unsigned short)columns };

	must(ioctl(pty->master, TIOCSWINSZ, &size) == 0, "TIOCSWINSZ");
}

void pty_forget(struct pty *pty)
{
	pty->used = 0;
	pty->text[0] = '\0';
}

/* Waits for output and reads it; old text makes room. False when nothing comes. */
static bool read_more(struct pty *pty, int wait_ms)
{
	struct pollfd watch = { .fd = pty->master, .events = POLLIN };
	ssize_t n;

	if (pty->used > sizeof(pty->text) / 2) {
		memmove(pty->text, pty->text + pty->used / 2, pty->used - pty->used / 2 + 1);
		pty->used -= pty->used / 2;
	}
	if (poll(&watch, 1, wait_ms) <= 0)
		return false;
	n = read(pty->master, pty->text + pty->used, sizeof(pty->text) - pty->used - 1);
	if (n <= 0)
		return false;
	pty->used += (size_t)n;
	pty->text[pty->used] = '\0';
	return true;
}

static void read_on(struct pty *pty, const char *wanted)
{
	if (read_more(pty, PATIENCE_MS))
		return;
	fprintf(stderr, "not there: %s\nthere is: %s\n", wanted, pty->text);
	abort();
}

void pty_expect(struct pty *pty, const char *wanted)
{
	while (strstr(pty->text, wanted) == NULL)
		read_on(pty, wanted);
}

const char *pty_between(struct pty *pty, const char *mark)
{
	char *begin, *end;

	pty_forget(pty);
	pty_expect(pty, mark);
	while ((begin = strstr(pty->text, mark)) == NULL ||
	       (end = strstr(begin + strlen(mark), mark)) == NULL)
		read_on(pty, mark);
	begin += strlen(mark);
	snprintf(pty->between, sizeof(pty->between), "%.*s", (int)(end - begin), begin);
	return pty->between;
}

/* Reads the job's output meanwhile, so that the job never waits for room and no output is lost. */
int pty_wait(struct pty *pty)
{
	struct pollfd watch = { .fd = pty->said, .events = POLLIN };
	int status;

	for (int waited_ms = 0; poll(&watch, 1, 0) == 0; waited_ms += 20) {
		must(waited_ms < PATIENCE_MS, "the job neither stops nor ends");
		read_more(pty, 20);
	}
	hear(pty->said, &status, sizeof(status));
	while (read_more(pty, 0))
		;
	return status;
}

void pty_go_on(struct pty *pty)
{
	say(pty->told, "", 1);
}

bool pty_is_restored(const struct pty *pty)
{
	struct termios now;

	must(tcgetattr(pty->slave, &now) == 0, "tcgetattr");
	return now.c_iflag == pty->before.c_iflag && now.c_oflag == pty->before.c_oflag &&
	       now.c_lflag == pty->before.c_lflag &&
	       memcmp(now.c_cc, pty->before.c_cc, sizeof(now.c_cc)) == 0;
}
