/* SPDX-License-Identifier: MIT */
/*
 * The steps of a reload and the way back from each. Must not wait: every step ends when the loop
 * sees a child's death, a worker's bell or a deadline.
 *
 *   IDLE --HUP--> TRYING --passed, sockets open, workers forked--> STARTING
 *   STARTING --all ready, the old ones told to leave--> HANDING --none of them accepts--> IDLE
 */
#include "master/reload.h"

#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/sys.h"
#include "master/announce.h"
#include "master/prestart.h"
#include "master/sd_notify.h"
#include "net/unix_path.h"
#include "stats/deed.h"

enum { LOCKS_MOST_MS = 20 };    /* that other servers may hold the folders of unix sockets */
enum { HANDING_MOST_MS = 500 }; /* an old worker that hangs must not hold up the outcome */

/* Lets go of a new generation that never became the current one. */
static void drop_starting(struct server *server)
{
	struct procs *procs = &server->procs;
	struct generation *failed = procs->starting;
	int64_t now_ms = server->loop.now_ms;

	if (!failed)
		return;
	generation_close(failed, procs->current->listeners, true);
	/* Those that were ready may have accepted already. */
	workers_retire(procs, failed, SIGQUIT, generation_deadline_ms(failed, now_ms));
}

/* Tells whoever waits, and counts. failure: why it failed, or NULL. */
static void conclude(struct scoreboard *board, const char *failure, int64_t took_ms,
		     unsigned workers)
{
	struct server_tally *tally = &board->server;

	cell_add(failure ? &tally->reloads_failed_total : &tally->reloads_total, 1);
	cell_set(&tally->last_reload_succeeded, !failure);
	cell_set(&tally->last_reload_time_seconds, (uint64_t)time(NULL));
	scoreboard_mark(board, failure ? MARK_RELOAD_FAILED : MARK_RELOAD, 0);
	scoreboard_end_request(&board->reload, failure, took_ms, workers);
}

static void fail(struct server *server, const char *message)
{
	struct reload *reload = &server->reload;

	config_trial_abandon(&reload->trial);
	drop_starting(server);
	reload->phase = RELOAD_IDLE;
	LOG(EVENT_reload_failed, LOG_STR("message", message));
	conclude(server->board, message, clock_ms() - reload->begun_ms,
		 server->procs.current->wanted);
}

static void begin(struct server *server)
{
	struct reload *reload = &server->reload;
	struct err err = { 0 };

	reload->phase = RELOAD_TRYING;
	reload->again = false;
	reload->begun_ms = clock_ms();
	scoreboard_begin_request(&server->board->reload);
	LOG(EVENT_reload_started);
	sd_notify_reloading();
	if (config_trial_start(&reload->trial, &server->source, server->procs.current->conf,
			       reload->begun_ms, &err))
		return;
	fail(server, err.text);
	sd_notify_ready();
}

static const char stopping[] = "the server was told to stop";

static void refuse(struct server *server)
{
	scoreboard_begin_request(&server->board->reload);
	conclude(server->board, stopping, 0, 0);
}

void reload_ask(struct server *server)
{
	if (server->stop.how != STOP_NOT)
		refuse(server);
	else if (server->reload.phase == RELOAD_IDLE && server->is_started)
		begin(server);
	else
		server->reload.again = true;
}

/* Reads the files, which are near; whatever has to be asked for, the trial has asked for. */
static struct generation *make(struct server *server, struct conf *conf, struct err *err)
{
	const struct generation *now = server->procs.current;
	unsigned workers = conf_workers(conf);
	const struct listener_addresses *resolved;
	const struct identity *identity;
	struct generation *generation;
	struct listener_set *listeners;

	if (!config_trial_found(&server->reload.trial, conf, &identity, &resolved, err) ||
	    !conf_can_reload(now->conf, conf, err))
		return NULL;
	prestart_raise(conf, listener_count_sockets(conf, resolved, workers),
		       workers + GENERATION_SPARE);
	unix_path_limit_wait(LOCKS_MOST_MS);
	listeners = listener_open_all(conf, now->listeners, workers, resolved, err);
	if (!listeners)
		return NULL;
	generation = generation_new(conf, identity, listeners, workers, err);
	if (!generation)
		listener_close_all(listeners, now->listeners, true);
	return generation;
}

