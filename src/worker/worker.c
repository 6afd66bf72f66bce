/* SPDX-License-Identifier: MIT */
/*
 * The worker's life: start, serve, drain, leave. It reports to the master by its slot, the bell and
 * its exit code, and the master commands it by signals; there is no other channel. Called in the
 * child of the master's fork.
 *
 *   STARTING --ready--> READY --QUIT, or the master is gone--> DRAINING --no connection left, or
 *   shutdown_timeout--> LEAVING;  any --INT--> LEAVING
 */
#include <signal.h>
#include <string.h>

#include "accesslog/accesslog.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/proctitle.h"
#include "base/stdio.h"
#include "base/sys.h"
#include "config/privs.h"
#include "config/signals.h"
#include "net/listen_guard.h"
#include "worker/acceptor.h"
#include "worker/dispatch.h"
#include "worker/fds.h"
#include "worker/heritage.h"
#include "worker/recovery.h"

enum {
	IDLE_WAIT_MS = 1000, /* the longest wait when hang_timeout is off */
	NOTE_MS = 1000,
	STRAYS_MOST = 10000, /* events for nothing, after which the epoll is renewed */
	OWN_ALARMS = 3,      /* give_up, note, and the access log's */
};

struct worker {
	const struct heritage *heritage;
	struct slot *slot;
	struct loop loop;
	struct pool pool;
	struct acceptors acceptors;
	struct timer_heap alarms;
	struct watch signals;
	struct alarm give_up; /* draining has taken too long */
	struct alarm note;    /* draining: publishes the connections that it waits for */
	struct recovery recovery;
	int wait_ms;     /* the longest wait, since the heartbeat must be stamped */
	bool has_turned; /* its loop has completed a turn */
	bool is_leaving;
};

static int bell_of(const struct worker *w)
{
	return w->heritage->wires[w->heritage->number].fds[WIRE_BELL];
}

static void ring_bell(const struct worker *w)
{
	static const uint64_t one = 1;

	(void)!sys_write(bell_of(w), &one, sizeof(one));
}

/* An earlier worker of the slot may have filled it, or made it blocking. */
static void clear_bell(const struct worker *w)
{
	uint64_t rung;
	int fd = bell_of(w);

	if (sys_fcntl_int(fd, F_SETFL, O_NONBLOCK) == 0)
		(void)!sys_read(fd, &rung, sizeof(rung));
}

static void set_state(struct worker *w, enum slot_state state)
{
	atomic_store_explicit(&w->slot->state, state, memory_order_release);
	accept_pause_tell_load(&w->acceptors);
	ring_bell(w);
}

static void end_serving(struct worker *w, enum close_reason reason)
{
	acceptors_close(&w->acceptors);
	dispatch_end_all(&w->pool, reason);
	w->is_leaving = true;
}

static void give_up(void *owner)
{
	struct worker *w = owner;

	LOG(EVENT_shutdown_timed_out, LOG_NUM("connections", w->pool.limit.total));
	end_serving(w, CLOSE_shutdown_timeout);
}

static void publish_notes(void *owner)
{
	struct worker *w = owner;

	dispatch_publish_notes(&w->pool);
	timer_set(&w->alarms, &w->note.timer, w->loop.now_ms + NOTE_MS);
}

/* The arena notes it first: from then on no worker of this slot accepts again. */
static void begin_draining(struct worker *w, int64_t give_up_ms)
{
	int64_t latest_ms = w->loop.now_ms + w->heritage->conf->shutdown_timeout;

	/* The arena may hold any value; no worker gets more time than the option grants. */
	if (give_up_ms > latest_ms)
		give_up_ms = latest_ms;
	arena_drain(w->pool.arena, give_up_ms);
	proctitle_set("prefork-srv: worker %u (draining)", w->heritage->number);
	acceptors_close(&w->acceptors);
	set_state(w, SLOT_DRAINING);
	timer_set(&w->alarms, &w->give_up.timer, give_up_ms);
	dispatch_drain(&w->pool);
	publish_notes(w);
}

static void drain_once(struct worker *w)
{
	if (w->pool.draining)
		return;
	if (getppid() != w->heritage->master_pid)
		LOG(EVENT_master_died, LOG_NUM("connections", w->pool.limit.total));
	begin_draining(w, w->loop.now_ms + w->heritage->conf->shutdown_timeout);
}

/* The master waits for the reports of all workers. */
static void reopen_logs(struct worker *w)
{
	uint32_t begun =
		atomic_load_explicit(&w->heritage->board->reopen.begun, memory_order_relaxed);
	struct err err;
	bool done = log_reopen(false, &err);

	if (!done)
		LOG(EVENT_log_reopen_failed, LOG_STR("message", err.text));
	if (!accesslog_reopen(false, &err)) {
		LOG(EVENT_log_reopen_failed, LOG_STR("message", err.text));
		done = false;
	}
	atomic_store_explicit(&w->slot->log_failed, !done, memory_order_relaxed);
	atomic_store_explicit(&w->slot->log_opened, begun, memory_order_release);
	ring_bell(w);
}

