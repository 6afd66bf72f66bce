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

enum { PLAN_CONNECTIONS_MOST = 100000, PLAN_PROCESSES_MOST = 256, PLAN_PIDS_MOST = 64 };

enum plan_form { PLAN_TEXT, PLAN_JSON, PLAN_CSV };

struct plan {
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
	uint64_t answer_size;   /* raw: bytes of an answer; UINT64_MAX: until the server's end */
	int64_t per_connection; /* messages; 0: no limit */
	bool is_quiet, verifies;
	enum plan_form form;
	pid_t server_pids[PLAN_PIDS_MOST];
	int server_pid_count;
	struct message message;
};

/*
 * Reads the flags and the target, resolves its name, and makes the message. False with err
 * (CODE_USAGE, CODE_NOHOST, CODE_OSERR). plan_free ends it.
 */
bool plan_read(struct plan *plan, int argc, char **argv, struct err *err);
void plan_free(struct plan *plan);

/* Prints the text of -h. */
void plan_help(void);

#endif
