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

struct exchange {
	struct link *link; /* the caller's */
	const struct wish *wish;
	const char *name; /* of the peer, for people */
	const struct story *story;
	struct feed feed;
	struct hear hear;
	uint64_t sent, heard;      /* bytes */
	int64_t sent_us, heard_us; /* when the last of them were */
	int64_t moved_us;          /* when anything was, or the caller began to wait */
	uint64_t unsent;           /* bytes of the stretch when it broke */
	int broken;                /* errno of a send or a receive; 0: none */
	bool is_mute;              /* nothing can be sent any more */
	bool was_full;             /* the send buffer was found full */
	char received[65536];
};

/* NULL with err (CODE_OSERR); exchange_free ends it and leaves the link open. */
struct exchange *exchange_new(struct link *link, const struct wish *wish, const char *name,
			      const struct story *story, struct err *err);
void exchange_free(struct exchange *x);

/*
 * Waits until something can be sent or received, or until_us (of clock_us; INT64_MAX: for ever),
 * and does it once; with is_fed also for standard input, when nothing is left to send. That the
 * peer has ended or broken the connection is no failure: false with err (CODE_FAILED, CODE_OSERR)
 * is.
 */
bool exchange_turn(struct exchange *x, int64_t until_us, bool is_fed, struct err *err);

/* Ends sending, and lets the peer know (shutdown(2)). */
void exchange_shut(struct exchange *x);

#endif
