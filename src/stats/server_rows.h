/* SPDX-License-Identifier: MIT */
/*
 * The servers of upstreams in the scoreboard, each by the title of its upstream and its address as
 * written. A row has three parts by their writers: the master, the process that looks up names, and
 * every worker. What every worker writes holds no address, and readers check its bounds: a worker
 * that was taken over can only mislead the others about a server's health and load. Part of
 * stats/scoreboard.h.
 */
#ifndef STATS_SERVER_ROWS_H
#define STATS_SERVER_ROWS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "stats/metric.h"

enum {
	SCOREBOARD_SERVERS = 128,
	SERVER_SLOTS = 1024,    /* as many as SCOREBOARD_SLOTS */
	SERVER_ADDRESSES = 8,   /* of one name */
	SERVER_FAILS_MOST = 16, /* failures that are remembered: the maximum of max_fails */
};

enum server_life { SERVER_NEVER, SERVER_IN_FORCE, SERVER_GONE };

/* What the master knows of a server. */
struct server_row {
	_Atomic uint32_t life;
	char upstream[64], address[ADDR_TEXT]; /* written before life */
	_Atomic uint32_t is_drained;           /* by -s drain; stays over a reload */
	_Atomic uint32_t is_down;              /* in the configuration in force, as the next two */
	_Atomic uint32_t is_backup, weight;
	uint32_t users; /* generations that have it; for the master alone */
};

/* The addresses of a server that has a name. Written by the process that looks it up. */
struct server_names {
	_Atomic uint32_t seq; /* odd while they are written */
	_Atomic uint32_t count;
	struct sockaddr_storage list[SERVER_ADDRESSES]; /* without the port's meaning for unix */
	_Atomic int64_t found_s;  /* time(2) of the last lookup that found something; 0: none */
	_Atomic int64_t failed_s; /* of the first that failed since; 0: the last one succeeded */
};

/* What the workers and the process that checks have found. */
enum server_health {
	SERVER_HEALTHY,
	SERVER_FAILED,       /* too many connections to it failed */
	SERVER_CHECK_FAILED, /* its checks fail */
	SERVER_HEALTHS
};

/* What every worker writes. */
struct server_shared {
	/* enum server_health, the ending that took it out last, and since when (server_verdict) */
	_Alignas(64) _Atomic uint64_t verdict;
	_Atomic int64_t trial_ms; /* clock_ms() at which one connection may try a FAILED one */
	_Atomic int64_t fails_ms[SERVER_FAILS_MOST]; /* the last failures, in a ring */
	_Atomic uint32_t fail_count;
	_Atomic uint32_t last_failure;  /* enum close_reason of any failure; CLOSE_none: none */
	_Atomic uint32_t checks_failed; /* in a row */
	_Atomic uint32_t turn; /* of round robin; of its upstream in the row of the first server */
	_Atomic uint32_t address_turn;
	_Atomic uint32_t is_unbound;  /* that the source address fails was said */
	_Atomic int64_t check_due_ms; /* clock_ms() of the next check */
	_Atomic int64_t prevented_ms; /* clock_ms() at which it was said last; 0: never */
	_Alignas(64) struct upstream_tally tally;
	/* connections of the workers in each slot, also those that are being opened */
	_Alignas(64) _Atomic uint32_t live[SERVER_SLOTS];
	_Atomic uint32_t waiting[SERVER_SLOTS]; /* clients; as turn, of the upstream */
	/* likewise: clock_us() at which the oldest that waits for a place came; 0: none does */
	_Atomic int64_t oldest_us[SERVER_SLOTS];
};

/* A verdict, taken apart. */
struct server_verdict {
	enum server_health health;
	enum close_reason why; /* CLOSE_none: it was never taken out */
	int64_t since_ms;      /* clock_ms() */
};

static inline uint64_t server_verdict_word(struct server_verdict verdict)
{
	return (uint64_t)verdict.since_ms << 16 | (uint64_t)verdict.why << 8 |
	       (uint64_t)verdict.health;
}

/* Any word has a meaning. */
static inline struct server_verdict server_verdict_of(uint64_t word)
{
	struct server_verdict verdict = { SERVER_HEALTHY, CLOSE_none, (int64_t)(word >> 16) };

	if ((word & 0xff) < SERVER_HEALTHS)
		verdict.health = (enum server_health)(word & 0xff);
	if ((word >> 8 & 0xff) < CLOSE_COUNT)
		verdict.why = (enum close_reason)(word >> 8 & 0xff);
	return verdict;
}

#endif
