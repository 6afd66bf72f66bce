/* SPDX-License-Identifier: MIT */
/*
 * The master's loop: what is looked at in which order. Must not know how anything is done: the
 * files of the nouns do.
 */
#include "master/master.h"

#include <limits.h>

#include "base/clock.h"
#include "base/log.h"
#include "master/daemon.h"
#include "master/reload.h"
#include "master/reopen.h"
#include "master/sd_notify.h"
#include "master/server.h"
#include "master/signal_actions.h"
#include "master/start.h"
#include "master/stop.h"

static int wait_ms(const struct server *server)
{
	int64_t due_ms = INT64_MAX, wait;

	if (server->stop.deadline_ms > 0)
		due_ms = server->stop.deadline_ms;
	due_ms = start_due_ms(server, due_ms);
	due_ms = workers_due_ms(&server->procs, due_ms);
	due_ms = watchdog_due_ms(&server->watchdog, &server->procs, due_ms);
	due_ms = recycle_due_ms(&server->recycle, &server->procs, due_ms);
	due_ms = reload_due_ms(server, due_ms);
	due_ms = reopen_due_ms(server, due_ms);
	due_ms = sampler_due_ms(&server->sampler, &server->procs, due_ms);
	due_ms = sd_notify_due_ms(server, due_ms);
	due_ms = log_due_ms(due_ms);
	if (due_ms == INT64_MAX)
		return -1;
	wait = due_ms - clock_ms();
	if (wait < 0)
		return 0;
	return wait < INT_MAX ? (int)wait : INT_MAX;
}

/* Workers that have died are noted before anything is decided, and started last of all. */
static void take_turn(struct server *server)
{
	struct procs *procs = &server->procs;
	int64_t now_ms = server->loop.now_ms;

	workers_reap(procs, now_ms);
	workers_look(procs);
	if (procs->fatal.text[0] != '\0')
		stop_fail(server, &procs->fatal);
	start_step(server, now_ms);
	signal_actions_run(server);
	reload_step(server, now_ms);
	reopen_step(server, now_ms);
	stop_step(server, now_ms);
	recycle_step(&server->recycle, procs, now_ms);
	if (watchdog_due_ms(&server->watchdog, procs, INT64_MAX) <= now_ms)
		watchdog_look(&server->watchdog, procs, now_ms);
	workers_kill_due(procs, now_ms);
	workers_start_due(procs, now_ms);
	workers_sweep(procs);
	sampler_step(&server->sampler, procs, now_ms);
	sd_notify_step(server, now_ms);
	log_settle(now_ms);
}

static void run(struct server *server)
{
	bool turned;

	while (!stop_is_done(server)) {
		turned = loop_turn(&server->loop, wait_ms(server));
		BUG_ON(!turned);
		take_turn(server);
	}
	if (server->outcome.text[0] == '\0')
		LOG(EVENT_server_stopped,
		    LOG_NUM("connections_accepted",
			    scoreboard_sum(server->board, METRIC_connections_accepted_total)),
		    LOG_NUM("connections_ended",
			    scoreboard_sum(server->board, METRIC_connections_ended_total)));
}

/* A starter that still waits is told; main must not tell it a second time. */
static void tell_starter(struct server *server, struct err *err)
{
	if (server->report_fd < 0)
		return;
	if (err->code == CODE_OK)
		err_set(err, CODE_FAILED, "the server was told to stop before it was ready");
	daemon_report(&server->report_fd, err);
	err->text[0] = '\0';
}

static void serve(struct server *server, struct conf *conf, const struct prestart_found *found,
		  struct err *err)
{
	if (server->options->daemon) {
		if (!daemon_start(&server->report_fd, err)) {
			conf_free(conf);
			start_undo(server);
			return;
		}
		log_role("master", -1);
	}
	if (start_take(server, conf, found, err)) {
		run(server);
		*err = server->outcome;
	}
	start_undo(server);
	tell_starter(server, err);
}

enum exit_code master_run(const struct master_options *asked, struct conf *conf,
			  const struct prestart_found *found, struct err *err)
{
	struct server server;

	*err = (struct err){ .code = CODE_OK };
	start_empty(&server, asked);
	serve(&server, conf, found, err);
	return err->code;
}
