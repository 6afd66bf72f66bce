/* SPDX-License-Identifier: MIT */
/*
 * The master's loop: the order of the steps, the action of each signal, and the report of the
 * start. Must not do the work itself: that is in the files named after its objects.
 */
#include "master/master.h"

#include <limits.h>
#include <signal.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "master/daemon.h"
#include "master/enlist.h"
#include "master/program/copies.h"
#include "master/program/programs.h"
#include "master/program/socket_state.h"
#include "master/start.h"
#include "master/workers.h"
#include "stats/tally.h"

/* A signal without an action is logged once: a timer may send it again (setitimer(2)). */
static void report_signal(const struct server *server, int number, int32_t sender)
{
	char name[SIGNAL_TEXT];

	LOG(EVENT_signal_ignored, LOG_STR("signal", signals_name(number, name)),
	    LOG_NUM("sender_pid", sender));
	signals_ignore(server->signals.fd, number);
}

/* A stop begins at once; the other actions wait for their step of the turn. */
static void read_signals(void *owner)
{
	struct server *server = owner;
	struct signal_sender sender;
	int number;

	while ((number = signals_next(server->signals.fd, &sender)) > 0) {
		const struct signal_row *row = signals_find(number);
		enum signal_action action = row ? row->master : SIGNAL_REPORT;

		if (number == SIGNAL_SERVER_DRAIN)
			enlist_drain_server(server->procs.board, sender.value);
		else if (action == SIGNAL_QUIT || action == SIGNAL_STOP)
			stop_ask(&server->stop, action, server->loop.now_ms);
		else if (action == SIGNAL_REPORT)
			report_signal(server, number, sender.pid);
		else
			server->asked[action]++;
	}
}

/* When copies of programs that are told to end now are killed. */
static int64_t find_kill_ms(const struct server *server, const struct generation *generation)
{
	return server->loop.now_ms + generation->conf->shutdown_timeout;
}

/* The generation stays current, without workers: its sockets keep the clients queued. */
static void retire_workers(struct server *server)
{
	struct generation *generation = server->procs.current;

	if (!generation || generation->wanted + programs_wanted(generation->programs) == 0)
		return;
	LOG(EVENT_workers_retired, LOG_NUM("workers", generation->wanted),
	    LOG_NUM("copies", programs_wanted(generation->programs)));
	programs_retire(generation->programs);
	generation->wanted = 0;
	workers_trim(generation, server->loop.now_ms);
}

/* Returns why the number of workers stays as it is at this time, or else why_not. */
static const char *explain_refusal(const struct server *server, const char *why_not)
{
	if (server->stop.how > STOP_LAME_DUCK)
		return "the server is stopping";
	return server->is_started ? why_not : "the server is still starting";
}

static void log_change(const struct server *server, bool is_done, const char *what,
		       const char *why_not)
{
	char message[128];

	snprintf(message, sizeof(message), "%s: %s", what, explain_refusal(server, why_not));
	if (is_done)
		LOG(EVENT_workers_changed, LOG_NUM("workers", server->procs.current->wanted));
	else
		LOG(EVENT_environment_warned, LOG_STR("message", message));
}

static void log_copies(const struct server *server)
{
	LOG(EVENT_programs_changed,
	    LOG_NUM("copies", programs_wanted(server->procs.current->programs)));
}

/* Where programs have all listeners there are no workers, and none are added. */
static bool has_workers(const struct server *server)
{
	const struct generation *current = server->procs.current;

	return !current || !current->programs || current->served.count > 0;
}

static void add_worker(struct server *server)
{
	if (server->procs.current &&
	    programs_more(server->procs.current->programs, server->loop.now_ms))
		log_copies(server);
	if (has_workers(server))
		log_change(server, workers_more(&server->procs, server->loop.now_ms),
			   "no worker was added", "there is no room for one more until a reload");
}

static void remove_worker(struct server *server)
{
	const struct generation *generation = server->procs.current;
	bool is_empty = generation && generation->wanted == 0;

	if (generation && programs_less(generation->programs, find_kill_ms(server, generation)))
		log_copies(server);
	if (!has_workers(server))
		return;
	log_change(
		server, workers_less(&server->procs, server->loop.now_ms), "no worker was retired",
		is_empty ? "all are retired already (HUP starts them again)" : "one has to stay");
}

