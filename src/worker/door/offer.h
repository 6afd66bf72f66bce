/* SPDX-License-Identifier: MIT */
/*
 * A batch of connections that is offered to another worker (the exchange: worker/door/door.h). One
 * batch at a time is on its way; its connections are not served meanwhile, here at least. Worker
 * only.
 */
#ifndef WORKER_DOOR_OFFER_H
#define WORKER_DOOR_OFFER_H

#include <stdbool.h>
#include <stdint.h>

#include "worker/door/door.h"
#include "worker/door/receiver.h"

/* What has become of the batch. */
enum offer_state {
	OFFER_NONE,    /* there is none */
	OFFER_WAITS,   /* sent, and not decided */
	OFFER_TAKEN,   /* the other worker has it */
	OFFER_REFUSED, /* it is served here again; `reason` says why */
	OFFER_BUSY     /* it could not be sent now, and `reason` says why */
};

struct offer {
	const struct door *door;        /* this worker's own */
	uint32_t list[DOOR_CONNS_MOST]; /* indexes of the clients' records */
	unsigned count;
	int64_t began_us;
	uint64_t turns;  /* of the receiver's loop when the batch was sent */
	bool was_sent;   /* the receiver may have the descriptors */
	bool is_shut;    /* the receiver's door takes no message any more */
	bool is_leaving; /* the worker gives up its epoll afterwards: connections may stay in it */
	enum stay_reason reason;
};

/*
 * Sends the `count` connections of offer->list, all of the same listener, to the receiver. Returns
 * WAITS, BUSY, or REFUSED.
 */
enum offer_state offer_send(struct offer *offer, const struct receiver *to, enum move_cause cause);

/*
 * Looks whether the batch is decided, and carries the decision out; takes the batch back when the
 * receiver does not begin with it in time. Returns NONE, WAITS, TAKEN or REFUSED, the last two
 * once.
 */
enum offer_state offer_look(struct offer *offer);

/*
 * Before this worker ends all connections: takes the batch back unless the receiver has it, so that
 * no connection ends in two workers. What the receiver does not decide in time stays offered.
 */
void offer_end(struct offer *offer);

/*
 * Takes the batch, which waits, back unless the receiver is deciding or has decided. Returns WAITS
 * or REFUSED.
 */
enum offer_state offer_withdraw(struct offer *offer);

/* After a recovery: goes on with the batch that the dead worker had sent, if any. */
void offer_resume(struct offer *offer);

#endif
