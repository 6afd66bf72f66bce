/* SPDX-License-Identifier: MIT */
/*
 * One connection of a load, again and again. Each does what it is told by the loop in lanes.c:
 *
 *   RESTING --timer--> CONNECTING --made--> READY --its next message--> ASKING --answer--> READY
 *   CONNECTING, READY, ASKING --loss, or the last message of a connection--> RESTING
 */
#ifndef CLIENT_BENCH_BENCH_CONNECTION_H
#define CLIENT_BENCH_BENCH_CONNECTION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/timer.h"
#include "client/bench/answer.h"
#include "client/bench/bench_options.h"
#include "client/bench/bench_stats.h"
#include "client/bench/pace.h"

enum bench_connection_state { BENCH_CLOSED, BENCH_CONNECTING, BENCH_IDLE, BENCH_BUSY };

/*
 * The timer is set for every state but READY, and looked at when it fires: a message does not move
 * it.
 */
struct bench_connection {
	struct timer_node timer;
	int fd; /* -1: none */
	uint8_t state;
	bool is_attempted; /* has been connected, or has failed to, once */
	int number;        /* among the connections of all processes */
	uint32_t events;
	int backoff_ms;    /* before the next try, when this one fails */
	int queue_wait_ms; /* tries at a unix socket whose queue is full */
	int address,
		failed_addresses; /* of the target's: in use; how many of them failed in a row */
	uint64_t requests;        /* messages begun on this connection, */
	uint64_t requests_sent;   /* and on all of this lane */
	int64_t round;            /* open loop: its next message, or the one in hand */
	int64_t started_ns;       /* when connecting began, or when the message was sent */
	int64_t latency_from_ns;  /* what the answer's latency is counted from */
	size_t sent;              /* of the message */
	struct response response;
};

/* What the lanes of a process share. */
struct bench_worker {
	const struct bench_options *options;
	struct bench_stats *stats;
	struct bench_connection *connections;
	struct http_response *http_responses; /* one for each, when HTTP is spoken */
	int count, first; /* of all connections, this process has first, first + 1 ... */
	struct timer_heap timers;
	struct bench_schedule schedule;
	int epfd, tick_fd;
	int address;        /* of the target's: where the last connection was made */
	bool is_running;    /* messages are sent */
	bool is_blocking;   /* one connection, closed loop: recv(2) waits */
	uint64_t quota;     /* messages to be answered or lost; UINT64_MAX: no limit */
	uint64_t in_flight; /* messages begun and not ended */
	int connecting, attempted;
	int64_t now_ns;        /* of this turn; finer where it matters */
	int64_t start_ns;      /* of the run, */
	int64_t size_check_ns; /* sizecheck's: not before */
	int64_t end_ns;        /* and its end; INT64_MAX: by share alone */
	char *buffer;          /* BENCH_BUFFER_SIZE bytes */
};

enum { BENCH_BUFFER_SIZE = 256 << 10, BENCH_TICK_MS = 10 };

/* Begins to connect; a failure is counted and tried again later. */
void bench_connection_open(struct bench_worker *worker, struct bench_connection *conn);

/* Sends the next message of a READY lane, if it is due and wanted. */
void bench_request_send_next(struct bench_worker *worker, struct bench_connection *conn);

/*
 * Open loop: its next message has come due. A lane that is busy sees to it itself when it is no
 * more.
 */
void bench_request_send_due(struct bench_worker *worker, struct bench_connection *conn);

/* The kernel has something to tell of it. */
void bench_request_handle_events(struct bench_worker *worker, struct bench_connection *conn,
				 uint32_t events);

/* Receives once. */
void bench_request_receive(struct bench_worker *worker, struct bench_connection *conn);

/* Its timer has fired. */
void bench_request_handle_timer(struct bench_worker *worker, struct bench_connection *conn);

void bench_connection_close(struct bench_worker *worker, struct bench_connection *conn);

/*
 * True when nothing is left to begin: all messages that were wanted are begun or done. With nothing
 * to send, connecting begins one.
 */
static inline bool has_enough_requests(const struct bench_worker *worker)
{
	uint64_t requests_sent = worker->in_flight;

	if (worker->options->message.size == 0)
		requests_sent += (uint64_t)worker->connecting;
	return worker->quota != UINT64_MAX &&
	       worker->stats->answers + bench_stats_errors(worker->stats) + requests_sent >=
		       worker->quota;
}

#endif