/* Repeats each action as often as its signal came. */
static void run_signal_actions(struct server *server)
{
	unsigned *asked = server->asked;

	for (; asked[SIGNAL_REOPEN] > 0; asked[SIGNAL_REOPEN]--)
		reopen_ask(&server->reopen, &server->procs);
	for (; asked[SIGNAL_RETIRE] > 0; asked[SIGNAL_RETIRE]--)
		retire_workers(server);
	for (; asked[SIGNAL_MORE_WORKERS] > 0; asked[SIGNAL_MORE_WORKERS]--)
		add_worker(server);
	for (; asked[SIGNAL_LESS_WORKERS] > 0; asked[SIGNAL_LESS_WORKERS]--)
		remove_worker(server);
	for (; asked[SIGNAL_RELOAD] > 0; asked[SIGNAL_RELOAD]--)
		reload_ask(&server->reload, server->loop.now_ms);
}

/* A start that fails is ended at once, and master_run returns err. */
static void end_server(struct server *server, const struct err *err)
{
	if (server->stop.how > STOP_LAME_DUCK)
		return;
	server->outcome = *err;
	if (!server->is_started) {
		stop_failed_start(&server->stop, server->loop.now_ms);
		return;
	}
	LOG(EVENT_server_failed, LOG_STR("message", err->text));
	server->outcome.text[0] = '\0';
	stop_gracefully(&server->stop, server->loop.now_ms);
}

static void announce_start(struct server *server)
{
	const struct generation *first = server->procs.current;
	struct err served = { .code = CODE_OK };

	LOG(EVENT_server_started, LOG_NUM("workers", first->wanted),
	    LOG_STR("configuration", first->conf->origin));
	if (!server->is_quiet && !server->is_daemon)
		announce_greeting(first);
	sd_notify_ready();
	announce_ready(&server->ready, &server->loop, first->listeners);
	daemon_report(&server->report_fd, &served);
}

static void go_on_starting(struct server *server, int64_t now_ms)
{
	struct err err = { 0 };
	enum start_progress progress = start_step(server, now_ms, &err);

	if (progress == START_FAILED)
		end_server(server, &err);
	if (progress != START_DONE)
		return;
	sampler_step(&server->sampler, &server->procs, now_ms);
	announce_start(server);
}

static const char *describe_state(const struct server *server)
{
	if (server->stop.how > STOP_LAME_DUCK)
		return "stopping";
	if (server->stop.how == STOP_LAME_DUCK)
		return "lame_duck";
	if (!server->is_started)
		return "starting";
	if (server->reload.phase != RELOAD_IDLE)
		return "reloading";
	return server->procs.current->wanted + programs_wanted(server->procs.current->programs) >
			       0 ?
		       "serving" :
		       "workers retired";
}

static int find_wait_ms(const struct server *server)
{
	int64_t due_ms = INT64_MAX, wait;

	if (server->stop.deadline_ms > 0)
		due_ms = server->stop.deadline_ms;
	due_ms = start_due_ms(server, due_ms);
	due_ms = workers_due_ms(&server->procs, due_ms);
	due_ms = watchdog_due_ms(&server->watchdog, &server->procs, due_ms);
	if (server->procs.current)
		due_ms =
			ticket_memory_due_ms(&server->tickets, server->procs.current->conf, due_ms);
	due_ms = recycle_due_ms(&server->recycle, &server->procs, due_ms);
	due_ms = reload_due_ms(&server->reload, due_ms);
	due_ms = reopen_due_ms(&server->reopen, due_ms);
	due_ms = sampler_due_ms(&server->sampler, &server->procs, due_ms);
	due_ms = sd_notify_due_ms(&server->notified, due_ms);
	due_ms = log_due_ms(due_ms);
	if (due_ms == INT64_MAX)
		return -1;
	wait = due_ms - clock_ms();
	if (wait < 0)
		return 0;
	return wait < INT_MAX ? (int)wait : INT_MAX;
}

