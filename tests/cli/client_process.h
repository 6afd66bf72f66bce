/* SPDX-License-Identifier: MIT */
/* Runs prefork-client in the background, so that a test can be its peer. */
#ifndef CLI_CLIENT_PROCESS_H
#define CLI_CLIENT_PROCESS_H

#include <stddef.h>
#include <sys/types.h>

struct client_process {
	/* set by the test, or left zero */
	const char *input; /* standard input's bytes; NULL: none */
	size_t input_size; /* 0: up to the NUL */
	int input_fd;      /* in place of input */
	int output_fd;     /* standard output, which is not captured then */
	int terminal;      /* standard output and error, which are not captured then */
	int drop;          /* a capability (capabilities(7)) to drop */
	/* while it runs */
	pid_t pid;
	int kept[2]; /* files of standard output and error */
	/* after the end */
	int code;        /* exit code, or 128 + the signal */
	size_t out_size; /* bytes of out, not counting its NUL */
	char out[65536], err[65536];
};

/* Starts the client with arguments (NULL ends them). */
void client_process_start(struct client_process *client, const char *const *arguments);
#define RUN_CLIENT(client, ...) \
	client_process_start((client), (const char *const[]){ __VA_ARGS__ __VA_OPT__(, ) NULL })

/* Waits until the client has written the text to standard error, within WAIT_MS. */
void client_process_expect(const struct client_process *client, const char *text);

/* Waits for the client's end, within WAIT_MS. */
void client_process_wait(struct client_process *client);

/* Makes the struct ready for another start. */
void client_process_reset(struct client_process *client);

/* True while the client runs. */
int client_process_is_running(const struct client_process *client);

#endif
