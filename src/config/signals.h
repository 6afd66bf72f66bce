/* SPDX-License-Identifier: MIT */
/*
 * Signals as rows (tables/signals.def): the handled signals, and their actions in the master and in
 * a worker. All are blocked at main's first line and read from a signalfd(2) in the loop. Each
 * process makes its own signalfd.
 */
#ifndef CONFIG_SIGNALS_H
#define CONFIG_SIGNALS_H

#include <stdbool.h>
#include <stdint.h>

enum signal_action {
	SIGNAL_IGNORE,
	SIGNAL_DEFAULT, /* the kernel's default action */
	SIGNAL_REPORT,  /* no action: logged once, then ignored */
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
 * The master's commands to a keeper. They are real-time signals, which queue: a signal from another
 * process does not replace the master's that follows it (signal(7)).
 */
#define SIGNAL_KEEPER_START SIGRTMIN
#define SIGNAL_KEEPER_LEAVE (SIGRTMIN + 1)

/* The master's command to a worker: pass the connections on to other workers, and exit. */
#define SIGNAL_WORKER_MOVE (SIGRTMIN + 2)

/*
 * The master's commands to a helper: leave, be fast, end at once what you have begun. SIGTERM and
 * SIGINT, which a whole process group may get, are not for helpers.
 */
#define SIGNAL_HELPER_LEAVE (SIGRTMIN + 3)
#define SIGNAL_HELPER_STOP  (SIGRTMIN + 4)
#define SIGNAL_HELPER_END   (SIGRTMIN + 5)

/* A command to the master with a value (stats/servers.h): drain a server, or undrain it. */
#define SIGNAL_SERVER_DRAIN (SIGRTMIN + 6)

struct signal_row {
	const char *name; /* without SIG */
	int number;
	enum signal_action master, worker;
	const char *sentence;
};
extern const struct signal_row signal_rows[];
extern const unsigned signal_count;

/*
 * Returns the row of a signal number, or NULL. A real-time signal has no row: the master reports
 * it, a worker ignores it.
 */
const struct signal_row *signals_find(int number);

/*
 * Writes "ALRM", "RTMIN+3" or "32", as kill(1) accepts it, to text (SIGNAL_TEXT bytes). Returns
 * text.
 */
enum { SIGNAL_TEXT = 16 };
const char *signals_name(int number, char *text);

/*
 * Sets mask and dispositions permanently, regardless of inherited ones. Blocked: every row with
 * an action or a report, and every real-time signal. Ignored: the other rows (SIGPIPE). Every other
 * signal gets its default. Returns false with errno set. First line of main.
 */
bool signals_block(void);

/*
 * In the child that becomes a worker or keeper: ignores the signals that the master reports, or
 * restores their default where the row says so.
 */
void signals_leave_reports(void);

/* Returns the signals that have not their default action in this process: bit = number - 1. */
uint64_t signals_changed(void);

/*
 * Restores the default of these signals (signals_changed), and an empty mask. In a child, before
 * any exec.
 */
void signals_restore(uint64_t changed);

/*
 * Returns a new non-blocking, close-on-exec signalfd for the rows with an action and the command to
 * a worker or helper, and with `with_reports` also for those that the master reports; -1 with errno
 * set. Any process; not shared.
 */
int signals_open(bool with_reports);

/* Removes the signal from the master's signalfd permanently. */
void signals_ignore(int fd, int number);

/* Where a signal comes from, and what it brings. */
struct signal_sender {
	int32_t pid;   /* 0: the kernel */
	int32_t value; /* of sigqueue(3) */
};

/*
 * Returns the number of the next pending signal, or 0 when there is none. *sender (may be NULL) is
 * set.
 */
int signals_next(int fd, struct signal_sender *sender);

#endif