static void handle_signals(void *owner, uint32_t events)
{
	struct worker *w = owner;
	int32_t sender;
	int number;

	(void)events;
	while ((number = signals_next(w->signals.fd, &sender)) > 0) {
		switch (signals_find(number)->worker) {
		case SIGNAL_QUIT:
			drain_once(w);
			break;
		case SIGNAL_STOP:
			end_serving(w, CLOSE_stopped);
			break;
		case SIGNAL_REOPEN:
			reopen_logs(w);
			break;
		default:
			break;
		}
	}
}

static void serve_connection(void *owner, uint64_t tag, uint32_t events)
{
	struct worker *w = owner;

	dispatch_ready(&w->pool, tag, events);
	accept_pause_check_room(&w->acceptors);
}

static bool watch_master(struct worker *w)
{
	w->signals =
		(struct watch){ .fd = signals_open(false), .ready = handle_signals, .owner = w };
	if (w->signals.fd < 0 || !loop_watch(&w->loop, &w->signals, EPOLLIN))
		return false;
	/*
	 * Set after the change of user, which would clear it (prctl(2)); the master may have died
	 * before it.
	 */
	if (sys_prctl(PR_SET_PDEATHSIG, SIGQUIT) < 0)
		return false;
	if (getppid() != w->heritage->master_pid)
		raise(SIGQUIT);
	return true;
}

static bool start_serving(struct worker *w)
{
	const struct heritage *h = w->heritage;

	w->loop.tagged = serve_connection;
	w->loop.owner = w;
	w->give_up.fire = give_up;
	w->note.fire = publish_notes;
	w->give_up.owner = w->note.owner = w;
	w->pool.loop = w->acceptors.loop = &w->loop;
	w->pool.arena = h->arena;
	w->pool.slot = w->slot;
	w->pool.number = h->number;
	w->pool.bans = &h->board->bans;
	w->pool.listeners = h->listeners;
	w->acceptors.pool = &w->pool;
	w->acceptors.alarms = &w->alarms;
	w->acceptors.room.is_on = h->conf->make_room;
	w->acceptors.balance = (struct balance){
		.slots = h->peers, .hints = h->hints, .wires = h->wires, .number = h->number
	};
	if (!timer_heap_new(&w->alarms, ACCEPTORS_ALARMS + OWN_ALARMS))
		return false;
	accesslog_watch(&w->alarms);
	if (!pool_start(&w->pool) || !recovery_adopt(&w->recovery, &w->pool))
		return false;
	w->acceptors.is_closed = w->recovery.was_draining;
	return w->recovery.was_draining || acceptors_start(&w->acceptors);
}

static bool start_services(const struct heritage *h, struct err *err)
{
	for (unsigned i = 0; i < h->listeners->count; i++) {
		const struct listen_conf *conf = h->listeners->list[i].conf;
		const struct service *service = service_find(conf->service);

		if (service->init && !service->init(h, conf))
			return err_set(err, CODE_NO_RESPAWN, "service %s cannot start",
				       conf->service);
	}
	return true;
}

static int longest_wait_ms(const struct conf *conf)
{
	int64_t third = conf->hang_timeout / 3;

	return third > 0 && third < IDLE_WAIT_MS ? (int)third : IDLE_WAIT_MS;
}

bool worker_settle(const struct heritage *h, struct err *err)
{
	if (!scoreboard_confine(h->board, &h->peers[h->number]))
		return err_errno(err, CODE_OSERR, "cannot let go of the other workers' slots");
	stdio_leave_terminal();
	if (!fds_close_others(h, true, NULL, 0))
		return err_errno(err, CODE_OSERR, "cannot close what is not its own");
	if (h->conf->chroot[0] != '\0')
		accesslog_forget_folder(); /* it would lead out of the new root */
	return privs_bind_cpu(h->conf, h->seat, err) && privs_drop(h->conf, h->identity, err);
}

/*
 * Closes every descriptor that is needed neither by a kept connection nor by the heritage, such as
 * a dead worker's signalfd.
 */
static bool take_over(struct worker *w, struct err *err)
{
	const struct heritage *h = w->heritage;
	const struct recovery *r = &w->recovery;

	if (!h->is_kept)
		return worker_settle(h, err);
	if (!recovery_survey(&w->recovery, h))
		return err_errno(err, CODE_OSERR, "cannot look at what the last worker left");
	if (!r->is_needed)
		return true;
	if (!r->was_draining && !listen_guard_has_all(h->listeners))
		return err_set(err, CODE_OK, "the listening sockets are closed");
	if (!fds_close_others(h, !r->was_draining, r->fds, r->fd_count))
		return err_errno(err, CODE_OSERR, "cannot take over from the last worker");
	return true;
}

/* What a dead worker watched itself is watched anew: a listener's place in the queue is its own. */
static void forget_watches(struct worker *w)
{
	const struct heritage *h = w->heritage;

	loop_forget(&w->loop, heritage_wire(h, h->number));
	for (unsigned i = 0; i < h->listeners->count; i++)
		for (unsigned k = 0; k < h->listeners->list[i].fd_count; k++)
			loop_forget(&w->loop, h->listeners->list[i].fds[k]);
}

