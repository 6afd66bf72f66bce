/* SPDX-License-Identifier: MIT */
/*
 * A worker without a process of its own, which passes connections to others in this process through
 * real doors: an arena, a loop, a slot in a scoreboard, and socketpairs as clients.
 */
#ifndef UNIT_SIBLING_H
#define UNIT_SIBLING_H

#include "unit/sibling_services.h"
#include "worker/accept/acceptor.h"
#include "worker/conn.h"
#include "worker/dispatch.h"
#include "worker/door/leave.h"
#include "worker/door/moving.h"
#include "worker/door/rebalance.h"
#include "worker/recovery/recovery.h"

enum { SIBLING_LISTENERS = 2 };

struct siblings;

struct sibling {
	struct siblings *all;
	struct conf conf;
	struct listen_conf listens[SIBLING_LISTENERS];
	struct listener listeners[SIBLING_LISTENERS];
	struct listener_set set;
	struct heritage heritage;
	struct slot *slot;
	struct slot_info *info;
	struct loop loop;
	struct pool pool;
	struct acceptors acceptors;
	struct door door;
	struct moving moving;
	struct rebalance rebalance;
	struct leave leave;
	struct timer_heap alarms;
	struct recovery recovery;
	int64_t ahead_ms; /* by which the clock of its alarms is ahead */
	bool is_up;
};

/*
 * Starts the worker of that slot, READY; those of later generations have higher slots. It has two
 * listeners: one with the service and with default options except those given as name, value ...
 * NULL, and echo. sibling_stop ends its connections.
 */
struct sibling *sibling_start(struct siblings *all, unsigned slot, unsigned generation,
			      const char *service, ...) __attribute__((sentinel));
void sibling_stop(struct sibling *w);

/*
 * The worker dies: its own memory is gone; its arena, its slot, its descriptors and its door stay.
 * sibling_recover starts the next one of the slot, which closes what it does not keep.
 */
void sibling_die(struct sibling *w);
void sibling_recover(struct sibling *w);

/* Opens a connection to that listener; returns the client's non-blocking end. */
int sibling_connect(struct sibling *w, uint32_t listener);

/* One turn of the worker; moves the clock of its alarms forward, and fires those that are due. */
void sibling_turn(struct sibling *w);
void sibling_alarm(struct sibling *w, int64_t ms);

/*
 * Offers the first `count` connections to the other worker; no worker turns. sibling_offer settles,
 * and returns what has become of them.
 */
enum offer_state sibling_send(struct sibling *from, const struct sibling *to, unsigned count);
enum offer_state sibling_offer(struct sibling *from, const struct sibling *to, unsigned count);

/* The worker's record of that index; how many connections it has records of. */
struct record *sibling_record(const struct sibling *w, uint32_t index);
unsigned sibling_conns(const struct sibling *w);

/* One of its metrics; its open connections by its metrics, as the master counts them. */
uint64_t sibling_metric(const struct sibling *w, enum metric metric);
uint64_t sibling_held(const struct sibling *w);

#endif
