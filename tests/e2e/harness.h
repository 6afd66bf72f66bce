/* SPDX-License-Identifier: MIT */
/*
 * Runs the real server for a test: starts it in a temporary directory, follows its log, stops it
 * and checks for leftovers. It must not depend on the server's internals: it uses only the binary,
 * the log, signals and /proc. Every wait is bounded by WAIT_MS; when it is over, the test fails and
 * prints the whole log.
 */
#ifndef E2E_HARNESS_H
#define E2E_HARNESS_H

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"

enum { WAIT_MS = 20000, ADDRESSES_MOST = 8, ARGS_MOST = 48, WORKERS_MOST = 128 };

/*
 * The server to start. Every member may be left out: the default is one worker and one listener
 * 127.0.0.1:0=ack.
 */
struct plan {
	const char *conf;            /* text of a configuration file */
	const char *listen[5];       /* each -l */
	const char *set[10];         /* each -o */
	const char *args[8];         /* added to the command line */
	const char *env[6];          /* NAME=VALUE; a bare NAME is unset */
	const char *prefix[8];       /* program that starts the server */
	unsigned workers;            /* -w; 0: 1, or no -w when there is a conf */
	bool log_file;               /* log to DIR/log, not to stderr */
	bool quiet_log;              /* at the level of the conf, not debug */
	const struct server *beside; /* share this server's directory and pid file */
	int output_fd;               /* becomes its stdout and stderr; 0: a file */
	int pass_fd;                 /* becomes fd 3, with LISTEN_FDS=1 and LISTEN_PID; 0: none */
};

struct server {
	struct server *next;
	char dir[64], conf[80], pid_file[80], log_path[80], stderr_path[80];
	pid_t pid;    /* the started process */
	pid_t master; /* the master: differs behind a prefix or as a daemon */
	bool running, owns_dir;
	bool leaves_pid_file;  /* it was killed, or another server owns the file */
	bool detaches;         /* its processes may end a moment after the started one */
	bool ready_is_shared;  /* a prefix keeps the pipe open: the first read has all lines */
	const char *errors[4]; /* error events that the log may hold */
	int ready_fd;
	char addresses[ADDRESSES_MOST][160];
	unsigned address_count;
	char *log;                      /* the log as read so far */
	size_t log_size, log_len, mark; /* bytes; the search for events starts at mark */
};

/* The address of a server's first listener. */
#define FIRST(s) ((s)->addresses[0])

/*
 * Starts the server; server_start also waits until it is ready. The harness owns it until the test
 * ends.
 */
struct server *server_launch(const struct plan *plan);
struct server *server_start(const struct plan *plan);
/* Reads the addresses from --ready-fd. */
void server_wait_ready(struct server *s);

/* Rewrites the configuration file. */
void server_configure(struct server *s, const char *conf);
void server_signal(struct server *s, int number);
/*
 * Runs the binary with the arguments (NULL ends them) and returns its exit code; out gets its
 * stdout and stderr.
 */
int harness_run(char *out, size_t size, const char *const *args);
/* Runs -s VERB for this server. */
int server_verb(struct server *s, const char *verb, char *out, size_t size);

/*
 * Waits for an event by name and by "name=value name=value" fields since the mark; returns the
 * line, valid until the next call.
 */
const char *server_wait_event(struct server *s, const char *event, const char *fields);
/* Waits until there are at least n such events. */
void server_wait_count(struct server *s, unsigned n, const char *event, const char *fields);
unsigned server_count(struct server *s, const char *event, const char *fields);
/* Later searches skip the events that are in the log now. */
void server_mark(struct server *s);
/* Follows another log file from its beginning. */
void server_follow(struct server *s, const char *path);
/* The number in a line's field name=; -1 when there is none. */
int64_t line_number(const char *line, const char *name);

/* Waits for the server's end and returns the exit code, or 128 + the signal. */
int server_wait_exit(struct server *s);
/* Checks for leftovers of an ended server; its exit code must be `wanted`. */
void server_check(struct server *s, int exit_code, int wanted);
/*
 * Sends TERM, expects exit code 0, and makes all checks. server_end: with that signal (0: the
 * server ends by itself) and that code.
 */
void server_stop(struct server *s);
void server_end(struct server *s, int number, int code);

/* Fails the test with a sentence and the log. */
_Noreturn void server_fail(struct server *s, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Waits until the condition holds. */
#define WAIT_UNTIL(s, condition)                                                             \
	do {                                                                                 \
		int64_t until_ms = clock_ms() + WAIT_MS;                                     \
		while (!(condition)) {                                                       \
			if (clock_ms() > until_ms)                                           \
				server_fail((s), "%s:%d: waited in vain until %s", __FILE__, \
					    __LINE__, #condition);                           \
			harness_tick();                                                      \
		}                                                                            \
	} while (0)
/* Waits a few milliseconds between two checks. */
void harness_tick(void);

/* True for a process that the test started and has not waited for. */
bool harness_knows(pid_t pid);
/* The starter of a daemon has ended: follows the master that the pid file names. */
void server_follow_daemon(struct server *s);

/* An empty directory, removed after the test. */
const char *harness_folder(void);

/*
 * harness_setup makes this program the reaper of all orphans, once per program. harness_teardown
 * kills the processes that a test left and removes its directories.
 */
int harness_setup(void **state);
int harness_teardown(void **state);

#define E2E(name)      cmocka_unit_test_teardown(name, harness_teardown)
#define E2E_RUN(tests) cmocka_run_group_tests(tests, harness_setup, NULL)

#endif
