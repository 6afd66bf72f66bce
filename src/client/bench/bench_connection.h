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

enum lane_state { LANE_RESTING, LANE_CONNECTING, LANE_READY, LANE_ASKING };

/*
 * The timer is set for every state but READY, and looked at when it fires: a message does not move
 * it.
 */
struct lane {
	struct timer_node timer;
	int fd; /* -1: none */
	uint8_t state;
	bool is_settled; /* has been connected, or has failed to, once */
	int number;      /* among the connections of all processes */
	uint32_t watched;
	int backoff_ms;         /* before the next try, when this one fails */
	int queued_ms;          /* tries at a unix socket whose queue is full */
	int address, tried;     /* of the target's: in use; how many of them failed in a row */
	uint64_t on_connection; /* messages begun on this connection, */
	uint64_t begun;         /* and on all of this lane */
	int64_t turn;           /* open loop: its next message, or the one in hand */
	int64_t since_ns;       /* when connecting began, or when the message was sent */
	int64_t begun_ns;       /* what the answer's latency is counted from */
	size_t sent;            /* of the message */
	struct answer answer;
};

/* What the lanes of a process share. */
struct lane_set {
	const struct plan *plan;
	struct outcome *outcome;
	struct lane *list;
	struct httpanswer *https; /* one for each, when HTTP is spoken */
	int count, first;         /* of all connections, this process has first, first + 1 ... */
	struct timer_heap timers;
	struct pace pace;
	int epfd, tick_fd;
	int address;     /* of the target's: where the last connection was made */
	bool is_running; /* messages are sent */
	bool is_alone;  /* one lane in a closed loop: receiving waits, and there is no epoll_wait */
	uint64_t share; /* messages to be answered or lost; UINT64_MAX: no limit */
	uint64_t flying; /* messages begun and not ended */
	int connecting, settled;
	int64_t now_ns;   /* of this turn; finer where it matters */
	int64_t start_ns; /* of the run, */
	int64_t look_ns;  /* sizecheck's: not before */
	int64_t end_ns;   /* and its end; INT64_MAX: by share alone */
	char *received;   /* LANE_RECEIVED bytes */
};

enum { LANE_RECEIVED = 256 << 10, LANE_TICK_MS = 10 };

/* Begins to connect; a failure is counted and tried again later. */
void lane_open(struct lane_set *all, struct lane *lane);

/* Sends the next message of a READY lane, if it is due and wanted. */
void lane_go_on(struct lane_set *all, struct lane *lane);

/*
 * Open loop: its next message has come due. A lane that is busy sees to it itself when it is no
 * more.
 */
void lane_due(struct lane_set *all, struct lane *lane);

/* The kernel has something to tell of it. */
void lane_ready(struct lane_set *all, struct lane *lane, uint32_t events);

/* Receives once. */
void lane_take(struct lane_set *all, struct lane *lane);

/* Its timer has fired. */
void lane_wake(struct lane_set *all, struct lane *lane);

void lane_close(struct lane_set *all, struct lane *lane);

/*
 * True when nothing is left to begin: all messages that were wanted are begun or done. With nothing
 * to send, connecting begins one.
 */
static inline bool lane_has_enough(const struct lane_set *all)
{
	uint64_t begun = all->flying;

	if (all->plan->message.size == 0)
		begun += (uint64_t)all->connecting;
	return all->share != UINT64_MAX &&
	       all->outcome->answered + outcome_lost(all->outcome) + begun >= all->share;
}

#endif
