/* SPDX-License-Identifier: MIT */
/*
 * A session of the client on one connection: it sends messages, or standard input, and receives the
 * responses at the same time, so that neither side can wait for the other for ever. One process.
 */
#ifndef CLIENT_SESSION_H
#define CLIENT_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "client/connection.h"
#include "client/framing.h"
#include "client/output.h"

/* The options of the command line (tables/client_flags.def). */
struct client_options {
	int action; /* 'h', 'V', or 0: a session */
	int family; /* AF_INET, AF_INET6 or AF_UNSPEC */
	bool verbose, hex, half_close;
	bool no_responses; /* responses are neither awaited nor written */
	enum framing framing;
	const char *bind; /* NULL: the system chooses */
	struct proxy_flag proxy;
	struct tls_flags tls;
	int64_t count;   /* number of times that all messages are sent */
	int interval_ms; /* -1: not given */
	int timeout_ms, quiet_time_ms;
	char *const *arguments; /* those that are no flags */
	int argument_count;
	char *const *messages; /* the arguments after the address */
	int message_count;     /* 0: standard input */
};

/* The bytes to be sent, a piece at a time: a message, or a part of standard input. */
struct input {
	struct screen *screen; /* the caller's */
	bool is_ended;         /* the end of standard input was read; there may be a piece left */
	bool is_line_start;    /* the next byte of standard input starts a line */
	uint64_t messages;     /* so far; with raw framing, those of the command line */
	char *bytes;           /* `size` bytes, on the heap */
	size_t size;
	size_t start, end;    /* the piece that is being sent */
	size_t first, filled; /* framing length: bytes read that are no message yet */
	size_t searched;      /* of these, bytes from the first on that hold no newline */
};

struct session {
	struct connection *conn; /* the caller's */
	const struct client_options *options;
	const char *name; /* of the peer, for messages */
	struct input input;
	struct output output;
	uint64_t sent, received;      /* bytes */
	int64_t sent_us, received_us; /* time of the last of them */
	int64_t active_us;            /* of the last byte in or out, or when the wait began */
	int error;                    /* errno of a send or a receive; 0: none */
	uint64_t unsent;              /* bytes of the piece at that error */
	bool cannot_send;             /* sending is over */
	bool was_full;                /* the send buffer was found full */
	bool is_ending;               /* the end of sending waits for room (TLS) */
	char buffer[65536];
};

/*
 * Returns NULL with err (CODE_OSERR). The caller ends it with session_free, which leaves the
 * connection open.
 */
struct session *session_new(struct connection *conn, const struct client_options *options,
			    const char *name, struct err *err);
void session_free(struct session *s);

/*
 * Makes a message the piece to be sent; the last one must have been sent. Returns false with err.
 */
bool session_set_message(struct session *s, const char *message, struct err *err);

/* Returns the number of bytes of the piece that are still to be sent. */
static inline size_t session_unsent(const struct session *s)
{
	return s->input.end - s->input.start;
}

/*
 * Waits until the connection is ready to send or receive, or until until_us (of clock_us;
 * INT64_MAX: no limit), and does it once; with reads_stdin also for standard input, when all is
 * sent. A peer that closes or resets the connection is no failure. Returns false with err
 * (CODE_FAILED, CODE_OSERR).
 */
bool session_poll(struct session *s, int64_t until_us, bool reads_stdin, struct err *err);

/* Ends sending, which the peer sees (shutdown(2)). */
void session_shut_down(struct session *s);

/*
 * Sends the messages of the command line one after the other, each after the response to the last.
 * Returns false with err at the first response that is missing or wrong.
 */
bool session_run_messages(struct session *s, struct err *err);

/*
 * Sends standard input and writes the responses at the same time, until both have ended. Returns
 * false with err when a response is missing or wrong.
 */
bool session_run_stream(struct session *s, struct err *err);

#endif
