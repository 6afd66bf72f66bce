/* SPDX-License-Identifier: MIT */
/*
 * Stops the server in steps, each of which only makes the last one faster. Must not wait: the loop
 * reaps.
 *
 *   NOT --TERM, QUIT--> GRACEFUL --again, or shutdown_timeout--> FAST --INT again, or 2 s--> KILL
 *   NOT, GRACEFUL --INT--> FAST
 */
#include "master/stop.h"

#include "base/log.h"
#include "base/sys.h"
#include "master/reload.h"
#include "master/sd_notify.h"

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

/* The longest time that any generation's connections were promised. */
static int64_t patience_ms(const struct server *server, int64_t now_ms)
{
	const struct procs *procs = &server->procs;
	int64_t latest_ms = now_ms;

	for (struct generation *g = procs_next(procs, NULL); g; g = procs_next(procs, g))
		if (generation_deadline_ms(g, now_ms) > latest_ms)
			latest_ms = generation_deadline_ms(g, now_ms);
	return latest_ms;
}

static void retire(struct server *server)
{
	struct generation *last = server->procs.starting ? server->procs.starting :
							   server->procs.current;

	if (!last)
		return;
	generation_close(last, NULL, true);
	/* The steps give the signals, and the time to be gone, to all generations at once. */
	workers_retire(&server->procs, last, 0, INT64_MAX);
}

static void begin(struct server *server, enum stop_how how)
{
	if (server->outcome.text[0] == '\0')
		LOG(EVENT_server_stopping, LOG_STR("how", steps[how].word));
	sd_notify_stopping();
	reload_abandon(server);
	retire(server);
}

static void enter(struct server *server, enum stop_how how, int64_t now_ms)
{
	enum stop_how before = server->stop.how;

	if (how <= before)
		return;
	server->stop.how = how;
	cell_set(&server->board->server.stopping, 1);
	if (how == STOP_GRACEFUL)
		server->stop.deadline_ms = patience_ms(server, now_ms);
	else
		server->stop.deadline_ms = how == STOP_FAST ? now_ms + FAST_MS : 0;
	atomic_store_explicit(&server->board->stop_due_ms,
			      how == STOP_KILL ? now_ms : server->stop.deadline_ms,
			      memory_order_relaxed);
	if (before == STOP_NOT)
		begin(server, how);
	else
		LOG(EVENT_server_stopping, LOG_STR("how", steps[how].word));
	workers_signal(&server->procs, steps[how].signal);
}

void stop_ask(struct server *server, enum signal_action action)
{
	enum stop_how how = server->stop.how;

	if (action == SIGNAL_QUIT)
		how = how == STOP_NOT ? STOP_GRACEFUL : STOP_FAST;
	else
		how = how < STOP_FAST ? STOP_FAST : STOP_KILL;
	enter(server, how, server->loop.now_ms);
}

void stop_fail(struct server *server, const struct err *err)
{
	if (server->stop.how != STOP_NOT)
		return;
	server->outcome = *err;
	if (!server->is_started) {
		enter(server, STOP_KILL, server->loop.now_ms);
		return;
	}
	LOG(EVENT_server_failed, LOG_STR("message", err->text));
	server->outcome.text[0] = '\0';
	enter(server, STOP_GRACEFUL, server->loop.now_ms);
}

void stop_step(struct server *server, int64_t now_ms)
{
	if (server->stop.deadline_ms == 0 || now_ms < server->stop.deadline_ms)
		return;
	if (server->stop.how == STOP_GRACEFUL)
		LOG(EVENT_shutdown_timed_out, LOG_NUM("workers", workers_alive(&server->procs)));
	enter(server, server->stop.how + 1, now_ms);
}

bool stop_is_done(const struct server *server)
{
	return server->stop.how != STOP_NOT && workers_alive(&server->procs) == 0 &&
	       server->reload.trial.pid == 0;
}
