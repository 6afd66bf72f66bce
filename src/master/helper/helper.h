/* SPDX-License-Identifier: MIT */
/*
 * The helper processes of a generation (worker/helper.h): for each job of the services of its
 * listeners one, or one for each listener, with a link to each worker. What a link holds when a
 * helper dies, the next one finds. Master only.
 *
 *   WAITING --due_ms-------------------> STARTING --reports that it is ready--> READY
 *   STARTING, READY --died-------------> WAITING, or given up: GONE
 *   STARTING, READY --told to leave----> LEAVING --died--> GONE
 *   WAITING --told to leave, given up--> GONE
 *
 * One that is LEAVING for too long is killed, and one that was to beat and was silent.
 */
#ifndef MASTER_HELPER_HELPER_H
#define MASTER_HELPER_HELPER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "config/conf.h"
#include "master/respawn_backoff.h"
#include "worker/heritage.h"
#include "worker/helper.h"

enum helper_state {
	HELPER_WAITING,
	HELPER_STARTING,
	HELPER_READY,
	HELPER_LEAVING,
	HELPER_GONE,
	HELPER_STATES
};

struct helper {
	enum helper_state state; /* changed in helper.c alone */
	const struct listen_conf *conf;
	const struct helper_job *job;
	pid_t pid;           /* of the living helper, else 0 */
	int reports, report; /* a socketpair: the master's end, and the helper's */
	bool *lacks;         /* by link: it was made anew, and the living helper has the old one */
	int64_t due_ms;      /* WAITING: when to start */
	int64_t started_ms;
	int64_t beat_ms; /* STARTING, READY: the last sign of its life, or the end of its grace */
	int64_t kill_ms; /* LEAVING: when SIGKILL is due; 0: it was sent */
	struct respawn_backoff respawn;
};

struct helper_set {
	struct helper *list;
	struct helper_links *links; /* of each */
	unsigned count;
	unsigned link_count; /* of each that has links: one for each place of the generation */
};

/* The number of helpers that a configuration needs, and of descriptors of the master for them. */
unsigned helper_count(const struct conf *conf);
unsigned helper_files(const struct conf *conf, unsigned capacity);

/*
 * Makes the links of all helpers of conf for `capacity` workers; none is started. Returns false
 * with errno set. helper_set_free frees in any case, once no helper lives.
 */
bool helper_set_new(struct helper_set *set, const struct conf *conf, unsigned capacity);
void helper_set_free(struct helper_set *set);

/* Closes the links (generation_close_doors says why apart from the rest). */
void helper_set_close_links(struct helper_set *set);

/* Adds the reports to the epoll of bells. Returns false with errno set. */
bool helper_set_watch(const struct helper_set *set, int bells);

/* Counts those in that state. */
unsigned helper_set_in(const struct helper_set *set, enum helper_state state);

/*
 * Tells every helper to leave that was not told yet, by that signal. Returns true when none lives
 * any more.
 */
bool helper_set_leave(struct helper_set *set, int signal, int64_t now_ms);

/* It was forked, and has all links as they are. */
void helper_started(struct helper_set *set, unsigned index, pid_t pid, int64_t now_ms);

/* Reads what it has reported. Returns true when it has just become ready. */
bool helper_hear(struct helper *helper, int64_t now_ms);

/* Its silence counts from this time on at the earliest. */
void helper_grant(struct helper *helper, int64_t now_ms);

/*
 * Kills one that was silent for longer than hang_ms. Returns for how long it was, or 0; it counts
 * anew afterwards.
 */
int64_t helper_kill_silent(struct helper *helper, int64_t hang_ms, int64_t now_ms);

/* It is dead, or could not be started: starts it again after a while, unless it was to leave. */
void helper_respawn(struct helper *helper, int64_t now_ms);

/* It is dead, or could not be started, and none is to follow. */
void helper_give_up(struct helper *helper);

/*
 * Tells it to leave, by SIGNAL_HELPER_LEAVE, _STOP or _END, each of which leaves it less time; no
 * effect when the signal cannot be sent.
 */
void helper_tell_to_leave(struct helper *helper, int signal, int64_t now_ms);

/* Kills one whose time to leave is over. Returns true when it was sent SIGKILL. */
bool helper_kill_due(struct helper *helper, int64_t now_ms);

#endif
