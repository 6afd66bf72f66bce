/* SPDX-License-Identifier: MIT */
/*
 * Blocks the signals and reads them as data. It makes no decision: the master and the workers look
 * up the action of each signal.
 */
#include <stdio.h>
#include <string.h>

#include "base/brief.h"
#include "base/sys.h"
#include "config/signals.h"

enum {
	FIRST_REAL_TIME = 32, /* the kernel's; SIGRTMIN is the first that libc leaves to programs */
	WORD_BITS = 8 * sizeof(unsigned long),
};

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

const char *signals_name(int number, char *text)
{
	const struct signal_row *row = signals_find(number);

	if (row)
		snprintf(text, SIGNAL_TEXT, "%s", row->name);
	else if (number >= SIGRTMIN)
		snprintf(text, SIGNAL_TEXT, "RTMIN+%d", number - SIGRTMIN);
	else
		snprintf(text, SIGNAL_TEXT, "%d", number);
	return text;
}

/*
 * Returns the mask's word with the signal's bit. The C library keeps the first real-time signals
 * for its threads and leaves them out of a mask (nptl(7)), but other processes can send them.
 */
static unsigned long *find_word(sigset_t *mask, int number)
{
	return (unsigned long *)mask + (number - 1) / WORD_BITS;
}

static void add_signal(sigset_t *mask, int number)
{
	*find_word(mask, number) |= 1UL << (number - 1) % WORD_BITS;
}

static void remove_signal(sigset_t *mask, int number)
{
	*find_word(mask, number) &= ~(1UL << (number - 1) % WORD_BITS);
}

static bool is_reported(const struct signal_row *row)
{
	return row->master == SIGNAL_REPORT;
}

static bool is_ignored(const struct signal_row *row)
{
	return row->master == SIGNAL_IGNORE && row->worker == SIGNAL_IGNORE;
}

static void fill_mask(sigset_t *mask, bool with_reports)
{
	sigemptyset(mask);
	for (unsigned i = 0; i < signal_count; i++) {
		const struct signal_row *row = &signal_rows[i];

		if (!is_ignored(row) && (with_reports || !is_reported(row)))
			add_signal(mask, row->number);
	}
	for (int number = FIRST_REAL_TIME; with_reports && number <= SIGRTMAX; number++)
		add_signal(mask, number);
}

static void set_disposition(int number, void (*handler)(int))
{
	const struct sigaction action = { .sa_handler = handler };

	sigaction(number, &action, NULL);
}

/*
 * A program inherits ignored signals, never handlers (execve(2)). With an inherited ignored SIGCHLD
 * the kernel would reap the master's children itself.
 */
static void set_dispositions(void)
{
	struct sigaction now;

	for (int number = 1; number <= SIGRTMAX; number++)
		if (sigaction(number, NULL, &now) == 0 && now.sa_handler == SIG_IGN)
			set_disposition(number, SIG_DFL);
	for (unsigned i = 0; i < signal_count; i++)
		if (is_ignored(&signal_rows[i]))
			set_disposition(signal_rows[i].number, SIG_IGN);
	brief_install();
}

bool signals_block(void)
{
	sigset_t mask;

	/*
	 * the keepers' signals too: one may arrive before the keeper reads them, and no other
	 * process may be killed by one
	 */
	fill_mask(&mask, true);
	if (sys_sigprocmask(SIG_SETMASK, &mask, NULL) < 0)
		return false;
	set_dispositions();
	return true;
}

static bool is_command(int number)
{
	return number >= SIGNAL_KEEPER_START && number <= SIGNAL_HELPER_END;
}

/*
 * The ignored signals are unblocked: a blocked signal would stay pending for ever and take room
 * (signal(7)).
 */
void signals_leave_reports(void)
{
	sigset_t open;

	sigemptyset(&open);
	for (unsigned i = 0; i < signal_count; i++) {
		const struct signal_row *row = &signal_rows[i];

		if (!is_reported(row))
			continue;
		set_disposition(row->number, row->worker == SIGNAL_DEFAULT ? SIG_DFL : SIG_IGN);
		add_signal(&open, row->number);
	}
	for (int number = SIGRTMIN; number <= SIGRTMAX; number++) {
		if (is_command(number))
			continue;
		set_disposition(number, SIG_IGN);
		add_signal(&open, number);
	}
	sys_sigprocmask(SIG_UNBLOCK, &open, NULL);
	brief_install();
}

/* The signal stays blocked, so that a new child's mask is unchanged. */
void signals_ignore(int fd, int number)
{
	static uint64_t ignored; /* written by the master: bit = number - 1 */
	sigset_t mask;

	ignored |= UINT64_C(1) << (number - 1);
	fill_mask(&mask, true);
	for (int n = 1; n <= SIGRTMAX; n++)
		if (ignored & UINT64_C(1) << (n - 1))
			remove_signal(&mask, n);
	sys_signalfd(fd, &mask, 0);
}

/*
 * sigaction(2) of the C library refuses the signals that it keeps for itself, but the server may
 * have inherited them as ignored. The first word of the kernel's struct is the handler; zeros are
 * SIG_DFL, without flags and mask, on every architecture.
 */
enum { KERNEL_ACTION_WORDS = 16 };

static uint64_t bit_of(int number)
{
	return UINT64_C(1) << (number - 1);
}

uint64_t signals_changed(void)
{
	uint64_t changed = 0;

	for (int number = 1; number <= SIGRTMAX; number++) {
		unsigned long now[KERNEL_ACTION_WORDS] = { 0 };

		if (sys_rt_sigaction(number, NULL, now) == 0 && now[0] != (unsigned long)SIG_DFL)
			changed |= bit_of(number);
	}
	return changed;
}

void signals_restore(uint64_t changed)
{
	static const unsigned long defaults[KERNEL_ACTION_WORDS];
	sigset_t none;

	for (int number = 1; number <= SIGRTMAX; number++)
		if (changed & bit_of(number))
			sys_rt_sigaction(number, defaults, NULL);
	sigemptyset(&none);
	sys_sigprocmask(SIG_SETMASK, &none, NULL);
}

int signals_open(bool with_reports)
{
	sigset_t mask;

	fill_mask(&mask, with_reports);
	add_signal(&mask, SIGNAL_WORKER_MOVE);
	return sys_signalfd(-1, &mask, SFD_NONBLOCK | SFD_CLOEXEC);
}

int signals_next(int fd, struct signal_sender *sender)
{
	struct signalfd_siginfo info;
	ssize_t got;

	do
		got = sys_read(fd, &info, sizeof(info));
	while (got < 0 && errno == EINTR);
	if (got != sizeof(info))
		return 0;
	/* a positive code is the kernel's, and for SIGCHLD ssi_pid is the dead child */
	if (sender)
		*sender = (struct signal_sender){ info.ssi_code <= 0 ? (int32_t)info.ssi_pid : 0,
						  info.ssi_int };
	return (int)info.ssi_signo;
}
