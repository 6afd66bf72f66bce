/* SPDX-License-Identifier: MIT */
/*
 * Stops the server in steps, each of which is faster than the one before. Must not wait: the loop
 * reaps.
 *
 *   NOT --TERM, QUIT--> GRACEFUL --again, or shutdown_timeout--> FAST --INT again, or 2 s--> KILL
 *   NOT, GRACEFUL --INT--> FAST
 */
#include "master/stop.h"

#include "base/log.h"
#include "base/sys.h"
#include "master/helper/helpers.h"
#include "master/workers.h"
#include "net/sd_notify.h"

enum { FAST_MS = 2000 };

static const struct {
	const char *word;
	int signal;
} steps[] = {
	[STOP_NOT] = { "not", 0 },
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

static void set_deadline(struct stop *stop, int64_t now_ms)
{
	if (stop->how == STOP_GRACEFUL)
		stop->deadline_ms = find_deadline_ms(stop->procs, now_ms);
	else
		stop->deadline_ms = stop->how == STOP_FAST ? now_ms + FAST_MS : 0;
	atomic_store_explicit(&stop->procs->board->stop_due_ms,
			      stop->how == STOP_KILL ? now_ms : stop->deadline_ms,
			      memory_order_relaxed);
}

static void enter_step(struct stop *stop, enum stop_how how, bool is_logged, int64_t now_ms)
{
	enum stop_how before = stop->how;

	if (how <= before)
		return;
	stop->how = how;
	cell_set(&stop->procs->board->server.stopping, 1);
	set_deadline(stop, now_ms);
	if (is_logged)
		LOG(EVENT_server_stopping, LOG_STR("how", steps[how].word));
	if (before == STOP_NOT) {
		sd_notify_stopping();
		stop->procs->is_stopping = true;
		reload_abandon(stop->reload, now_ms);
		retire_last(stop->procs);
	}
	workers_signal(stop->procs, steps[how].signal);
	helpers_signal(stop->procs, steps[how].signal, now_ms);
}

void stop_ask(struct stop *stop, enum signal_action action, int64_t now_ms)
{
	enum stop_how how = stop->how;

	if (action == SIGNAL_QUIT)
		how = how == STOP_NOT ? STOP_GRACEFUL : STOP_FAST;
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
	return stop->how != STOP_NOT && workers_alive(stop->procs) == 0 &&
	       helpers_alive(stop->procs) == 0 && stop->reload->trial.pid == 0 &&
	       stop->procs->closer == 0;
}
