/* SPDX-License-Identifier: MIT */
/*
 * Runs the programs under test ($PREFORK_SRV, and those in $TOP_BUILDDIR) and captures their
 * output.
 */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include <stdbool.h>
#include <sys/types.h>

struct said {
	int code; /* exit code; -1 after a signal */
	char out[65536], err[65536];
};

/* Runs the server in the folder with arguments (NULL ends them) and waits for its end. */
void command_run(struct said *said, const char *folder, const char *const *arguments);
#define RUN(said, folder, ...) \
	command_run((said), (folder), (const char *const[]){ __VA_ARGS__ __VA_OPT__(, ) NULL })

/* Runs any program: words[0] is its path, or a name such as prefork-client for one of this tree. */
void command_run_words(struct said *said, const char *folder, const char *const *words);
#define RUN_WORDS(said, folder, ...) \
	command_run_words((said), (folder), (const char *const[]){ __VA_ARGS__, NULL })

/* Runs a program as an unprivileged user; for root only. */
#define AS_NOBODY "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"

/*
 * Copies a program of this tree to `copy` in the folder and makes the folder readable for all, so
 * that an unprivileged user can run it wherever the tree is.
 */
void command_copy(const char *folder, const char *program);

/* Reads again the output of the last run in that folder, which may be another process's. */
void command_recall(struct said *said, const char *folder);

/*
 * True when a lesson could not check a claim because other connections fill the kernel's table of
 * TIME_WAIT. In a network namespace of the test's own this does not happen.
 */
bool command_is_crowded(const struct said *said);

/* A server in the background. */
struct server {
	pid_t pid;
	char address[256]; /* its first address */
};

/*
 * Starts a server with arguments and waits until it is ready; the server writes only to the file
 * `log` in the folder.
 */
void command_start(struct server *server, const char *folder, const char *const *arguments);

/* Waits for the server's end and returns its exit code, -1 after a signal. */
int command_wait(const struct server *server);

/*
 * Asserts that the program exited with the code and wrote one line to standard error, which starts
 * with `begin`.
 */
void assert_says_one_line(const struct said *said, const char *begin, int code);

#endif
