/* SPDX-License-Identifier: MIT */
/*
 * The worker's life: start, serve, leave (worker/door/leave.h). It reports to the master by its
 * slot, the bell and its exit code, and the master commands it by signals; connections go to other
 * workers through their doors. There is no other channel. Called in the child of the master's fork.
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
#include "worker/accept/acceptor.h"
#include "worker/dispatch.h"
#include "worker/door/door.h"
#include "worker/door/leave.h"
#include "worker/door/moving.h"
#include "worker/door/rebalance.h"
#include "worker/heritage.h"
#include "worker/pool_sessions.h"
#include "worker/recovery/recovery.h"
#include "worker/recovery/takeover.h"

enum {
	IDLE_WAIT_MS = 1000, /* the longest wait when hang_timeout is off */
	STRAYS_MOST = 10000, /* events for nothing, after which the epoll is renewed */
	LOG_ALARMS = 1,
	ALARMS = ACCEPTORS_ALARMS + MOVING_ALARMS + LEAVE_ALARMS + REBALANCE_ALARMS + LOG_ALARMS,
};

struct worker {
	struct heritage own; /* with what it has loaded itself */
	struct loaded loaded;
	const struct heritage *heritage;
	struct slot *slot;
	struct loop loop;
	struct pool pool;
	struct acceptors acceptors;
	struct door door;
	struct moving moving;
	struct rebalance rebalance;
	struct leave leave;
	struct timer_heap alarms;
	struct watch signals;
	struct recovery recovery;
	int wait_ms;       /* the longest wait, since the heartbeat must be stamped */
	int64_t second_ms; /* when the services' next second begins */
	bool has_turned;   /* its loop has completed a turn */
};

