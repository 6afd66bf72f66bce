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

/* The timer repeats, because the first signal may come before the call. */
void brief_begin(struct brief *brief)
{
	const struct itimerval soon = { { 0, BRIEF_US }, { 0, BRIEF_US } };
	const struct sigaction action = { .sa_handler = interrupt_call }; /* no SA_RESTART */
	sigset_t alarm_only;

	sigemptyset(&alarm_only);
	sigaddset(&alarm_only, SIGALRM);
	sigaction(SIGALRM, &action, &brief->action);
	setitimer(ITIMER_REAL, &soon, &brief->timer);
	brief->is_unblocked = sys_sigprocmask(SIG_UNBLOCK, &alarm_only, &brief->mask) == 0;
}

void brief_end(const struct brief *brief)
{
	const struct itimerval never = { 0 };
	int kept = errno;

	setitimer(ITIMER_REAL, &never, NULL);
	if (brief->is_unblocked)
		sys_sigprocmask(SIG_SETMASK, &brief->mask, NULL);
	sigaction(SIGALRM, &brief->action, NULL);
	setitimer(ITIMER_REAL, &brief->timer, NULL);
	errno = kept;
}
