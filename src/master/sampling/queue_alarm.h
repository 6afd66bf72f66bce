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
	QUEUE_ALARM_SHOWS_MS = 50, /* by then a worker that works has turned its loop */
	QUEUE_ALARM_LASTS_MS = 1000,
	QUEUE_ALARM_RECENT_MS = 1000, /* a pause since then may have filled the queue */
	QUEUE_ALARM_RATE_MS = 1500, /* the same of a rate, which is reached once a second or more */
	QUEUE_ALARM_PAUSE_MS = 60000,
	QUEUE_ALARM_ADVICE = 256
};

/* One reading of a listener's sockets. */
struct queue_alarm_sample {
	uint32_t queue, limit;              /* of the socket with the longest queue */
	unsigned listener, socket, sockets; /* the number of that socket */
	uint64_t dropped; /* segments, of all its sockets, since the last reading */
};

/* The history of one listener. Zeros at first. */
struct queue_alarm {
	int64_t crowded_ms; /* since when every reading is over half; 0: the last is not */
	int64_t noticed_ms; /* when the overflow of the next warning was seen; 0: none */
	int64_t told_ms;    /* of the last warning; 0: none */
	uint64_t dropped;   /* since the last warning */
	struct queue_alarm_sample worst; /* since noticed_ms, except dropped */
};

/*
 * Takes note of a reading. The warning of an overflow is due QUEUE_ALARM_SHOWS_MS after it, when it
 * is known whether the workers work; then no other one is due for QUEUE_ALARM_PAUSE_MS.
 */
void queue_alarm_note(struct queue_alarm *alarm, const struct queue_alarm_sample *look,
		      int64_t now_ms);
bool queue_alarm_is_due(const struct queue_alarm *alarm, int64_t now_ms);

/* True while no reading since the overflow found the queue short. */
bool queue_alarm_goes_on(const struct queue_alarm *alarm);

void queue_alarm_told(struct queue_alarm *alarm, int64_t now_ms);

/* The sockets of the noted samples are gone. */
void queue_alarm_forget(struct queue_alarm *alarm);

/* The basis of the advice. */
struct queue_alarm_facts {
	uint32_t limit;                 /* of the queue */
	uint32_t backlog, somaxconn;    /* as configured, and in the system (0: unknown) */
	unsigned workers, silent, full; /* as in struct generation_load */
	uint32_t worker_connections;
	/* Of a listener whose clients wait; 0: off, or there is room */
	uint32_t max_connections, rate;
	bool has_paused; /* a worker, for want of descriptors or memory, a moment ago */
	bool is_lasting; /* no burst: the queue has been long for QUEUE_ALARM_LASTS_MS */
};

/* Writes one sentence without a full stop to text (QUEUE_ALARM_ADVICE bytes); returns text. */
const char *queue_alarm_advice(const struct queue_alarm_facts *facts, char *text);

#endif
