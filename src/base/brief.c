/* SPDX-License-Identifier: MIT */
/* Lends SIGALRM and the timer from whatever else of this process uses them. */
#include "base/brief.h"

#include "base/sys.h"

enum { BRIEF_US = 1000 };

/* Its arrival is enough. */
static void interrupt_call(int number)
{
	(void)number;
}

static bool is_installed; /* written before the process serves anyone */

static bool set_handler(struct sigaction *before)
{
	const struct sigaction action = { .sa_handler = interrupt_call }; /* no SA_RESTART */

	return sigaction(SIGALRM, &action, before) == 0;
}

static sigset_t alarm_only(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGALRM);
	return set;
}

void brief_install(void)
{
	const sigset_t set = alarm_only();

	is_installed = sys_sigprocmask(SIG_BLOCK, &set, NULL) == 0 && set_handler(NULL);
}

/* The timer repeats, because the first signal may come before the call. */
void brief_begin(struct brief *brief)
{
	const struct itimerval soon = { { 0, BRIEF_US }, { 0, BRIEF_US } };
	const sigset_t set = alarm_only();

	if (!is_installed)
		set_handler(&brief->action);
	setitimer(ITIMER_REAL, &soon, &brief->timer);
	brief->is_unblocked = sys_sigprocmask(SIG_UNBLOCK, &set, &brief->mask) == 0;
}

void brief_end(const struct brief *brief)
{
	int kept = errno;

	setitimer(ITIMER_REAL, &brief->timer, NULL);
	if (brief->is_unblocked)
		sys_sigprocmask(SIG_SETMASK, &brief->mask, NULL);
	if (!is_installed)
		sigaction(SIGALRM, &brief->action, NULL);
	errno = kept;
}

void brief_close(int fd)
{
	struct brief brief;

	if (fd < 0)
		return;
	brief_begin(&brief);
	(void)sys_close(fd);
	brief_end(&brief);
}
