/* SPDX-License-Identifier: MIT */
/* What the command line of a bench asks for (tables/bench_flags.def). One process. */
#ifndef CLIENT_BENCH_BENCH_OPTIONS_H
#define CLIENT_BENCH_BENCH_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "client/bench/message.h"
#include "client/framing.h"
#include "client/target.h"

enum { BENCH_CONNECTIONS_MAX = 100000, BENCH_PROCESSES_MAX = 256, BENCH_SERVER_PIDS_MAX = 64 };

enum bench_format { BENCH_TEXT, BENCH_JSON, BENCH_CSV };

struct bench_options {
	int action; /* 'h', or 0: run */
	struct target target;
	int family; /* AF_INET, AF_INET6 or AF_UNSPEC */
	int connections, processes;
	int sources;         /* addresses to connect from; 0: as the system likes */
	int64_t duration_ms; /* 0: no limit; -1: not said */
	int64_t count;       /* messages answered or lost; 0: no limit */
	int64_t rate;        /* 0: a closed loop */
	int timeout_ms;
	int64_t size;     /* bytes of a message; 0: the server speaks first; -1: not said */
	const char *text; /* a message; NULL: size bytes of a pattern */
	bool has_framing;
	enum framing framing;
	const char *answer;     /* -a, as it was said */
	uint64_t response_size; /* raw: bytes of an answer; UINT64_MAX: until the server's end */
	int64_t requests_max;   /* messages; 0: no limit */
	bool is_quiet, verifies;
	enum bench_format format;
	pid_t server_pids[BENCH_SERVER_PIDS_MAX];
	int server_pid_count;
	struct message message;
};

/*
 * Reads the flags and the target, resolves its name, and makes the message. False with err
 * (CODE_USAGE, CODE_NOHOST, CODE_OSERR). bench_options_free ends it.
 */
bool bench_options_read(struct bench_options *options, int argc, char **argv, struct err *err);
void bench_options_free(struct bench_options *options);

/* Prints the text of -h. */
void bench_options_help(void);

#endif
