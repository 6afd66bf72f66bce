/* SPDX-License-Identifier: MIT */
/*
 * Blocks the signals and reads them as data. It decides nothing: the master and the workers look up
 * what each asks of them. Called by main, by both kinds of process, and before any exec.
 */
#include <string.h>

#include "base/sys.h"
#include "core/signals.h"

const struct signal_row signal_rows[] = {
#define SIGNAL_ROW(name, master, worker, sentence) \
	{ #name, SIG##name, SIGNAL_##master, SIGNAL_##worker, sentence },
#include "tables/signals.def"
};
const unsigned signal_count = sizeof(signal_rows) / sizeof(signal_rows[0]);

const struct signal_row *signals_find(int number)
{
	for (unsigned i = 0; i < signal_count; i++) {
		if (signal_rows[i].number == number)
			return &signal_rows[i];
	}
	return NULL;
}

/*
 * A signal that nobody acts on is ignored instead of blocked: a blocked one would wake the loop all
 * the same.
 */
static bool is_heard(const struct signal_row *row)
{
	return row->master != SIGNAL_IGNORE || row->worker != SIGNAL_IGNORE;
}

static void fill_mask(sigset_t *mask)
{
	sigemptyset(mask);
	for (unsigned i = 0; i < signal_count; i++) {
		if (is_heard(&signal_rows[i]))
			sigaddset(mask, signal_rows[i].number);
	}
}

bool signals_block(void)
{
	struct sigaction action = { .sa_handler = SIG_DFL };
	sigset_t mask;

	fill_mask(&mask);
	/* a keeper may be told before it listens, and nobody else is to die of it */
	sigaddset(&mask, SIGNAL_KEEPER_START);
	sigaddset(&mask, SIGNAL_KEEPER_LEAVE);
	if (sys_sigprocmask(SIG_BLOCK, &mask, NULL) < 0)
		return false;
	/* a starter that ignored SIGCHLD would have the kernel reap our children behind our back */
	for (unsigned i = 0; i < signal_count; i++) {
		action.sa_handler = is_heard(&signal_rows[i]) ? SIG_DFL : SIG_IGN;
		sigaction(signal_rows[i].number, &action, NULL);
	}
	return true;
}

void signals_restore(void)
{
	const struct sigaction action = { .sa_handler = SIG_DFL };
	sigset_t none;

	for (int number = 1; number <= SIGRTMAX; number++)
		sigaction(number, &action, NULL);
	sigemptyset(&none);
	sys_sigprocmask(SIG_SETMASK, &none, NULL);
}

int signals_open(void)
{
	sigset_t mask;

	fill_mask(&mask);
	return sys_signalfd(-1, &mask, SFD_NONBLOCK | SFD_CLOEXEC);
}

int signals_next(int fd, int32_t *sender_pid)
{
	struct signalfd_siginfo info;
	ssize_t got;

	do
		got = sys_read(fd, &info, sizeof(info));
	while (got < 0 && errno == EINTR);
	if (got != sizeof(info))
		return 0;
	/* other codes come from the kernel, and of SIGCHLD ssi_pid is the child that died */
	if (sender_pid)
		*sender_pid = info.ssi_code <= 0 ? (int32_t)info.ssi_pid : 0;
	return (int)info.ssi_signo;
}