/* Dead workers are noted before any decision, and workers are started last. */
static void take_turn(struct server *server)
{
	struct procs *procs = &server->procs;
	int64_t now_ms = server->loop.now_ms;

	workers_reap(procs, now_ms);
	workers_look(procs);
	copies_look(procs, now_ms);
	socket_state_take_back(procs);
	if (procs->fatal.text[0] != '\0')
		end_server(server, &procs->fatal);
	go_on_starting(server, now_ms);
	run_signal_actions(server);
	reload_step(&server->reload, now_ms);
	reopen_step(&server->reopen, procs, now_ms);
	stop_step(&server->stop, now_ms);
	recycle_step(&server->recycle, procs, now_ms);
	if (procs->current)
		ticket_memory_step(&server->tickets, procs->current->conf, now_ms);
	if (watchdog_due_ms(&server->watchdog, procs, INT64_MAX) <= now_ms)
		watchdog_look(&server->watchdog, procs, now_ms);
	workers_kill_due(procs, now_ms);
	workers_start_due(procs, now_ms);
	workers_sweep(procs);
	sampler_step(&server->sampler, procs, now_ms);
	sd_notify_step(&server->notified, describe_state(server), workers_alive(procs), now_ms);
	log_settle(now_ms);
}

static void run_loop(struct server *server)
{
	bool turned;

	while (!stop_is_done(&server->stop)) {
		turned = loop_turn(&server->loop, find_wait_ms(server));
		BUG_ON(!turned);
		take_turn(server);
	}
	if (server->outcome.text[0] == '\0')
		LOG(EVENT_server_stopped,
		    LOG_NUM("connections_accepted",
			    tally_sum(server->board, METRIC_connections_accepted_total)),
		    LOG_NUM("connections_ended",
			    tally_sum(server->board, METRIC_connections_ended_total)));
}

/* Reports to a starter that still waits; main must not print the same message. */
static void report_to_starter(struct server *server, struct err *err)
{
	if (server->report_fd < 0)
		return;
	if (err->code == CODE_OK)
		err_set(err, CODE_FAILED, "the server was told to stop before it was ready");
	daemon_report(&server->report_fd, err);
	err->text[0] = '\0';
}

static void run_server(struct server *server, struct conf *conf, const struct prestart_found *found,
		       struct err *err)
{
	if (server->is_daemon) {
		if (!daemon_start(&server->report_fd, err)) {
			conf_free(conf);
			start_undo(server);
			return;
		}
		log_role("master", -1);
	}
	if (start_take(server, conf, found, err)) {
		run_loop(server);
		*err = server->outcome;
	}
	start_undo(server);
	report_to_starter(server, err);
}

static void handle_signals(void *owner, uint32_t events)
{
	(void)events;
	read_signals(owner);
}

static void handle_bells(void *owner, uint32_t events)
{
	const struct server *server = owner;

	(void)events;
	workers_clear_bells(&server->procs);
}

static bool note_exit_of_trial(void *owner, pid_t pid, int status)
{
	struct server *server = owner;

	return config_trial_reap(&server->reload.trial, pid, status);
}

static bool is_trial(const void *owner, pid_t pid)
{
	const struct server *server = owner;

	return server->reload.trial.pid == pid;
}

enum exit_code master_run(const struct master_options *asked, struct conf *conf,
			  const struct prestart_found *found, struct err *err)
{
	struct server server;

	*err = (struct err){ .code = CODE_OK };
	start_empty(&server, &asked->source, asked->ready_fd);
	server.is_daemon = asked->daemon;
	server.is_quiet = asked->quiet;
	server.signals = (struct watch){ .fd = -1, .ready = handle_signals, .owner = &server };
	server.bells = (struct watch){ .fd = -1, .ready = handle_bells, .owner = &server };
	server.procs.other = note_exit_of_trial;
	server.procs.is_other = is_trial;
	server.procs.read_signals = read_signals;
	server.procs.owner = &server;
	run_server(&server, conf, found, err);
	return err->code;
}
