/* SPDX-License-Identifier: MIT */
/*
 * Signals as rows (tables/signals.def): which are handled, and what each asks of the master and of
 * a worker. All are blocked at main's first line and read from a signalfd(2) in the loop; a process
 * makes its own signalfd.
 */
#ifndef CONFIG_SIGNALS_H
#define CONFIG_SIGNALS_H

#include <stdbool.h>
#include <stdint.h>

enum signal_action {
	SIGNAL_IGNORE,
	SIGNAL_DEFAULT, /* what the kernel does with it */
	SIGNAL_REPORT,  /* it asks for nothing: said once, then ignored */
	SIGNAL_QUIT,    /* stop gracefully */
	SIGNAL_STOP,    /* stop fast */
	SIGNAL_RELOAD,
	SIGNAL_REOPEN,
	SIGNAL_RETIRE,
	SIGNAL_MORE_WORKERS,
	SIGNAL_LESS_WORKERS,
	SIGNAL_REAP,
};

/*
 * What the master asks of a keeper. Real-time signals: one that a stranger sends does not take the
 * place of the master's that comes right after it (signal(7)).
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

/*
 * The row of a signal number, or NULL. A real-time signal has none: the master reports it, a worker
 * ignores it.
 */
const struct signal_row *signals_find(int number);

/* "ALRM", "RTMIN+3" or "32", as kill(1) takes it; written to text (SIGNAL_TEXT bytes). */
enum { SIGNAL_TEXT = 16 };
const char *signals_name(int number, char *text);

/*
 * Sets mask and dispositions for good, whatever the process was started with: blocked is each row
 * that somebody acts on or reports, and each real-time signal; ignored are the other rows
 * (SIGPIPE); all else has its default. False with errno. First line of main.
 */
bool signals_block(void);

/*
 * In the child that becomes a worker or keeper: what the master reports is ignored from here on, or
 * has its default where the row says so.
 */
void signals_leave_reports(void);

/* Restores the default dispositions and an empty mask: in a child, before any exec. */
void signals_restore(void);

/*
 * A new non-blocking, close-on-exec signalfd for the rows that somebody acts on, and `with_reports`
 * for those that the master reports; -1 with errno. Any process, its own.
 */
int signals_open(bool with_reports);

/* From now on the master's signalfd fd does not hear that signal any more. */
void signals_ignore(int fd, int number);

/*
 * The next pending signal's number, 0 when there is none; *sender_pid is who sent it (0: the
 * kernel); it may be NULL.
 */
int signals_next(int fd, int32_t *sender_pid);

#endif
