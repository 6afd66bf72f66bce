/* SPDX-License-Identifier: MIT */
/*
 * One process of a bench: its connections (bench_connection.c), the messages and responses on them
 * (bench_request.c), and the event loop (bench_worker.c), which uses both. A connection is opened
 * repeatedly:
 *
 *   CLOSED --timer--> CONNECTING --connected--> IDLE --its next message--> BUSY --response--> IDLE
 *   CONNECTING --connected, with TLS--> HANDSHAKING --its end--> IDLE
 *   each of them --error, or the last message of a connection--> CLOSED
 */
#ifndef CLIENT_BENCH_BENCH_WORKER_H
#define CLIENT_BENCH_BENCH_WORKER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/timer.h"
#include "client/bench/bench.h"
#include "client/bench/http_response.h"
#include "client/framing.h"
#include "client/tls_stream.h"

enum { BENCH_BUFFER_SIZE = 256 << 10, BENCH_TICK_MS = 10 };
#define BENCH_NEVER INT64_MAX

enum bench_connection_state {
	BENCH_CLOSED,
	BENCH_CONNECTING,
	BENCH_HANDSHAKING,
	BENCH_IDLE,
	BENCH_BUSY
};

/* A response as far as it was received. */
struct bench_response {
	struct frame frame;
	uint64_t key;               /* of the message that it answers (message.h) */
	uint64_t content;           /* verified: bytes of the message's content so far */
	struct http_response *http; /* NULL: the response is a frame */
};

/* The timer is set in every state but IDLE. A message does not move it: it is checked when due. */
struct bench_connection {
	struct timer_node timer;
	int fd;                 /* -1: none */
	struct tls_stream *tls; /* NULL: the connections are plain */
	uint8_t state;
	bool is_attempted;       /* has been connected, or has failed to, once */
	int number;              /* among the connections of all processes */
	uint32_t events;         /* watched by epoll */
	int backoff_ms;          /* before the next try, when this one fails */
	int queue_wait_ms;       /* spent on a unix socket whose queue is full */
	int address;             /* of the target, in use */
	int failed_addresses;    /* in a row */
	uint64_t requests;       /* messages on this connection, */
	uint64_t total_requests; /* and on those before it */
	int64_t round;           /* open loop: its next message, or the one in flight */
	int64_t started_ns;      /* when connecting started, or the message was sent */
	int64_t latency_from_ns; /* start of the latency, or of the handshake */
	size_t sent;             /* bytes of the message */
	struct bench_response response;
};

/*
 * The schedule of an open loop, fixed from the start: message k of all is due k / rate seconds
 * after the start, on connection k % connections.
 */
struct bench_schedule {
	int64_t rate;        /* messages a second, in all */
	int64_t connections; /* in all */
	int64_t count;       /* messages in all; 0: no limit */
	int64_t start_ns;
};

struct bench_worker {
	const struct bench_options *options;
	struct bench_stats *stats;
	struct bench_connection *connections;
	struct http_response *http_responses; /* one for each connection, with an http target */
	struct tls_stream *tls_streams;       /* one for each connection, with TLS */
	int count, first; /* of all connections, this process has first, first + 1 ... */
	struct timer_heap timers;
	struct bench_schedule schedule;
	int epfd, tick_fd;
	int address;               /* of the target: the last connection was made there */
	bool is_running;           /* messages are sent */
	bool is_blocking;          /* one connection, closed loop: recv(2) waits, not epoll */
	uint64_t quota;            /* messages to be answered or to fail; UINT64_MAX: no limit */
	uint64_t in_flight;        /* messages sent and still unanswered */
	int connecting, attempted; /* connections; a handshake is part of connecting */
	int64_t now_ns;            /* of this turn of the loop */
	int64_t start_ns, end_ns;  /* of the run; end INT64_MAX: by quota alone */
	int64_t next_size_check_ns;
	char *buffer; /* BENCH_BUFFER_SIZE bytes */
};

/*
 * Starts to connect. Returns true when the connection is made already: IDLE, or with TLS at the
 * start of HANDSHAKING. A failure is counted, and the connection tried again later.
 */
bool bench_connection_open(struct bench_worker *worker, struct bench_connection *conn);

/* Takes the result of connecting that epoll reports. Returns true when the connection is made. */
bool bench_connection_check(struct bench_worker *worker, struct bench_connection *conn);

