/* SPDX-License-Identifier: MIT */
/* What one run of the load generator is to do, as its command line says. */
#ifndef BENCH_PLAN_H
#define BENCH_PLAN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "answer.h"
#include "base/addr.h"
#include "base/err.h"

enum { PIDS_MOST = 256, MESSAGE_MOST = 1 << 20 };

enum role {
	ROLE_ASK,  /* one request after the other */
	ROLE_HOLD, /* one request, if there is a message, then rest */
	ROLE_SLOW, /* a byte now and then, and no answer */
};

struct plan {
	struct addr to;
	enum role role;
	unsigned connections;
	unsigned rate; /* connections opened in a second; 0: all at once */
	unsigned
		sources; /* connect from so many of 127.0.0.1, 127.0.0.2 ...; 0: as the system likes */
	bool opens_each; /* ASK: a new connection for each request */
	enum answer_kind answer;
	size_t expected;       /* bytes of an answer */
	size_t message_size;   /* 0: the server speaks first */
	uint64_t wait_ms;      /* the run's most */
	uint64_t requests;     /* ASK: ends after so many; 0: no limit */
	pid_t pids[PIDS_MOST]; /* the server's processes */
	unsigned pid_count;
	char message[MESSAGE_MOST];
};

/* Reads the command line into a zeroed plan; false with err (CODE_USAGE, or as addr_resolve). */
bool plan_read(struct plan *plan, int argc, char **argv, struct err *err);

#endif
