/* SPDX-License-Identifier: MIT */
/*
 * Starts one worker, and frees in the forked process all that is not its own. Must not decide when
 * or whether to start it.
 */
#include "master/spawn.h"

#include <string.h>

#include "accesslog/accesslog.h"
#include "base/brief.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/stdio.h"
#include "base/sys.h"
#include "config/conf_limit.h"
#include "config/signals.h"
#include "master/children.h"
#include "master/helper/helper_links.h"
#include "master/keeper.h"
#include "master/reload_times.h"
#include "master/trial/prestart.h"
#include "master/trial/prestart_files.h"
#include "worker/heritage.h"

#define STORE(field, value) atomic_store_explicit(&(field), (value), memory_order_relaxed)

/* A worker must not be able to reach another's connections; worker_run closes descriptors. */
static void leave_memory(struct generation *generation, const struct hints *hints,
			 const struct arena *own)
{
	if (&generation->hints != hints)
		hints_free(&generation->hints);
	for (unsigned i = 0; i < generation->capacity; i++)
		if (generation->members[i].arena && generation->members[i].arena != own)
			arena_free(generation->members[i].arena);
}

static void leave_all_memory(const struct procs *procs, const struct hints *hints,
			     const struct arena *arena, const struct modules *modules)
{
	for (struct generation *g = procs_next(procs, NULL); g; g = procs_next(procs, g)) {
		leave_memory(g, hints, arena);
		modules_leave(&g->modules, modules);
	}
}

/* Keeps nothing of the workers but that part of the scoreboard; part NULL: nothing at all. */
static bool leave_server(struct procs *procs, struct scoreboard_part (*part)(void))
{
	const struct scoreboard_part kept = part ? part() : (struct scoreboard_part){ 0 };

	leave_all_memory(procs, NULL, NULL, NULL);
	log_count_in(NULL);
	if (procs->limits)
		limit_memory_free(procs->limits);
	if (procs->tickets)
		ticket_memory_leave(procs->tickets);
	if (part && !scoreboard_confine(procs->board, &kept, 1))
		return false;
	if (!part && procs->board)
		scoreboard_unview(procs->board);
	if (!part)
		procs->board = NULL;
	return keeper_pids_drop(procs->page);
}

bool spawn_leave_server(struct procs *procs)
{
	return leave_server(procs, NULL);
}

/* True when a reload's new generation has another log, which the master does not use yet. */
static bool wants_new_log(const struct procs *procs, const struct generation *generation)
{
	return generation == procs->starting && procs->current &&
	       !prestart_same_log(procs->current->conf, &procs->current->identity, generation->conf,
				  &generation->identity);
}

