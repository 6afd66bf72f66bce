/* SPDX-License-Identifier: MIT */
/*
 * Keys one by one and unseen, for as long as one is awaited. Ctrl-C and Ctrl-Z go to all processes
 * of a lesson at once. The first one that dies takes the others along: each puts the modes back
 * before it does. The shell goes on as soon as prefork-demo itself has stopped, and so that one
 * alone changes modes then: another could stop after all had been told to go on.
 */
#include "demo/step.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <termios.h>
#include <unistd.h>

#include "base/sys.h"

#define PROMPT "-- any key goes on, q quits --"

/* written by step_enable */
static struct termios before, one_by_one;
/* Shared by all processes, written by step_wait; NULL: no pauses are wanted. */
static atomic_bool *is_waiting;

/* TCSAFLUSH drops what was typed before it was asked for. */
static void set_modes(const struct termios *modes, int when)
{
	tcsetattr(STDIN_FILENO, when, modes);
}

/* Another job's modes are none of ours. */
static void put_back(void)
{
	if (tcgetpgrp(STDIN_FILENO) == getpgrp())
		set_modes(&before, TCSANOW);
}

static void leave(int number)
{
	int error = errno;

	put_back();
	signal(number, SIG_DFL);
	raise(number); /* when this returns */
	errno = error;
}

static void stop(int number)
{
	int error = errno;

	(void)number;
	put_back();
	raise(SIGSTOP);
	if (atomic_load(is_waiting))
		set_modes(&one_by_one, TCSANOW);
	if (!atomic_load(is_waiting))
		set_modes(&before, TCSANOW);
	errno = error;
}

static void handle(int number, void (*handler)(int))
{
	struct sigaction action = { .sa_handler = handler, .sa_flags = SA_RESTART }, now;

	/* nohup and shells without jobs ignore some */
	if (sigaction(number, NULL, &now) == 0 && now.sa_handler == SIG_IGN)
		return;
	sigemptyset(&action.sa_mask);
	sigaction(number, &action, NULL);
}

bool step_enable(struct err *err)
{
	static const int endings[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM };

	if (!isatty(STDOUT_FILENO) || tcgetattr(STDIN_FILENO, &before) < 0)
		return err_set(err, CODE_USAGE,
			       "--step: needs a terminal on stdin and stdout, to wait for a key");
	is_waiting = sys_mmap(NULL, sizeof(*is_waiting), PROT_READ | PROT_WRITE,
			      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (is_waiting == MAP_FAILED) {
		is_waiting = NULL;
		return err_errno(err, CODE_OSERR, "no memory");
	}
	one_by_one = before;
	one_by_one.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	one_by_one.c_cc[VMIN] = 1;
	one_by_one.c_cc[VTIME] = 0;
	for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++)
		handle(endings[i], leave);
	handle(SIGTSTP, stop);
	return true;
}

void step_enter_child(void)
{
	if (is_waiting != NULL)
		signal(SIGTSTP, SIG_DFL);
}

/* The first byte of a key; those behind it go with it. '\0': there is no terminal any more. */
static char read_key(void)
{
	char bytes[32];
	ssize_t n;

	do
		n = sys_read(STDIN_FILENO, bytes, sizeof(bytes));
	while (n < 0 && errno == EINTR);
	return n > 0 ? bytes[0] : '\0';
}

static char ask(void)
{
	char key;

	atomic_store(is_waiting, true);
	set_modes(&one_by_one, TCSAFLUSH);
	fputs("\n" PROMPT, stdout);
	fflush(stdout);
	key = read_key();
	atomic_store(is_waiting, false);
	set_modes(&before, TCSANOW);
	printf("\r%*s\r", (int)strlen(PROMPT), "");
	fflush(stdout);
	return key;
}

bool step_wait(void)
{
	unsigned left_s;
	char key;

	if (is_waiting == NULL)
		return true;
	left_s = alarm(0);
	key = ask();
	alarm(left_s);
	return key != '\0' && key != 'q' && key != 'Q';
}
