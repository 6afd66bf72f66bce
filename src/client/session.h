/* SPDX-License-Identifier: MIT */
/*
 * Bytes to and from the peer, both ways at once, so that neither side can wait for the other for
 * ever. What is sent, and when it is enough, the callers know. One process.
 */
#ifndef CLIENT_SESSION_H
#define CLIENT_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "client/connection.h"
#include "client/feed.h"
#include "client/hear.h"
#include "client/story.h"
#include "client/wish.h"

struct session {
	struct connection *connection; /* the caller's */
	const struct client_options *options;
	const char *name; /* of the peer, for people */
	const struct trace *trace;
	struct input input;
	struct hear output;
	uint64_t sent, received;      /* bytes */
	int64_t sent_us, received_us; /* when the last of them were */
	int64_t active_us;            /* when anything was, or the caller began to wait */
	uint64_t unsent;              /* bytes of the stretch when it broke */
	int error;                    /* errno of a send or a receive; 0: none */
	bool cannot_send;             /* nothing can be sent any more */
	bool was_full;                /* the send buffer was found full */
	char buffer[65536];
};

/* NULL with err (CODE_OSERR); session_free ends it and leaves the link open. */
struct session *session_new(struct connection *connection, const struct client_options *options,
			    const char *name, const struct trace *trace, struct err *err);
void session_free(struct session *session);

/*
 * Waits until something can be sent or received, or until_us (of clock_us; INT64_MAX: for ever),
 * and does it once; with is_fed also for standard input, when nothing is left to send. That the
 * peer has ended or broken the connection is no failure: false with err (CODE_FAILED, CODE_OSERR)
 * is.
 */
bool session_poll(struct session *session, int64_t until_us, bool is_fed, struct err *err);

/* Ends sending, and lets the peer know (shutdown(2)). */
void session_shut_down(struct session *session);

#endif
