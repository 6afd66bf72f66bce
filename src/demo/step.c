/* SPDX-License-Identifier: MIT */
/*
 * The terminal passes single keys, without echo, only while this program waits for one. Ctrl-C and
 * Ctrl-Z go to all processes of a lesson at once. The first process that dies ends the others: each
 * restores the modes before it dies. The shell continues as soon as prefork-demo itself has
 * stopped, so only this process changes modes then: another process could stop after all were
 * continued.
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

/* Written by step_enable. */
static struct termios saved_modes, key_modes;
/* Shared by all processes, written by step_wait; NULL without --step. */
static atomic_bool *is_waiting;

/* With TCSAFLUSH the terminal drops keys that were typed before. */
static void set_modes(const struct termios *modes, int when)
{
	tcsetattr(STDIN_FILENO, when, modes);
}

/* A background process must not change the terminal of the foreground job. */
static void restore_modes(void)
{
	if (tcgetpgrp(STDIN_FILENO) == getpgrp())
		set_modes(&saved_modes, TCSANOW);
}

static void leave_by_signal(int number)
{
	int error = errno;

	restore_modes();
	signal(number, SIG_DFL);
	raise(number); /* takes effect when this handler returns */
	errno = error;
}

static void stop_by_signal(int number)
{
	int error = errno;

	(void)number;
	restore_modes();
	raise(SIGSTOP);
	if (atomic_load(is_waiting))
		set_modes(&key_modes, TCSANOW);
	if (!atomic_load(is_waiting))
		set_modes(&saved_modes, TCSANOW);
	errno = error;
}

static void handle_signal(int number, void (*handler)(int))
{
	struct sigaction action = { .sa_handler = handler, .sa_flags = SA_RESTART }, now;

	/* nohup and shells without job control ignore some signals */
	if (sigaction(number, NULL, &now) == 0 && now.sa_handler == SIG_IGN)
		return;
	sigemptyset(&action.sa_mask);
	sigaction(number, &action, NULL);
}

bool step_enable(struct err *err)
{
	static const int endings[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM };

	if (!isatty(STDOUT_FILENO) || tcgetattr(STDIN_FILENO, &saved_modes) < 0)
		return err_set(err, CODE_USAGE,
			       "--step: needs a terminal on stdin and stdout, to wait for a key");
	is_waiting = sys_mmap(NULL, sizeof(*is_waiting), PROT_READ | PROT_WRITE,
			      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (is_waiting == MAP_FAILED) {
		is_waiting = NULL;
		return err_errno(err, CODE_OSERR, "no memory");
	}
	key_modes = saved_modes;
	key_modes.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	key_modes.c_cc[VMIN] = 1;
	key_modes.c_cc[VTIME] = 0;
	for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++)
		handle_signal(endings[i], leave_by_signal);
	handle_signal(SIGTSTP, stop_by_signal);
	return true;
}

void step_enter_child(void)
{
	if (is_waiting != NULL)
		signal(SIGTSTP, SIG_DFL);
}

/* Returns the first byte of a key and drops the others; '\0' when the terminal is gone. */
static char read_key(void)
{
	char bytes[32];
	ssize_t n;

	do
		n = sys_read(STDIN_FILENO, bytes, sizeof(bytes));
	while (n < 0 && errno == EINTR);
	return n > 0 ? bytes[0] : '\0';
}

static char prompt_for_key(void)
{
	char key;

	atomic_store(is_waiting, true);
	set_modes(&key_modes, TCSAFLUSH);
	fputs("\n" PROMPT, stdout);
	fflush(stdout);
	key = read_key();
	atomic_store(is_waiting, false);
	set_modes(&saved_modes, TCSANOW);
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
	key = prompt_for_key();
	alarm(left_s);
	return key != '\0' && key != 'q' && key != 'Q';
}
