/* SPDX-License-Identifier: MIT */
/* The life of one member. Must not wait for anything, and must not look at other members. */
#include "master/member.h"

#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/sys.h"
#include "config/signals.h"

#define STORE(field, value) atomic_store_explicit(&(field), (value), memory_order_relaxed)

static struct log_field worker_field(unsigned number)
{
	return LOG_NUM("worker", number);
}

void member_want(struct member *member, unsigned seat, int64_t now_ms)
{
	member->seat = seat;
	member->state = MEMBER_WAITING;
	member->due_ms = now_ms;
}

/* By then burial.c has counted all that was in there. */
static void vacate(struct member *member)
{
	BUG_ON(member->held > 0);
	if (member->arena)
		arena_free(member->arena);
	*member = (struct member){ .state = MEMBER_EMPTY };
}

/* Lets the workers know. */
static void set_state(const struct generation *generation, unsigned number, enum slot_state state)
{
	const struct member *member = &generation->members[number];

	STORE(generation->slots[number].state, state);
	atomic_store_explicit(&generation->infos[number].is_taken, state != SLOT_EMPTY,
			      memory_order_release);
	heritage_peers_set(&generation->hints, number,
			   (struct peer){ .seat = (uint16_t)member->seat,
					  .state = (uint8_t)state });
}

static void prepare_slot(const struct scoreboard *board, struct generation *generation,
			 unsigned number, int64_t now_ms)
{
	struct slot *slot = &generation->slots[number];
	struct slot_info *info = &generation->infos[number];

	STORE(slot->live, (uint32_t)generation->members[number].held);
	STORE(slot->turns, 0);
	STORE(slot->has_hand, 0);
	STORE(slot->heartbeat_ms, now_ms);
	STORE(slot->generation, generation->id);
	STORE(slot->seat, generation->members[number].seat);
	/* What a keeper gives on is the log as the last worker had it. */
	if (generation->members[number].keeper == 0) {
		STORE(slot->log_opened,
		      atomic_load_explicit(&board->reopen.begun, memory_order_relaxed));
		STORE(slot->log_failed, 0);
	}
	STORE(info->started_ms, now_ms);
	STORE(info->generation, generation->id);
	STORE(info->number, number);
	set_state(generation, number, SLOT_STARTING);
}

static bool prepare_arena(const struct generation *generation, struct member *member)
{
	BUG_ON(member->held > 0);
	if (member->arena)
		arena_reset(member->arena);
	else
		member->arena = arena_new(generation->conf);
	return member->arena;
}

void member_wait(struct member *member, unsigned number, bool progressed, int64_t now_ms)
{
	int64_t delay_ms =
		respawn_delay_ms(&member->respawn, now_ms - member->started_ms, progressed);

	/* Clients wait in the keeper's hands. */
	if (member->keeper > 0 && member->held > 0 && delay_ms > MEMBER_KEPT_MOST_MS)
		delay_ms = MEMBER_KEPT_MOST_MS;
	if (member->state == MEMBER_RETIRING)
		member->wants_worker = true;
	else
		member->state = MEMBER_WAITING;
	member->due_ms = now_ms + delay_ms;
	if (delay_ms > 0)
		LOG(EVENT_worker_respawn_delayed, worker_field(number),
		    LOG_NUM("delay_ms", delay_ms));
}

bool member_wants_worker(const struct member *member)
{
	if (member->renews && member->keeper > 0)
		return false;
	return member->state == MEMBER_WAITING ||
	       (member->state == MEMBER_RETIRING && member->wants_worker);
}

/*
 * A stopped one would not hear it. It goes on first: a SIGCONT that comes later would end the stop
 * by which a leak check looks at it (ptrace(2)).
 */
static void dismiss_keeper(struct member *member, int64_t now_ms)
{
	member->kill_ms = now_ms + MEMBER_MARGIN_MS;
	sys_kill(member->keeper, SIGCONT);
	sys_kill(member->keeper, SIGNAL_KEEPER_LEAVE);
}

void member_renew(struct member *member, int64_t now_ms)
{
	if (member->keeper == 0)
		return;
	member->renews = true;
	dismiss_keeper(member, now_ms);
}

void member_leave(struct member *member, int64_t now_ms)
{
	if (member->keeper == 0) {
		vacate(member);
		return;
	}
	member->state = MEMBER_RETIRING;
	member->wants_worker = false;
	member->is_over = true;
	dismiss_keeper(member, now_ms);
}

static void refused(struct procs *roster, struct generation *generation, unsigned number, int error,
		    int64_t now_ms)
{
	struct member *member = &generation->members[number];

	set_state(generation, number, SLOT_EMPTY);
	if (generation == roster->starting) {
		errno = error;
		err_errno(&generation->failure, CODE_OSERR, "cannot start worker %u", number);
		member_leave(member, now_ms);
		return;
	}
	LOG(EVENT_worker_crashed, worker_field(number),
	    LOG_STR("message", "the system refused to start it"),
	    LOG_STR("error", strerror(error)));
	member->started_ms = now_ms;
	member_wait(member, number, false, now_ms);
}

