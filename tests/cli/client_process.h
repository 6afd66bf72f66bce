/* SPDX-License-Identifier: MIT */
/* Runs prefork-client, in the background, so that a test can be its peer. */
#ifndef CLI_CLIENT_PROCESS_H
#define CLI_CLIENT_PROCESS_H

#include <stddef.h>
#include <sys/types.h>

struct talking {
	/* to be chosen, or left out */
	const char *input; /* standard input's bytes; NULL: none */
	size_t input_size; /* 0: up to the NUL */
	int input_fd;      /* instead of them */
	int output_fd;     /* of standard output, which is not kept then */
	int drop;          /* a capability (capabilities(7)) to do without */
	/* its own */
	pid_t pid;
	int kept[2]; /* files of standard output and error */
	/* after the end */
	int code;        /* exit code, or 128 + the signal */
	size_t out_size; /* bytes; out has a NUL behind them */
	char out[65536], err[65536];
};

/* Starts it with arguments (NULL-ended). */
void talking_start(struct talking *t, const char *const *arguments);
#define TALK(t, ...) talking_start((t), (const char *const[]){ __VA_ARGS__ __VA_OPT__(, ) NULL })

/* Waits until it has written this to standard error, within WAIT_MS. */
void talking_expect(const struct talking *t, const char *text);

/* Waits for its end, within WAIT_MS. */
void talking_wait(struct talking *t);

/* Forgets what was chosen and what came of it. */
void talking_forget(struct talking *t);

/* True when it has not ended. */
int talking_goes_on(const struct talking *t);

#endif