/*
 * The epoll goes on as the last worker has left it. One that has lost it, or put something else in
 * its place, gets a new one there, in which recovery finds no connection.
 */
static bool open_loop(struct worker *w)
{
	int epfd = w->heritage->epfd;

	if (epfd < 0)
		return loop_open(&w->loop);
	if (loop_adopt(&w->loop, epfd)) {
		forget_watches(w);
		return true;
	}
	w->recovery.lost_epoll = true;
	return loop_renew(&w->loop);
}

static bool start_worker(struct worker *w, struct err *err)
{
	if (!take_over(w, err) || !privs_confine(err))
		return false;
	if (!start_services(w->heritage, err))
		return false;
	if (!open_loop(w) || !watch_master(w) || !start_serving(w))
		return err_errno(err, CODE_OSERR, "cannot begin to serve");
	recovery_end(&w->recovery);
	return true;
}

static void stamp_heartbeat(struct worker *w)
{
	struct slot *slot = w->slot;
	uint64_t turns = atomic_load_explicit(&slot->turns, memory_order_relaxed);

	atomic_store_explicit(&slot->turns, turns + 1, memory_order_relaxed);
	atomic_store_explicit(&slot->heartbeat_ms, w->loop.now_ms, memory_order_relaxed);
}

/*
 * The sum over all earlier workers of that number. They have accepted no more than the master has
 * folded, so none of them has given a connection a higher number, whatever the arena holds.
 */
static void set_number(const struct heritage *h)
{
	const struct worker_tally *past = &h->board->past[h->number].tally;

	h->arena->head->conn_number = metric_sum(past, METRIC_connections_accepted_total);
}

/*
 * The first turn does not wait: it shows that the worker can go on. Nor does a turn wait while
 * connections wait for theirs.
 */
static int next_wait_ms(const struct worker *w)
{
	int wait = w->has_turned && !pool_has_waiting(&w->pool) ? w->wait_ms : 0;

	wait = timer_wait_ms(&w->pool.timers, w->loop.now_ms, wait);
	return timer_wait_ms(&w->alarms, w->loop.now_ms, wait);
}

/*
 * A dead worker can have added what no worker knows, and what cannot be removed by its tag alone; it
 * would be reported for ever. A new epoll has none of it.
 */
static bool renew_epoll(struct worker *w)
{
	w->loop.strays = 0;
	if (!w->recovery.is_needed)
		return true;
	w->recovery.is_needed = false; /* once */
	if (!loop_renew(&w->loop)) {
		LOG(EVENT_worker_failed, LOG_STR("message", strerror(errno)));
		return false;
	}
	dispatch_watch_all(&w->pool);
	return true;
}

static int run_loop(struct worker *w)
{
	while (!w->is_leaving) {
		if (!loop_turn(&w->loop, next_wait_ms(w))) {
			LOG(EVENT_worker_failed, LOG_STR("message", strerror(errno)));
			return CODE_OSERR;
		}
		dispatch_end_turn(&w->pool);
		accept_pause_check_room(&w->acceptors);
		accept_pause_end_turn(&w->acceptors);
		stamp_heartbeat(w);
		alarms_expire(&w->alarms, w->loop.now_ms);
		log_settle(w->loop.now_ms);
		if (w->loop.strays > STRAYS_MOST && !renew_epoll(w))
			return CODE_OSERR;
		if (w->pool.draining && w->pool.limit.total == 0)
			w->is_leaving = true;
		if (!w->has_turned)
			recovery_passed(w->pool.arena);
		w->has_turned = true;
	}
	dispatch_publish_notes(&w->pool);
	accesslog_flush();
	set_state(w, SLOT_LEAVING);
	return CODE_OK;
}

int worker_run(const struct heritage *heritage)
{
	static struct worker worker; /* written by this process only */
	struct worker *w = &worker;
	struct err err = { 0 };

	w->heritage = heritage;
	w->slot = &heritage->peers[heritage->number];
	w->wait_ms = longest_wait_ms(heritage->conf);
	sys_last_call = &heritage->arena->head->last_call;
	clear_bell(w);
	log_role("worker", (int)heritage->number);
	log_count_in(&w->slot->tally.log_lines_lost_total);
	scoreboard_set_notes(w->slot, NULL, 0);
	set_number(heritage);
	loop_read_clock(&w->loop);
	accesslog_start(arena_log(heritage->arena), &w->slot->tally, &w->loop);
	proctitle_set("prefork-srv: worker %u", heritage->number);
	if (heritage->resumes &&
	    atomic_load(&w->slot->log_opened) != atomic_load(&heritage->board->reopen.begun))
		reopen_logs(w);
	if (!start_worker(w, &err)) {
		LOG(EVENT_worker_failed, LOG_STR("message", err.text));
		recovery_passed(heritage->arena); /* it leaves; the arena did not kill it */
		return err.code;
	}
	loop_read_clock(&w->loop);
	if (w->recovery.was_draining)
		begin_draining(w, w->pool.arena->head->give_up_ms);
	else
		set_state(w, SLOT_READY);
	return run_loop(w);
}