static void limit_files(rlim_t wanted)
{
	struct rlimit limit;

	if (sys_getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	limit.rlim_cur = wanted < limit.rlim_max ? wanted : limit.rlim_max;
	sys_setrlimit(RLIMIT_NOFILE, &limit);
}

/*
 * In the child: sets its limit and umask, and opens its own descriptors of the logs; in a reload,
 * those of its own configuration, which the master takes over only once the generation is ready.
 */
static bool set_up_child(const struct procs *procs, const struct generation *generation,
			 struct err *err)
{
	const struct conf *conf = generation->conf;
	unsigned sockets = listener_sockets(&generation->served);

	umask((mode_t)conf->umask);
	log_own();
	accesslog_own();
	if (wants_new_log(procs, generation) && !prestart_log(conf, &generation->identity, err))
		return false;
	limit_files(prestart_files_wanted(conf, sockets, generation->capacity));
	return true;
}

bool spawn_settle_helper(struct procs *procs, struct generation *generation, rlim_t files,
			 struct scoreboard_part (*part)(void), struct err *err)
{
	signals_leave_reports();
	stdio_leave_terminal();
	if (!leave_server(procs, part))
		return err_errno(err, CODE_OSERR, "cannot let go of the workers' memory");
	if (!set_up_child(procs, generation, err))
		return false;
	limit_files(files);
	return true;
}

/* Workers and keepers only read the keys of tickets. */
static bool leave_keys(const struct procs *procs, struct err *err)
{
	return procs->tickets == NULL || ticket_memory_confine(procs->tickets) ||
	       err_errno(err, CODE_OSERR, "cannot give up the keys of session tickets");
}

static _Noreturn void become_worker(const struct procs *procs, const struct generation *generation,
				    const struct heritage *heritage)
{
	struct err err;

	signals_leave_reports();
	leave_all_memory(procs, heritage->hints, heritage->arena, &generation->modules);
	if (!leave_keys(procs, &err) || !set_up_child(procs, generation, &err)) {
		log_role("worker", (int)heritage->number);
		LOG(EVENT_worker_failed, LOG_STR("message", err.text));
		sys_leave(CODE_OSERR);
	}
	if (generation->conf->keep_connections)
		keeper_run(heritage, procs->page, generation->first_slot + heritage->number);
	sys_leave(keeper_pids_drop(procs->page) ? worker_run(heritage) : CODE_OSERR);
}

/* The last generation before this one that still has workers; NULL: none. */
static const struct generation *find_older(const struct procs *procs,
					   const struct generation *generation)
{
	const struct generation *previous = NULL;

	for (const struct generation *g = procs_next(procs, NULL); g; g = procs_next(procs, g))
		if (g->id < generation->id && (!previous || g->id > previous->id))
			previous = g;
	return previous;
}

/* A generation that starts may have to give back what it has accepted: to the current one. */
static struct doors find_previous(const struct procs *procs, const struct generation *generation)
{
	const struct generation *previous = generation == procs->starting && procs->current ?
						    procs->current :
						    find_older(procs, generation);

	if (!previous)
		return (struct doors){ 0 };
	return (struct doors){ previous->doorbells, previous->capacity, previous->id };
}

pid_t spawn_worker(struct procs *procs, struct generation *generation, unsigned number)
{
	struct heritage heritage = {
		.conf = generation->conf,
		.sites = generation->tls,
		.identity = &generation->identity,
		.listeners = &generation->served,
		.board = procs->board,
		.number = number,
		.seat = generation->members[number].seat,
		.peers = generation->slots,
		.hints = &generation->hints,
		.limits = procs->limits,
		.wires = generation->wires,
		.next = { generation->next_doorbells, generation->next_count, 0 },
		.previous = find_previous(procs, generation),
		.peer_count = generation->capacity,
		.helpers = generation->helpers.links,
		.helper_count = generation->helpers.count,
		.arena = generation->members[number].arena,
		.facts = generation->modules.facts,
		.shared = generation->modules.shared,
		.master_pid = getpid(),
		.epfd = -1,
	};
	pid_t pid = sys_fork();

	if (pid == 0)
		become_worker(procs, generation, &heritage);
	return pid;
}

/* Publishes the state to the workers. */
static void publish_state(const struct generation *generation, unsigned number,
			  enum slot_state state)
{
	const struct member *member = &generation->members[number];

	STORE(generation->slots[number].state, state);
	atomic_store_explicit(&generation->infos[number].is_taken, state != SLOT_EMPTY,
			      memory_order_release);
	hints_set(&generation->hints, number,
		  (struct hint){ .seat = (uint16_t)member->seat, .state = (uint8_t)state });
}

/* Until the next worker counts, what the last one had with its keeper goes on counting. */
static void prepare_limits(const struct procs *procs, const struct generation *generation,
			   unsigned number)
{
	unsigned slot = generation->first_slot + number;
	struct limit_counts counts;

	STORE(generation->infos[number].has_limits,
	      procs->limits && procs->limits->base && conf_limit_any(generation->conf));
	if (!procs->limits || !procs->limits->base || generation->members[number].keeper > 0)
		return;
	counts = limit_memory_counts(procs->limits, slot);
	limit_counts_clear(&counts);
}

static void prepare_slot(const struct scoreboard *board, struct generation *generation,
			 unsigned number, int64_t now_ms)
{
	const struct member *member = &generation->members[number];
	struct slot *slot = &generation->slots[number];
	struct slot_info *info = &generation->infos[number];

	STORE(slot->live, (uint32_t)member->held);
	if (member->keeper == 0) /* otherwise its next worker knows (worker/door/offer.c) */
		STORE(slot->moving, 0);
	STORE(slot->turns, 0);
	STORE(slot->has_hand, 0);
	STORE(slot->heartbeat_ms, now_ms);
	STORE(slot->generation, generation->id);
	STORE(slot->seat, member->seat);
	/* A keeper hands on the log as the last worker had it. */
	if (member->keeper == 0) {
		STORE(slot->log_opened,
		      atomic_load_explicit(&board->reopen.begun, memory_order_relaxed));
		STORE(slot->log_failed, 0);
	}
	STORE(info->started_ms, now_ms);
	STORE(info->generation, generation->id);
	STORE(info->before, generation->before);
	STORE(info->number, number);
	publish_state(generation, number, SLOT_STARTING);
}

static bool prepare_arena(const struct generation *generation, struct member *member)
{
	BUG_ON(member->held > 0);
	if (member->arena)
		arena_reset(member->arena);
	else
		member->arena = arena_new(generation->conf, generation->modules.facts);
	return member->arena;
}

/*
 * The keeper clones into the last worker's descriptor table and arena. The worker's own time limit
 * comes before the master's, so that the worker ends its connections itself.
 */
static bool ask_keeper(const struct member *member)
{
	if (member->state == MEMBER_RECOVERING_TO_DRAIN)
		arena_leave(member->arena,
			    member->retire_signal == SIGNAL_WORKER_MOVE ? ARENA_MOVES :
									  ARENA_DRAINS,
			    member->deadline_ms - RELOAD_LEAVE_MARGIN_MS);
	return sys_kill(member->keeper, SIGCONT) == 0 &&
	       sys_kill(member->keeper, SIGNAL_KEEPER_START) == 0;
}

static bool fork_member(struct procs *procs, struct generation *generation, struct member *member)
{
	pid_t pid = -1;

	member->is_doubted = false;
	helper_links_renew(&generation->helpers, member->number);
	if (prepare_arena(generation, member))
		pid = procs->spawn(procs, generation, member->number);
	if (pid > 0 && generation->conf->keep_connections)
		member->keeper = pid;
	else if (pid > 0)
		member->pid = pid;
	return pid > 0;
}

static void note_refusal(struct procs *procs, struct generation *generation, unsigned number,
			 int error, int64_t now_ms)
{
	struct member *member = &generation->members[number];

	publish_state(generation, number, SLOT_EMPTY);
	if (generation == procs->starting) {
		errno = error;
		err_errno(&generation->failure, CODE_OSERR, "cannot start worker %u", number);
		member_leave(member, now_ms);
		return;
	}
	LOG(EVENT_worker_crashed, LOG_NUM("worker", number),
	    LOG_STR("message", "the system refused to start it"),
	    LOG_STR("error", strerror(error)));
	member->started_ms = now_ms;
	member_respawn(member, false, false, now_ms);
}

static void note_start(struct generation *generation, unsigned number, pid_t pid)
{
	STORE(generation->infos[number].pid, (uint32_t)pid);
	LOG(EVENT_worker_started, LOG_NUM("worker", number), LOG_NUM("child_pid", pid),
	    LOG_NUM("generation", generation->id));
}

void spawn_start(struct procs *procs, struct generation *generation, unsigned number,
		 int64_t now_ms)
{
	struct member *member = &generation->members[number];

	prepare_limits(procs, generation, number);
	prepare_slot(procs->board, generation, number, now_ms);
	if (!(member->keeper > 0 ? ask_keeper(member) : fork_member(procs, generation, member))) {
		note_refusal(procs, generation, number, errno, now_ms);
		return;
	}
	member_started(member, now_ms);
	if (member->pid > 0)
		note_start(generation, number, member->pid);
}

static void doubt_keeper(struct member *member, pid_t pid)
{
	if (!member->is_doubted)
		LOG(EVENT_worker_failed, LOG_NUM("worker", member->number),
		    LOG_STR("message", "its keeper names a process that is not its worker"),
		    LOG_NUM("named_pid", pid));
	member->is_doubted = true;
}

/*
 * The kernel has written the pid, and only now can a signal be sent; but a module that the keeper
 * has loaded can have written there as well, until that keeper's death.
 */
static void learn_pid(struct procs *procs, struct generation *generation, unsigned number)
{
	struct member *member = &generation->members[number];
	pid_t pid;

	if (member->pid > 0 || !member_is_alive(member))
		return;
	pid = keeper_pids_get(procs->page, generation->first_slot + number);
	if (pid == 0)
		return;
	if (!children_can_be_worker(procs, pid, &generation->identity)) {
		doubt_keeper(member, pid);
		return;
	}
	note_start(generation, number, pid);
	member_learn_pid(member, pid, clock_ms());
}

void spawn_look(struct procs *procs, struct generation *generation, unsigned number)
{
	struct member *member = &generation->members[number];
	uint32_t state =
		atomic_load_explicit(&generation->slots[number].state, memory_order_acquire);

	learn_pid(procs, generation, number);
	if (member->pid > 0 && state == SLOT_READY && member_note_ready(member))
		LOG(EVENT_worker_ready, LOG_NUM("worker", number),
		    LOG_NUM("child_pid", member->pid), LOG_NUM("generation", generation->id));
}