static bool start(struct server *server, struct err *err)
{
	struct procs *procs = &server->procs;
	struct conf *conf = prestart_load(&server->source, err);
	struct generation *generation;

	if (!conf)
		return false;
	generation = make(server, conf, err);
	if (!generation) {
		conf_free(conf);
		return false;
	}
	if (!workers_begin(procs, generation, server->loop.now_ms, err)) {
		generation_close(generation, procs->current->listeners, true);
		generation_free(generation);
		return false;
	}
	config_trial_abandon(&server->reload.trial);
	server->reload.phase = RELOAD_STARTING;
	server->reload.deadline_ms = server->loop.now_ms + SERVER_READY_MS;
	return true;
}

static void adopt_log(const struct generation *old, const struct generation *fresh)
{
	struct err err;

	if (!prestart_same_log(old->conf, &old->identity, fresh->conf, &fresh->identity) &&
	    !prestart_log(fresh->conf, &fresh->identity, &err))
		LOG(EVENT_log_reopen_failed, LOG_STR("message", err.text));
}

/* The new configuration is in force; it is said to be once no old worker accepts any more. */
static void hand_over(struct server *server)
{
	struct procs *procs = &server->procs;
	struct reload *reload = &server->reload;
	struct generation *old = workers_promote(procs);
	const struct generation *fresh = procs->current;

	reload->took_ms = clock_ms() - reload->begun_ms;
	reload->phase = RELOAD_HANDING;
	reload->deadline_ms = server->loop.now_ms + HANDING_MOST_MS;
	adopt_log(old, fresh);
	umask((mode_t)fresh->conf->umask);
	listener_apply(fresh->listeners);
	announce_listeners(fresh->listeners, old->listeners);
	generation_close(old, fresh->listeners, true);
	workers_retire(procs, old, SIGQUIT, generation_deadline_ms(old, server->loop.now_ms));
	announce_conf(server->board, fresh->conf);
}

static void finish(struct server *server)
{
	struct reload *reload = &server->reload;
	const struct generation *fresh = server->procs.current;

	reload->phase = RELOAD_IDLE;
	LOG(EVENT_reload_finished, LOG_NUM("workers", fresh->wanted),
	    LOG_NUM("took_ms", reload->took_ms), LOG_NUM("generation", fresh->id));
	conclude(server->board, NULL, reload->took_ms, fresh->wanted);
}

/* True once all new workers are ready; err->text tells when they never will be. */
static bool have_started(const struct reload *reload, const struct generation *fresh,
			 int64_t now_ms, struct err *err)
{
	if (fresh->failure.text[0] != '\0')
		*err = fresh->failure;
	else if (generation_count(fresh, member_is_ready) == fresh->wanted)
		return true;
	else if (now_ms >= reload->deadline_ms)
		err_set(err, CODE_OSERR, "%u of %u new workers were ready within %d s",
			generation_count(fresh, member_is_ready), fresh->wanted,
			SERVER_READY_MS / 1000);
	return false;
}

/* Brings the reload to its end when it is there; false while it goes on. */
static bool settle(struct server *server, int64_t now_ms)
{
	struct reload *reload = &server->reload;
	struct err err = { 0 };

	if (reload->phase == RELOAD_TRYING) {
		config_trial_expire(&reload->trial, now_ms);
		if (!config_trial_has_ended(&reload->trial) ||
		    (config_trial_passed(&reload->trial, &err) && start(server, &err)))
			return false;
	} else if (reload->phase == RELOAD_STARTING) {
		if (have_started(reload, server->procs.starting, now_ms, &err))
			hand_over(server);
		if (err.text[0] == '\0')
			return false;
	} else if (workers_has_acceptor(&server->procs) && now_ms < reload->deadline_ms) {
		return false;
	} else {
		finish(server);
		return true;
	}
	fail(server, err.text);
	return true;
}

void reload_step(struct server *server, int64_t now_ms)
{
	if (server->reload.phase == RELOAD_IDLE) {
		if (server->reload.again && server->is_started)
			begin(server);
		return;
	}
	if (!settle(server, now_ms))
		return;
	if (server->reload.again)
		begin(server);
	else
		sd_notify_ready();
}

void reload_abandon(struct server *server)
{
	if (server->reload.phase == RELOAD_HANDING)
		finish(server);
	else if (server->reload.phase != RELOAD_IDLE)
		fail(server, stopping);
	if (server->reload.again)
		refuse(server);
	server->reload.again = false;
}

int64_t reload_due_ms(const struct server *server, int64_t otherwise_ms)
{
	const struct reload *reload = &server->reload;
	int64_t due_ms = otherwise_ms;

	if (reload->phase == RELOAD_TRYING && !reload->trial.late)
		due_ms = reload->trial.kill_ms;
	else if (reload->phase == RELOAD_STARTING || reload->phase == RELOAD_HANDING)
		due_ms = reload->deadline_ms;
	return due_ms < otherwise_ms ? due_ms : otherwise_ms;
}
