/* SPDX-License-Identifier: MIT */
/*
 * The policy of even load. It reads the hints of the other workers, writes this worker's own, and
 * sets bits in the masks of the workers it kicks. It decides nothing about sockets:
 * worker/accept/acceptor.c does.
 */
#include "worker/accept/balance.h"

#include <stdlib.h>

#include "base/sys.h"

enum {
	YIELD_AT = 2,       /* connections more than the lightest worker's */
	PASS_AT = 4,        /* likewise, for a while */
	BURST_AT = 16,      /* likewise, right now */
	DEAF_MS = 10,       /* a kicked worker whose loop has not turned for this long is skipped */
	KICKS_AT_ONCE = 16, /* more than the kernel queues by default (net.unix.max_dgram_qlen) */
	SPAN_MS = 10,       /* of two such spans the least load counts as settled */
	DOUBT_MS = 100,     /* a peer whose hint was wrong is skipped for this long */
};

static uint32_t load32(const _Atomic uint32_t *value)
{
	return atomic_load_explicit(value, memory_order_relaxed);
}

static uint64_t turns_of(const struct balance *b, unsigned i)
{
	return atomic_load_explicit(&b->slots[i].turns, memory_order_relaxed);
}

bool balance_start(struct balance *b)
{
	b->kicks = calloc(b->hints->count, sizeof(*b->kicks));
	return b->kicks != NULL;
}

void balance_tell(const struct balance *b, uint32_t load)
{
	const struct slot *own = &b->slots[b->number];

	hints_set(b->hints, b->number,
		  (struct hint){ .live = load,
				 .seat = (uint16_t)load32(&own->seat),
				 .state = (uint8_t)load32(&own->state) });
}

static bool is_ready_peer(const struct balance *b, unsigned i)
{
	return i != b->number && hints_get(b->hints, i).state == SLOT_READY;
}

bool balance_owns(const struct balance *b, unsigned socket, unsigned sockets)
{
	return load32(&b->slots[b->number].seat) % sockets == socket;
}

bool balance_is_deputy(const struct balance *b, unsigned socket, unsigned sockets)
{
	for (unsigned i = 0; i < b->hints->count; i++) {
		if (!is_ready_peer(b, i) ||
		    (i > b->number && hints_get(b->hints, i).seat % sockets != socket))
			continue;
		if (load32(&b->slots[i].state) == SLOT_READY &&
		    (i < b->number || load32(&b->slots[i].seat) % sockets == socket))
			return false;
	}
	return true;
}

/* A stopped or hanging worker looks light, but must get no connections. */
static bool is_deaf(struct balance *b, unsigned i, int64_t now_ms)
{
	struct kick *kick = &b->kicks[i];

	if (kick->at_ms == 0 || now_ms - kick->at_ms < DEAF_MS)
		return false;
	if (turns_of(b, i) == kick->turns)
		return true;
	kick->at_ms = 0;
	return false;
}

static uint32_t least_lately(struct lately *lately, uint32_t load, int64_t now_ms)
{
	int64_t passed_ms = now_ms - lately->since_ms;

	if (passed_ms >= SPAN_MS) {
		lately->least_before = passed_ms < 2 * SPAN_MS ? lately->least : load;
		lately->least = load;
		lately->since_ms = now_ms;
	}
	if (load < lately->least)
		lately->least = load;
	return lately->least < lately->least_before ? lately->least : lately->least_before;
}

struct standing balance_look(struct balance *b, uint32_t load, int64_t now_ms)
{
	struct standing standing = { .load = load, .lightest = b->number };
	uint32_t least = load;

	standing.settled = load == BALANCE_FULL ? load : least_lately(&b->lately, load, now_ms);

	if (load < YIELD_AT) /* no peer can have so many fewer */
		return standing;
	for (unsigned i = 0; i < b->hints->count; i++) {
		struct hint hint = hints_get(b->hints, i);

		if (hint.live >= least || hint.state != SLOT_READY || i == b->number ||
		    now_ms < b->kicks[i].doubted_ms || is_deaf(b, i, now_ms))
			continue;
		least = hint.live;
		standing.lightest = i;
	}
	standing.excess = load - least;
	return standing;
}

bool balance_yields(const struct standing *s)
{
	return s->excess >= YIELD_AT;
}

/* The hint chose this peer; its own slot decides. */
static bool is_confirmed(const struct slot *slot, const struct standing *s)
{
	return load32(&slot->state) == SLOT_READY &&
	       (uint64_t)load32(&slot->live) + PASS_AT <= s->load;
}

static void kick_peer(struct balance *b, unsigned peer, unsigned listener, int64_t now_ms)
{
	struct kick *kick = &b->kicks[peer];
	uint64_t turns = turns_of(b, peer);

	if (kick->at_ms == 0 || kick->turns != turns) {
		kick->turns = turns;
		kick->at_ms = now_ms;
	}
	hints_ask(b->hints, peer, listener);
	/*
	 * A full queue already wakes the peer; in any case the connection stays in the listener's
	 * queue.
	 */
	(void)!sys_send(b->wires[peer].fds[WIRE_KICK], "", 1, MSG_DONTWAIT | MSG_NOSIGNAL);
	cell_add(&b->slots[b->number].tally.accept_kicks_total, 1);
}

bool balance_pass(struct balance *b, const struct standing *s, unsigned listener, int64_t now_ms)
{
	uint32_t least = s->load - s->excess;

	if (s->excess < PASS_AT)
		return false;
	if (s->excess < BURST_AT && (s->settled < least || s->settled - least < PASS_AT))
		return false;
	if (!is_confirmed(&b->slots[s->lightest], s)) {
		b->kicks[s->lightest].doubted_ms = now_ms + DOUBT_MS;
		return false;
	}
	kick_peer(b, s->lightest, listener, now_ms);
	return true;
}

uint64_t balance_asked(struct balance *b)
{
	char byte;

	/* The kicks are drained before the mask is taken, so that a later request is seen again. */
	for (unsigned i = 0; i < KICKS_AT_ONCE; i++)
		if (sys_recv(balance_fd(b), &byte, 1, MSG_DONTWAIT) < 0)
			break;
	return hints_asked(b->hints, b->number);
}
