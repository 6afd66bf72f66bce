/* SPDX-License-Identifier: MIT */
/*
 * Stops the server in steps, each of which is faster than the one before. Must not wait: the loop
 * reaps.
 *
 *   NOT --TERM, QUIT--> LAME_DUCK --again, or lame_duck--> GRACEFUL
 *   GRACEFUL --again, or shutdown_timeout--> FAST --INT again, or 2 s--> KILL
 *   NOT --TERM, QUIT, without lame_duck--> GRACEFUL
 *   NOT, LAME_DUCK, GRACEFUL --INT--> FAST
 */
#include "master/stop.h"

#include <time.h>

#include "base/log.h"
#include "base/sys.h"
#include "master/helper/helpers.h"
#include "master/program/programs.h"
#include "master/workers.h"
#include "net/sd_notify.h"

/* KILL_MS: for the kernel to end killed processes, and for the master to reap them. */
enum { FAST_MS = 2000, KILL_MS = 3000 };

static const struct {
	const char *word;
	int signal;
} steps[] = {
	[STOP_NOT] = { "not", 0 },
	[STOP_LAME_DUCK] = { "lame_duck", 0 },
	[STOP_GRACEFUL] = { "gracefully", SIGQUIT },
	[STOP_FAST] = { "fast", SIGINT },
	[STOP_KILL] = { "killed", SIGKILL },
};

/* Returns the latest time at which a generation's connections must end. */
static int64_t find_deadline_ms(const struct procs *procs, int64_t now_ms)
{
	int64_t latest_ms = now_ms;

	for (struct generation *g = procs_next(procs, NULL); g; g = procs_next(procs, g))
		if (generation_deadline_ms(g, now_ms) > latest_ms)
			latest_ms = generation_deadline_ms(g, now_ms);
	return latest_ms;
}

static void retire_last(struct procs *procs)
{
	struct generation *last = procs->starting ? procs->starting : procs->current;

	if (!last)
		return;
	generation_close(last, NULL, true);
	/* The steps send the signals, and set the time limit, for all generations at once. */
	workers_retire(procs, last, 0, INT64_MAX);
}

/* Returns how long the server serves on; 0: not at all, or there is nothing that serves. */
static int64_t find_lame_duck_ms(const struct procs *procs)
{
	const struct generation *current = procs->current;

	if (!current || current->wanted + programs_wanted(current->programs) == 0)
		return 0;
	return current->conf->lame_duck;
}

/* Tells when the step ends; returns when the stop becomes fast, which it tells too. */
static int64_t set_deadline(struct stop *stop, int64_t now_ms)
{
	int64_t due_ms = now_ms;

	if (stop->how == STOP_LAME_DUCK) {
		stop->deadline_ms = now_ms + find_lame_duck_ms(stop->procs);
		due_ms = find_deadline_ms(stop->procs, stop->deadline_ms);
	} else if (stop->how == STOP_GRACEFUL) {
		due_ms = stop->deadline_ms = find_deadline_ms(stop->procs, now_ms);
	} else if (stop->how == STOP_FAST) {
		due_ms = stop->deadline_ms = now_ms + FAST_MS;
	} else {
		stop->deadline_ms = 0;
	}
	atomic_store_explicit(&stop->procs->board->stop_due_ms, due_ms, memory_order_relaxed);
	return due_ms;
}

/* Tells by when lame_duck ends, or that the server is in none. */
static void publish_lame_duck(const struct stop *stop, int64_t now_ms)
{
	struct scoreboard *board = stop->procs->board;
	bool is_in = stop->how == STOP_LAME_DUCK;
	int64_t left_s = (stop->deadline_ms - now_ms + 999) / 1000;

	atomic_store_explicit(&board->lame_duck_until_ms, is_in ? stop->deadline_ms : 0,
			      memory_order_relaxed);
	cell_set(&board->server.lame_duck_end_time_seconds,
		 is_in ? (uint64_t)(time(NULL) + left_s) : 0);
}

static void log_step(const struct stop *stop, int64_t now_ms)
{
	if (stop->how == STOP_LAME_DUCK)
		LOG(EVENT_lame_duck_started, LOG_NUM("lame_duck_ms", stop->deadline_ms - now_ms));
	else
		LOG(EVENT_server_stopping, LOG_STR("how", steps[stop->how].word));
}

static void enter_step(struct stop *stop, enum stop_how how, bool is_logged, int64_t now_ms)
{
	enum stop_how before = stop->how;
	int64_t due_ms;

	if (how <= before)
		return;
	stop->how = how;
	cell_set(&stop->procs->board->server.stopping, 1);
	due_ms = set_deadline(stop, now_ms);
	publish_lame_duck(stop, now_ms);
	if (is_logged)
		log_step(stop, now_ms);
	if (before == STOP_NOT) {
		sd_notify_stopping(due_ms - now_ms + FAST_MS + KILL_MS);
		reload_abandon(stop->reload, now_ms);
	}
	if (how == STOP_LAME_DUCK)
		return;
	if (!stop->procs->is_stopping) {
		stop->procs->is_stopping = true;
		retire_last(stop->procs);
	}
	workers_signal(stop->procs, steps[how].signal);
	helpers_signal(stop->procs, steps[how].signal, now_ms);
}

static enum stop_how next_gentle(const struct stop *stop)
{
	if (stop->how == STOP_NOT)
		return find_lame_duck_ms(stop->procs) > 0 ? STOP_LAME_DUCK : STOP_GRACEFUL;
	return stop->how == STOP_LAME_DUCK ? STOP_GRACEFUL : STOP_FAST;
}

void stop_ask(struct stop *stop, enum signal_action action, int64_t now_ms)
{
	enum stop_how how = stop->how;

	if (action == SIGNAL_QUIT)
		how = next_gentle(stop);
	else
		how = how < STOP_FAST ? STOP_FAST : STOP_KILL;
	enter_step(stop, how, true, now_ms);
}

void stop_gracefully(struct stop *stop, int64_t now_ms)
{
	enter_step(stop, STOP_GRACEFUL, true, now_ms);
}

void stop_failed_start(struct stop *stop, int64_t now_ms)
{
	enter_step(stop, STOP_KILL, false, now_ms);
}

void stop_step(struct stop *stop, int64_t now_ms)
{
	if (stop->deadline_ms == 0 || now_ms < stop->deadline_ms)
		return;
	if (stop->how == STOP_GRACEFUL)
		LOG(EVENT_shutdown_timed_out, LOG_NUM("workers", workers_alive(stop->procs)));
	enter_step(stop, stop->how + 1, true, now_ms);
}

bool stop_is_done(const struct stop *stop)
{
	return stop->how > STOP_LAME_DUCK && workers_alive(stop->procs) == 0 &&
	       helpers_alive(stop->procs) == 0 && stop->reload->trial.pid == 0 &&
	       stop->procs->closer == 0;
}
