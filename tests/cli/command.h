/* SPDX-License-Identifier: MIT */
/*
 * Runs the programs under test ($PREFORK_SRV, and those in $TOP_BUILDDIR) and keeps what they said.
 */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include <stdbool.h>
#include <sys/types.h>

struct said {
	int code; /* exit code; -1 after a signal */
	char out[65536], err[65536];
};

/* Runs it in the folder with arguments (NULL-ended) to its end. */
void command_run(struct said *said, const char *folder, const char *const *arguments);
#define RUN(said, folder, ...) \
	command_run((said), (folder), (const char *const[]){ __VA_ARGS__ __VA_OPT__(, ) NULL })

/*
 * Runs any program: words[0] is its path, or prefork-client and the like for one of this tree's.
 */
void command_run_words(struct said *said, const char *folder, const char *const *words);
#define RUN_WORDS(said, folder, ...) \
	command_run_words((said), (folder), (const char *const[]){ __VA_ARGS__, NULL })

/* As the most ordinary user that there is; for root only. */
#define AS_NOBODY "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"

/*
 * Copies a program of this tree to `copy` in the folder, and lets everybody read the folder:
 * wherever the tree stands, nobody can run that.
 */
void command_copy(const char *folder, const char *program);

/* Reads again what the last run in that folder, perhaps another process's, has said. */
void command_recall(struct said *said, const char *folder);

/*
 * A lesson could not check a claim, for connections of others fill the kernel's table of TIME_WAIT:
 * in a network namespace of the test's own nobody does.
 */
bool command_is_crowded(const struct said *said);

/* A server in the background. */
struct server {
	pid_t pid;
	char address[256]; /* the first one that it serves */
};

/*
 * Starts it with arguments and waits until it is ready; it writes only to the file `log` in the
 * folder.
 */
void command_start(struct server *server, const char *folder, const char *const *arguments);

/* Waits for its end and returns its exit code, -1 after a signal. */
int command_wait(const struct server *server);

/* Asserts that it exited with the code and said one line on standard error, which begins so. */
void assert_says_one_line(const struct said *said, const char *begin, int code);

#endif
