/* SPDX-License-Identifier: MIT */
/*
 * Signals as rows (tables/signals.def): which are handled, and what each asks of the master and of
 * a worker. All are blocked at main's first line and read from a signalfd(2) in the loop; a process
 * makes its own signalfd.
 */
#ifndef CORE_SIGNALS_H
#define CORE_SIGNALS_H

#include <stdbool.h>
#include <stdint.h>

enum signal_action {
	SIGNAL_IGNORE,
	SIGNAL_QUIT, /* stop gracefully */
	SIGNAL_STOP, /* stop fast */
	SIGNAL_RELOAD,
	SIGNAL_REOPEN,
	SIGNAL_RETIRE,
	SIGNAL_MORE_WORKERS,
	SIGNAL_LESS_WORKERS,
	SIGNAL_REAP,
};

/*
 * What the master asks of a keeper. Real-time signals: one that a stranger sends does not take the place of
 * the master's that comes right after it (signal(7)).
 */
#define SIGNAL_KEEPER_START SIGRTMIN
#define SIGNAL_KEEPER_LEAVE (SIGRTMIN + 1)

struct signal_row {
	const char *name; /* without SIG */
	int number;
	enum signal_action master, worker;
	const char *sentence;
};
extern const struct signal_row signal_rows[];
extern const unsigned signal_count;

/* The row of a signal number, or NULL. */
const struct signal_row *signals_find(int number);

/*
 * Blocks every row's signal and takes its default disposition; the rows that nobody acts on
 * (SIGPIPE) are ignored instead. False with errno. First line of main.
 */
bool signals_block(void);

/* Restores the default dispositions and an empty mask: in a child, before any exec. */
void signals_restore(void);

/* A new non-blocking, close-on-exec signalfd for the rows; -1 with errno. Any process, its own. */
int signals_open(void);

/*
 * The next pending signal's number, 0 when there is none; *sender_pid is who sent it (0: the
 * kernel); it may be NULL.
 */
int signals_next(int fd, int32_t *sender_pid);

#endif
