/* SPDX-License-Identifier: MIT */
/*
 * The steps of a reload and their undoing. Must not wait: every step ends when the loop
 * sees a child's death, a worker's bell or a deadline.
 *
 *   IDLE --HUP--> TRYING --passed, sockets open, workers forked--> STARTING
 *   STARTING --all ready, the old ones told to leave--> HANDING
 *   HANDING --none of them accepts--> MOVING --none of them moves connections--> IDLE
 */
#include "master/reload.h"

#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/sys.h"
#include "config/conf_limit.h"
#include "master/announce.h"
#include "master/program/programs.h"
#include "master/trial/prestart.h"
#include "master/trial/prestart_files.h"
#include "master/trial/prestart_tls.h"
#include "master/workers.h"
#include "net/sd_notify.h"
#include "net/unix_path.h"
#include "stats/scoreboard.h"
#include "stats/tally.h"

/* Retires a new generation that never became the current one. */
static void drop_starting(struct procs *procs, int64_t now_ms)
{
	struct generation *failed = procs->starting;

	if (!failed)
		return;
	generation_close(failed, procs->current->listeners, true);
	/* Workers that were ready may have accepted already. */
	workers_retire(procs, failed, generation_retire_signal(procs->current->conf),
		       generation_deadline_ms(failed, now_ms));
}

/* Reports to the process that waits, and counts. failure: why it failed, or NULL. */
static void publish_outcome(struct scoreboard *board, const char *failure, int64_t took_ms,
			    unsigned workers, unsigned moved, unsigned staying)
{
	struct server_tally *tally = &board->server;

	cell_add(failure ? &tally->reloads_failed_total : &tally->reloads_total, 1);
	cell_set(&tally->last_reload_succeeded, !failure);
	cell_set(&tally->last_reload_time_seconds, (uint64_t)time(NULL));
	scoreboard_mark(board, failure ? MARK_RELOAD_FAILED : MARK_RELOAD, 0);
	scoreboard_end_request(&board->reload, failure, took_ms, workers, moved, staying);
}

static void end_failed(struct reload *reload, const char *message, int64_t now_ms)
{
	config_trial_abandon(&reload->trial);
	drop_starting(reload->procs, now_ms);
	reload->phase = RELOAD_IDLE;
	LOG(EVENT_reload_failed, LOG_STR("message", message));
	publish_outcome(reload->procs->board, message, clock_ms() - reload->begun_ms,
			reload->procs->current->wanted, 0, 0);
}

static void begin_trial(struct reload *reload, int64_t now_ms)
{
	struct err err = { 0 };

	reload->phase = RELOAD_TRYING;
	reload->again = false;
	reload->begun_ms = clock_ms();
	scoreboard_begin_request(&reload->procs->board->reload);
	LOG(EVENT_reload_started);
	sd_notify_reloading();
	if (config_trial_start(&reload->trial, reload->source, reload->procs, reload->begun_ms,
			       &err))
		return;
	end_failed(reload, err.text, now_ms);
	sd_notify_ready();
}

static const char stopping[] = "the server was told to stop";

static void refuse_request(struct scoreboard *board)
{
	LOG(EVENT_reload_failed, LOG_STR("message", stopping));
	scoreboard_begin_request(&board->reload);
	publish_outcome(board, stopping, 0, 0, 0, 0);
}

void reload_ask(struct reload *reload, int64_t now_ms)
{
	if (reload->is_refused)
		refuse_request(reload->procs->board);
	else if (reload->phase == RELOAD_IDLE && reload->procs->current)
		begin_trial(reload, now_ms);
	else
		reload->again = true;
}

/* The memory of the limits is mapped once, for workers of the size of that time, and more. */
static bool has_limit_memory(const struct reload *reload, const struct conf *conf, struct err *err)
{
	const struct limit_memory *memory = reload->procs->limits;

	if (!conf_limit_any(conf) ||
	    (memory && limit_memory_fits(memory, conf->worker_connections, conf->listener_count)))
		return true;
	return err_set(err, CODE_CONFIG,
		       "%s: worker_connections: the limits of listeners have no memory to count "
		       "so many connections of a worker since the server started (restart it)",
		       conf_place(conf, "worker_connections"));
}

