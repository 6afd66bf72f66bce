/* SPDX-License-Identifier: MIT */
/* Runs the program under test ($PREFORK_SRV) and keeps what it said. */
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

#endif
