/* SPDX-License-Identifier: MIT */
/* Reads the signals. A stop is begun at once, the rest when the turn comes to it. Must not reap. */
#include "master/signal_actions.h"

#include <stdio.h>

#include "base/log.h"
#include "master/reload.h"
#include "master/reopen.h"
#include "master/stop.h"

/* Once: who sends it does so again, as a timer of the starter's does (setitimer(2)). */
static void report_signal(const struct server *server, int number, int32_t sender)
{
	char name[SIGNAL_TEXT];

	LOG(EVENT_signal_ignored, LOG_STR("signal", signals_name(number, name)),
	    LOG_NUM("sender_pid", sender));
	signals_ignore(server->signals.fd, number);
}

static enum signal_action ask_master(int number)
{
	const struct signal_row *row = signals_find(number);

	return row ? row->master : SIGNAL_REPORT;
}

void signal_actions_read(void *owner)
{
	struct server *server = owner;
	int32_t sender;
	int number;

	while ((number = signals_next(server->signals.fd, &sender)) > 0) {
		enum signal_action action = ask_master(number);

		if (action == SIGNAL_QUIT || action == SIGNAL_STOP)
			stop_ask(server, action);
		else if (action == SIGNAL_REPORT)
			report_signal(server, number, sender);
		else
			server->heard[action]++;
	}
}

/*
 * The generation stays the current one, without workers: its listening sockets keep the clients
 * queued.
 */
static void retire(struct server *server)
{
	struct generation *generation = server->procs.current;

	if (!generation || generation->wanted == 0)
		return;
	LOG(EVENT_workers_retired, LOG_NUM("workers", generation->wanted));
	generation->wanted = 0;
	workers_trim(generation, server->loop.now_ms);
}

/* Why the number of workers stays as it is at this time, or else why_not. */
static const char *explain_refusal(const struct server *server, const char *why_not)
{
	if (server->stop.how != STOP_NOT)
		return "the server is stopping";
	return server->is_started ? why_not : "the server is still starting";
}

static void say_change(const struct server *server, bool is_done, const char *what,
		       const char *why_not)
{
	char message[128];

	snprintf(message, sizeof(message), "%s: %s", what, explain_refusal(server, why_not));
	if (is_done)
		LOG(EVENT_workers_changed, LOG_NUM("workers", server->procs.current->wanted));
	else
		LOG(EVENT_environment_warned, LOG_STR("message", message));
}

static void more_workers(struct server *server)
{
	say_change(server, workers_more(&server->procs, server->loop.now_ms), "no worker was added",
		   "there is no room for one more until a reload");
}

static void less_workers(struct server *server)
{
	const struct generation *generation = server->procs.current;
	bool is_empty = generation && generation->wanted == 0;

	say_change(
		server, workers_less(&server->procs, server->loop.now_ms), "no worker was retired",
		is_empty ? "all are retired already (HUP starts them again)" : "one has to stay");
}

static const struct {
	enum signal_action action;
	void (*obey)(struct server *server);
} orders[] = {
	{ SIGNAL_REOPEN, reopen_ask },         { SIGNAL_RETIRE, retire },
	{ SIGNAL_MORE_WORKERS, more_workers }, { SIGNAL_LESS_WORKERS, less_workers },
	{ SIGNAL_RELOAD, reload_ask },
};

void signal_actions_run(struct server *server)
{
	for (size_t i = 0; i < sizeof(orders) / sizeof(*orders); i++)
		for (; server->heard[orders[i].action] > 0; server->heard[orders[i].action]--)
			orders[i].obey(server);
}