/* Reads local files only; the trial has made the look-ups that may wait. */
static struct generation *open_generation(const struct reload *reload, struct conf *conf,
					  struct err *err)
{
	const struct generation *now = reload->procs->current;
	unsigned workers = prestart_workers(conf);
	const struct listener_addresses *resolved;
	const struct identity *identity;
	struct generation *generation;
	struct listener_set *listeners;
	struct programs *programs;

	if (!config_trial_found(&reload->trial, conf, &identity, &resolved, err) ||
	    !conf_can_reload(now->conf, conf, err) || !has_limit_memory(reload, conf, err))
		return NULL;
	prestart_raise(conf, listener_count_sockets(conf, resolved, workers),
		       workers + GENERATION_SPARE);
	unix_path_limit_wait(RELOAD_LOCKS_MS);
	listeners = listener_open_all(conf, now->listeners, workers, resolved, err);
	if (!listeners)
		return NULL;
	if (!programs_new(conf, config_trial_programs(&reload->trial), listeners, &programs, err)) {
		listener_close_all(listeners, now->listeners, true);
		return NULL;
	}
	generation = generation_new(conf, identity, listeners, workers, now, err);
	if (generation) {
		generation->programs = programs;
		return generation;
	}
	programs_free(programs);
	listener_close_all(listeners, now->listeners, true);
	return NULL;
}

static struct generation *make_generation(const struct reload *reload, struct conf *conf,
					  struct err *err)
{
	const struct procs *procs = reload->procs;
	struct tls_sites *tls = ticket_memory_sites(procs->tickets, conf, err);
	struct generation *generation = NULL;

	if (tls && tls_sites_check_times(tls, procs->current->tls, time(NULL), err))
		generation = open_generation(reload, conf, err);

	if (generation)
		generation->tls = tls;
	else
		tls_sites_free(tls);
	return generation;
}

static bool start_generation(struct reload *reload, int64_t now_ms, struct err *err)
{
	struct procs *procs = reload->procs;
	struct conf *conf = prestart_load(reload->source, err);
	struct generation *generation;

	if (!conf)
		return false;
	generation = make_generation(reload, conf, err);
	if (!generation) {
		conf_free(conf);
		return false;
	}
	if (!modules_take(&generation->modules, conf, config_trial_facts(&reload->trial),
			  &procs->current->modules, err) ||
	    !workers_begin(procs, generation, now_ms, err)) {
		generation_close(generation, procs->current->listeners, true);
		generation_free(generation);
		return false;
	}
	config_trial_abandon(&reload->trial);
	reload->phase = RELOAD_STARTING;
	reload->deadline_ms = now_ms + generation_ready_ms(generation);
	/* a program's ready_timeout may be longer than RELOAD_READY_MS */
	scoreboard_delay_request(&procs->board->reload,
				 reload->deadline_ms - RELOAD_READY_MS + RELOAD_REQUEST_MS);
	return true;
}

static void adopt_log(const struct generation *old, const struct generation *fresh)
{
	struct err err;

	if (!prestart_same_log(old->conf, &old->identity, fresh->conf, &fresh->identity) &&
	    !prestart_log(fresh->conf, &fresh->identity, &err))
		LOG(EVENT_log_reopen_failed, LOG_STR("message", err.text));
}

/* Connections that have moved because of a reload, since the server started. */
static uint64_t count_moved(const struct scoreboard *board)
{
	struct worker_tally tally;

	tally_total(board, &tally);
	return cell_get(&tally.connections_moved_out_total[MOVE_reload]);
}

/* The new configuration is in force; the reload ends once no old worker accepts any more. */
static void hand_over(struct reload *reload, int64_t now_ms)
{
	struct procs *procs = reload->procs;
	struct generation *old = workers_promote(procs);
	const struct generation *fresh = procs->current;

	reload->phase = RELOAD_HANDING;
	reload->deadline_ms = now_ms + RELOAD_HANDING_MS;
	adopt_log(old, fresh);
	umask((mode_t)fresh->conf->umask);
	listener_apply(fresh->listeners);
	prestart_warn_of_tls(fresh->tls);
	announce_listeners(fresh->listeners, old->listeners);
	generation_close(old, fresh->listeners, true);
	reload->moved_before = count_moved(procs->board);
	workers_retire(procs, old, generation_retire_signal(fresh->conf),
		       generation_deadline_ms(old, now_ms));
	announce_conf(procs->board, fresh->conf);
}