static int bell_of(const struct worker *w)
{
	return heritage_bell(w->heritage);
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
	int number;

	(void)events;
	while ((number = signals_next(w->signals.fd, NULL)) > 0) {
		if (number == SIGNAL_WORKER_MOVE) {
			leave_move(&w->leave);
			continue;
		}
		switch (signals_find(number)->worker) {
		case SIGNAL_QUIT:
			leave_drain(&w->leave);
			break;
		case SIGNAL_STOP:
			leave_now(&w->leave, CLOSE_stopped);
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

static void handle_byte(void *owner)
{
	struct worker *w = owner;

	moving_look(&w->moving);
	accept_pause_look_again(&w->acceptors);
}

/* Connections come in through this worker's door, and leave by those of others. */
static bool start_moving(struct worker *w)
{
	w->door.heritage = w->heritage;
	w->door.pool = &w->pool;
	w->door.woken = handle_byte;
	w->door.owner = w;
	w->moving.offer.door = &w->door;
	w->moving.alarms = w->rebalance.alarms = &w->alarms;
	w->moving.done = leave_moved;
	w->moving.owner = &w->leave;
	w->rebalance.moving = &w->moving;
	w->leave = (struct leave){ .heritage = w->heritage,
				   .pool = &w->pool,
				   .acceptors = &w->acceptors,
				   .door = &w->door,
				   .moving = &w->moving,
				   .alarms = &w->alarms };
	leave_prepare(&w->leave);
	return door_start(&w->door) && moving_start(&w->moving);
}

static bool start_serving(struct worker *w)
{
	const struct heritage *h = w->heritage;

	w->loop.tagged = serve_connection;
	w->loop.owner = w;
	w->pool.loop = w->acceptors.loop = &w->loop;
	w->pool.arena = h->arena;
	w->pool.slot = w->slot;
	w->pool.number = h->number;
	w->pool.conf = h->conf;
	w->pool.servers = (struct server_count){ .board = h->board,
						 .servers = h->board->servers,
						 .slot = heritage_slot(h) };
	w->pool.bans = &h->board->bans;
	w->pool.listeners = h->listeners;
	w->pool.loaded = h->loaded;
	w->pool.sites = h->sites;
	w->pool.limiter.memory = h->limits;
	w->pool.limiter.board = h->board;
	w->pool.limiter.number = heritage_slot(h);
	w->acceptors.pool = &w->pool;
	w->acceptors.alarms = &w->alarms;
	w->acceptors.room.is_on = h->conf->make_room;
	w->acceptors.balance = (struct balance){
		.slots = h->peers, .hints = h->hints, .wires = h->wires, .number = h->number
	};
	w->acceptors.kept = (struct kept_places){ .board = h->board,
						  .own = w->slot,
						  .peers = h->peers,
						  .peer_count = h->hints->count,
						  .places = h->arena->conn_most };
	kept_places_start(&w->acceptors.kept, w->loop.now_ms);
	if (!timer_heap_new(&w->alarms, ALARMS))
		return false;
	accesslog_watch(&w->alarms);
	if (!pool_sessions_start(&w->pool) || !pool_start(&w->pool) ||
	    !recovery_adopt(&w->recovery, &w->pool))
		return false;
	limiter_publish(&w->pool.limiter);
	w->acceptors.is_closed = w->recovery.was_leaving;
	return start_moving(w) && (w->recovery.was_leaving || acceptors_start(&w->acceptors));
}

static bool start_services(const struct heritage *h, struct err *err)
{
	for (unsigned i = 0; i < h->listeners->count; i++) {
		const struct listen_conf *conf = h->listeners->list[i].conf;
		const struct service *service = loaded_service(h->loaded, conf);

		if (service->init && !service->init(h, conf))
			return err_set(err, CODE_NO_RESPAWN, "service %s cannot start",
				       conf->service);
	}
	return true;
}

static void call_each_second(struct worker *w)
{
	if (w->loop.now_ms < w->second_ms)
		return;
	w->second_ms = w->loop.now_ms + 1000;
	for (unsigned i = 0; i < w->heritage->listeners->count; i++) {
		const struct listen_conf *conf = w->heritage->listeners->list[i].conf;
		const struct service *service = loaded_service(w->heritage->loaded, conf);

		if (service->each_second)
			service->each_second(i, w->loop.now_ms);
	}
}

static int longest_wait_ms(const struct conf *conf)
{
	int64_t third = conf->hang_timeout / 3;

	return third > 0 && third < IDLE_WAIT_MS ? (int)third : IDLE_WAIT_MS;
}

static bool start_worker(struct worker *w, struct err *err)
{
	if (!takeover_begin(&w->recovery, w->heritage, err) ||
	    (!w->own.is_kept && !heritage_load(&w->own, &w->loaded, err)) || !privs_confine(err))
		return false;
	if (!start_services(w->heritage, err))
		return false;
	if (!takeover_open_loop(&w->recovery, w->heritage, &w->loop) || !watch_master(w) ||
	    !start_serving(w))
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

static int fail_loop(void)
{
	LOG(EVENT_worker_failed, LOG_STR("message", strerror(errno)));
	return CODE_OSERR;
}

static int run_loop(struct worker *w)
{
	while (!w->leave.is_over) {
		if (!loop_turn(&w->loop, next_wait_ms(w))) {
			return fail_loop();
		}
		dispatch_end_turn(&w->pool);
		accept_pause_check_room(&w->acceptors);
		accept_pause_end_turn(&w->acceptors);
		stamp_heartbeat(w);
		pool_sessions_publish(&w->pool);
		server_count_mend(&w->pool.servers, w->loop.now_ms);
		alarms_expire(&w->alarms, w->loop.now_ms);
		call_each_second(w);
		log_settle(w->loop.now_ms);
		if (w->loop.strays > STRAYS_MOST && !takeover_renew_loop(&w->recovery, &w->pool))
			return fail_loop();
		rebalance_note(&w->rebalance, w->pool.limit.total);
		leave_step(&w->leave);
		if (!w->has_turned)
			recovery_passed(w->pool.arena);
		w->has_turned = true;
	}
	dispatch_publish_notes(&w->pool);
	accesslog_flush();
	leave_set_state(&w->leave, SLOT_LEAVING);
	door_close(&w->door);
	return CODE_OK;
}

int worker_run(const struct heritage *heritage)
{
	static struct worker worker; /* written by this process only */
	struct worker *w = &worker;
	struct err err = { 0 };

	w->own = *heritage;
	w->heritage = &w->own;
	w->slot = heritage_own_slot(heritage);
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
	if (w->recovery.was_leaving) {
		leave_resume(&w->leave);
	} else {
		leave_set_state(&w->leave, SLOT_READY);
		rebalance_start(&w->rebalance);
	}
	return run_loop(w);
}
