/* SPDX-License-Identifier: MIT */
/*
 * Accept queues that were too short: when to warn, and what to advise. Pure, on the caller's clock.
 * Master only.
 */
#ifndef MASTER_QUEUE_ALARM_H
#define MASTER_QUEUE_ALARM_H

#include <stdbool.h>
#include <stdint.h>

enum {
	QUEUE_ALARM_SHOWS_MS = 50, /* by then a worker that is at work has turned its loop */
	QUEUE_ALARM_LASTS_MS = 1000,
	QUEUE_ALARM_PAUSE_MS = 60000,
	QUEUE_ALARM_ADVICE = 256
};

/* A look at the sockets of a listener. */
struct queue_alarm_sample {
	uint32_t queue, limit;              /* of the socket with the longest queue */
	unsigned listener, socket, sockets; /* which one that is */
	uint64_t dropped;                   /* segments, of all its sockets, since the last look */
};

/* What is remembered of a listener. Zeros at first. */
struct queue_alarm {
	int64_t crowded_ms; /* since when it is more than half full at every look; 0: it is not */
	int64_t noticed_ms; /* when the overflow was seen that is warned of next; 0: none */
	int64_t told_ms;    /* of the last warning; 0: none */
	uint64_t dropped;   /* since the last warning */
	struct queue_alarm_sample worst; /* since noticed_ms, but for dropped */
};

/*
 * Takes note of a look. The warning of an overflow is due QUEUE_ALARM_SHOWS_MS after it, when it
 * has shown whether the workers are at work; then for QUEUE_ALARM_PAUSE_MS there is no other one.
 */
void queue_alarm_note(struct queue_alarm *overflow, const struct queue_alarm_sample *look,
		      int64_t now_ms);
bool queue_alarm_is_due(const struct queue_alarm *overflow, int64_t now_ms);

/* True while its queue has not once been short since the overflow was seen. */
bool queue_alarm_goes_on(const struct queue_alarm *overflow);

void queue_alarm_told(struct queue_alarm *overflow, int64_t now_ms);

/* The sockets that queue_alarm_sample named are no more. */
void queue_alarm_forget(struct queue_alarm *overflow);

/* What the advice rests on. */
struct queue_alarm_facts {
	uint32_t limit;                 /* of the queue */
	uint32_t backlog, somaxconn;    /* as configured here, and in the system (0: unknown) */
	unsigned workers, silent, full; /* as struct generation_load has them */
	uint32_t worker_connections;
	bool is_lasting; /* no burst: the queue has been long for QUEUE_ALARM_LASTS_MS */
};

/* One sentence without a full stop, in text (QUEUE_ALARM_ADVICE bytes); returns text. */
const char *queue_alarm_advice(const struct queue_alarm_facts *facts, char *text);

#endif