static void end_well(struct reload *reload)
{
	const struct procs *procs = reload->procs;
	const struct generation *fresh = procs->current;
	int64_t took_ms = clock_ms() - reload->begun_ms;
	unsigned moved = (unsigned)(count_moved(procs->board) - reload->moved_before);
	unsigned staying = workers_retiring_live(procs);

	reload->phase = RELOAD_IDLE;
	LOG(EVENT_reload_finished, LOG_NUM("workers", fresh->wanted), LOG_NUM("took_ms", took_ms),
	    LOG_NUM("moved", moved), LOG_NUM("staying", staying), LOG_NUM("generation", fresh->id));
	publish_outcome(procs->board, NULL, took_ms, fresh->wanted, moved, staying);
}

/*
 * True while an old worker moves connections, or is to take over from one that did. One that still
 * accepts has stopped turning, and had its time.
 */
static bool is_moving(const struct procs *procs)
{
	return workers_has_retiring(procs, SLOT_MOVING, SLOT_MOVING) ||
	       workers_has_retiring(procs, SLOT_STARTING, SLOT_STARTING);
}

static bool has_moved(struct reload *reload, int64_t now_ms)
{
	if (now_ms < reload->deadline_ms && is_moving(reload->procs))
		return false;
	end_well(reload);
	return true;
}

/* Takes one step of the reload; returns true when the reload has ended. */
static bool has_ended(struct reload *reload, int64_t now_ms)
{
	struct err err = { 0 };

	if (reload->phase == RELOAD_TRYING) {
		config_trial_expire(&reload->trial, now_ms);
		if (!config_trial_has_ended(&reload->trial) ||
		    (config_trial_passed(&reload->trial, &err) &&
		     start_generation(reload, now_ms, &err)))
			return false;
	} else if (reload->phase == RELOAD_STARTING) {
		if (generation_has_started(reload->procs->starting, "new ", now_ms,
					   reload->deadline_ms, &err))
			hand_over(reload, now_ms);
		if (err.text[0] == '\0')
			return false;
	} else if (reload->phase == RELOAD_HANDING) {
		if (now_ms < reload->deadline_ms &&
		    workers_has_retiring(reload->procs, SLOT_STARTING, SLOT_READY))
			return false;
		reload->phase = RELOAD_MOVING;
		reload->deadline_ms = now_ms + RELOAD_MOVING_MS;
		return has_moved(reload, now_ms);
	} else {
		return has_moved(reload, now_ms);
	}
	end_failed(reload, err.text, now_ms);
	return true;
}

void reload_step(struct reload *reload, int64_t now_ms)
{
	if (reload->phase == RELOAD_IDLE) {
		if (reload->again && reload->procs->current)
			begin_trial(reload, now_ms);
		return;
	}
	if (!has_ended(reload, now_ms))
		return;
	if (reload->again)
		begin_trial(reload, now_ms);
	else
		sd_notify_ready();
}

void reload_abandon(struct reload *reload, int64_t now_ms)
{
	if (reload->phase == RELOAD_HANDING || reload->phase == RELOAD_MOVING)
		end_well(reload);
	else if (reload->phase != RELOAD_IDLE)
		end_failed(reload, stopping, now_ms);
	if (reload->again)
		refuse_request(reload->procs->board);
	reload->again = false;
	reload->is_refused = true;
}

int64_t reload_due_ms(const struct reload *reload, int64_t otherwise_ms)
{
	int64_t due_ms = otherwise_ms;

	if (reload->phase == RELOAD_TRYING && !reload->trial.late)
		due_ms = reload->trial.kill_ms;
	else if (reload->phase >= RELOAD_STARTING)
		due_ms = reload->deadline_ms;
	return due_ms < otherwise_ms ? due_ms : otherwise_ms;
}