/*
 * Connecting has failed: tries the next address. Returns true when the connection is made already.
 */
bool bench_connection_try_next(struct bench_worker *worker, struct bench_connection *conn,
			       int error);

/* Closes it; or closes it, and sets the timer to the back-off, which doubles each time. */
void bench_connection_close(struct bench_worker *worker, struct bench_connection *conn);
void bench_connection_close_and_retry(struct bench_worker *worker, struct bench_connection *conn,
				      int min_ms);

/* Counts an error of the connection and of its message, and closes it with a retry. */
void bench_connection_fail(struct bench_worker *worker, struct bench_connection *conn,
			   enum bench_error kind, int error);
void bench_connection_fail_errno(struct bench_worker *worker, struct bench_connection *conn,
				 int error);

/* Connecting is over: the connection is IDLE. */
void bench_connection_set_ready(struct bench_worker *worker, struct bench_connection *conn);

/*
 * As recv(2) and send(2), and as tls_stream_receive and tls_stream_send. With EAGAIN, wait for
 * bench_tls_receive_events or bench_tls_send_events.
 */
ssize_t bench_connection_receive(struct bench_worker *worker, struct bench_connection *conn);
ssize_t bench_connection_send(struct bench_connection *conn, const char *bytes, size_t size);

/* The events of epoll that a receive and a send need. */
uint32_t bench_tls_receive_events(const struct bench_connection *conn);
uint32_t bench_tls_send_events(const struct bench_connection *conn);

/* Starts the handshake, or goes on with it. Returns true when the connection is IDLE. */
bool bench_tls_start(struct bench_worker *worker, struct bench_connection *conn);
bool bench_tls_handshake(struct bench_worker *worker, struct bench_connection *conn);

/* Has epoll watch for these events. */
void bench_connection_watch(struct bench_worker *worker, struct bench_connection *conn,
			    uint32_t events);

void bench_connection_set_timer(struct bench_worker *worker, struct bench_connection *conn,
				int64_t after_ms);

/* Opens a connection, and sends its first message if it is connected at once. */
void bench_request_open(struct bench_worker *worker, struct bench_connection *conn);

/* Sends the next message of an IDLE connection, if it is due and wanted. */
void bench_request_send_next(struct bench_worker *worker, struct bench_connection *conn);

/* Open loop: its next message is due. A BUSY connection sends it after the response. */
void bench_request_send_due(struct bench_worker *worker, struct bench_connection *conn);

/* Handles the events of epoll. */
void bench_request_handle_events(struct bench_worker *worker, struct bench_connection *conn,
				 uint32_t events);

/* Receives once. */
void bench_request_receive(struct bench_worker *worker, struct bench_connection *conn);

/* Handles its timer, which is due. */
void bench_request_handle_timer(struct bench_worker *worker, struct bench_connection *conn);

/*
 * Until the first right response, looks for a response that has another size than the options
 * expect, and notes its size in stats->odd_size. Cheap: for each turn of the loop.
 */
void bench_request_check_sizes(struct bench_worker *worker);

/*
 * Returns the time at which a connection's message of that round (from 0) is due, or BENCH_NEVER.
 */
int64_t bench_request_due_ns(const struct bench_schedule *schedule, int64_t connection,
			     int64_t round);

/* Returns the number of messages of a connection that are due before until_ns. */
int64_t bench_request_count_due(const struct bench_schedule *schedule, int64_t connection,
				int64_t until_ns);

/*
 * Makes the connections of the process-th of options->processes, and opens none. Allocates all
 * memory of a run. Returns false with err (CODE_OSERR). The caller frees it with bench_worker_free.
 */
bool bench_worker_new(struct bench_worker *worker, const struct bench_options *options, int process,
		      struct bench_stats *stats, struct err *err);
void bench_worker_free(struct bench_worker *worker);

/*
 * Opens all connections, unless messages start with that, and returns when each is made or has
 * failed once, or *stop is set. Returns false with err.
 */
bool bench_worker_open(struct bench_worker *worker, const atomic_bool *stop, struct err *err);

/*
 * Sends and receives from start_ns on until the run is over or *stop is set, and completes the
 * stats. Returns false with err.
 */
bool bench_worker_run(struct bench_worker *worker, int64_t start_ns, const atomic_bool *stop,
		      struct err *err);

#endif