/* A keeper clones into what the last worker left; without one all begins anew. */
static bool start(struct procs *roster, struct generation *generation, unsigned number)
{
	struct member *member = &generation->members[number];
	pid_t pid;

	if (member->keeper > 0 && member->state == MEMBER_RETIRING)
		arena_drain(member->arena, member->deadline_ms);
	if (member->keeper > 0)
		return sys_kill(member->keeper, SIGNAL_KEEPER_START) == 0 &&
		       sys_kill(member->keeper, SIGCONT) == 0;
	member->renews = false;
	pid = prepare_arena(generation, member) ? roster->spawn(roster, generation, number) : -1;
	if (pid > 0 && generation->conf->keep_connections)
		member->keeper = pid;
	else if (pid > 0)
		member->pid = pid;
	return pid > 0;
}

static void note_start(struct generation *generation, unsigned number)
{
	const struct member *member = &generation->members[number];

	STORE(generation->infos[number].pid, (uint32_t)member->pid);
	LOG(EVENT_worker_started, worker_field(number), LOG_NUM("child_pid", member->pid),
	    LOG_NUM("generation", generation->id));
}

void member_start(struct procs *roster, struct generation *generation, unsigned number,
		  int64_t now_ms)
{
	struct member *member = &generation->members[number];

	prepare_slot(roster->board, generation, number, now_ms);
	if (!start(roster, generation, number)) {
		refused(roster, generation, number, errno, now_ms);
		return;
	}
	member->ready = member->hung = member->wants_worker = false;
	member->started_ms = member->grace_ms = now_ms;
	member->kill_ms = 0;
	if (member->state == MEMBER_RETIRING)
		member->kill_ms = member->deadline_ms;
	else
		member->state = MEMBER_RUNNING;
	if (member->pid > 0)
		note_start(generation, number);
}

/* The kernel has written it down; only now can a worker be told what was asked of it before. */
static void learn_pid(struct procs *roster, struct generation *generation, unsigned number)
{
	struct member *member = &generation->members[number];

	if (member->pid > 0 || member->state == MEMBER_EMPTY || member->state == MEMBER_WAITING)
		return;
	member->pid = pidpage_get(roster->page, generation->first_slot + number);
	if (member->pid <= 0) {
		member->pid = 0;
		return;
	}
	member->grace_ms = clock_ms();
	note_start(generation, number);
	if (member->state == MEMBER_RETIRING && member->retire_signal > 0)
		sys_kill(member->pid, member->retire_signal);
}

void member_look(struct procs *roster, struct generation *generation, unsigned number)
{
	struct member *member = &generation->members[number];
	uint32_t state =
		atomic_load_explicit(&generation->slots[number].state, memory_order_acquire);

	learn_pid(roster, generation, number);
	if (member->state != MEMBER_RUNNING || member->ready || member->pid == 0 ||
	    state != SLOT_READY)
		return;
	member->ready = true;
	LOG(EVENT_worker_ready, worker_field(number), LOG_NUM("child_pid", member->pid),
	    LOG_NUM("generation", generation->id));
}

void member_signal(struct member *member, int signal)
{
	bool is_fast = signal == SIGINT || signal == SIGKILL;

	if (member->state == MEMBER_RETIRING && (is_fast || signal == SIGQUIT))
		member->retire_signal = signal;
	if (member->state == MEMBER_RETIRING && is_fast)
		member->is_over = true;
	if (member->pid > 0)
		sys_kill(member->pid, signal);
	else if (member->keeper > 0 && member->is_over)
		sys_kill(member->keeper, signal == SIGKILL ? SIGKILL : SIGNAL_KEEPER_LEAVE);
}

void member_kill_due(struct member *member, unsigned number, int64_t now_ms)
{
	if (member->kill_ms == 0 || member->kill_ms > now_ms)
		return;
	member->kill_ms = 0;
	if (member->pid > 0)
		sys_kill(member->pid, SIGKILL);
	else if (member->keeper > 0)
		sys_kill(member->keeper, SIGKILL);
	if (member->state != MEMBER_RETIRING || member->hung)
		return;
	member->is_over = true;
	if (member->pid > 0)
		LOG(EVENT_shutdown_timed_out, worker_field(number),
		    LOG_NUM("child_pid", member->pid));
}

/* One that waits may have connections in its keeper's hands: a worker is to finish them. */
void member_retire(struct generation *generation, unsigned number, int signal, int64_t kill_ms)
{
	struct member *member = &generation->members[number];

	if (member->state == MEMBER_WAITING &&
	    (member->keeper == 0 || member->renews || member->held == 0)) {
		member_leave(member, 0);
		if (member->keeper > 0)
			member->kill_ms = kill_ms;
		return;
	}
	if (member->state == MEMBER_EMPTY)
		return;
	if (member->state == MEMBER_RUNNING)
		LOG(EVENT_worker_retired, worker_field(number), LOG_NUM("child_pid", member->pid));
	if (member->state == MEMBER_WAITING) {
		member->wants_worker = true;
		member->due_ms = 0; /* whoever leaves waits for nothing */
	}
	member->state = MEMBER_RETIRING;
	if (member->deadline_ms == 0 || kill_ms < member->deadline_ms)
		member->deadline_ms = kill_ms;
	if (member->kill_ms == 0 || kill_ms < member->kill_ms)
		member->kill_ms = kill_ms;
	if (signal > 0)
		member_signal(member, signal);
}

int64_t member_deadline_ms(const struct generation *generation, int64_t now_ms)
{
	return now_ms + generation->conf->shutdown_timeout + MEMBER_MARGIN_MS;
}
