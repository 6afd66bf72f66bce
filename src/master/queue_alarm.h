/* SPDX-License-Identifier: MIT */
/*
 * Accept queues that were too short: when somebody is to be told, and what he is to be advised.
 * Pure, on the caller's clock. Master only.
 */
#ifndef MASTER_QUEUE_ALARM_H
#define MASTER_QUEUE_ALARM_H

#include <stdbool.h>
#include <stdint.h>

enum {
	OVERFLOW_SHOWS_MS = 50, /* by then a worker that is at work has turned its loop */
	OVERFLOW_LASTS_MS = 1000,
	OVERFLOW_PAUSE_MS = 60000,
	OVERFLOW_ADVICE = 256
};

/* A look at the sockets of a listener. */
struct overflow_look {
	uint32_t queue, limit;              /* of the socket with the longest queue */
	unsigned listener, socket, sockets; /* which one that is */
	uint64_t dropped;                   /* segments, of all its sockets, since the last look */
};

/* What is remembered of a listener. Zeros at first. */
struct overflow {
	int64_t crowded_ms; /* since when it is more than half full at every look; 0: it is not */
	int64_t noticed_ms; /* when the overflow was seen that is to be told next; 0: none */
	int64_t told_ms;    /* of the last warning; 0: none */
	uint64_t dropped;   /* since the last warning */
	struct overflow_look worst; /* since noticed_ms, but for dropped */
};

/*
 * Takes note of a look. An overflow is to be told with a look OVERFLOW_SHOWS_MS after it, when it
 * has shown whether the workers are at work; then for OVERFLOW_PAUSE_MS no other one.
 */
void overflow_note(struct overflow *overflow, const struct overflow_look *look, int64_t now_ms);
bool overflow_is_due(const struct overflow *overflow, int64_t now_ms);

/* True while its queue has not once been short since the overflow was seen. */
bool overflow_goes_on(const struct overflow *overflow);

void overflow_told(struct overflow *overflow, int64_t now_ms);

/* The sockets that overflow_look named are no more. */
void overflow_forget(struct overflow *overflow);

/* What the advice rests on. */
struct overflow_case {
	uint32_t limit; /* of the queue */
	uint32_t backlog,
		somaxconn; /* as configured, here and in the system; somaxconn 0: unknown */
	unsigned workers, silent, full; /* as struct load has them */
	uint32_t worker_connections;
	bool is_lasting; /* no burst: the queue has been long for OVERFLOW_LASTS_MS */
};

/* One sentence without a full stop, in text (OVERFLOW_ADVICE bytes); returns text. */
const char *overflow_advice(const struct overflow_case *facts, char *text);

#endif
