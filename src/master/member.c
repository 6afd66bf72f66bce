/* SPDX-License-Identifier: MIT */
/*
 * The life of one member. Must not wait for anything, and must not look at other members. Called by
 * the roster, the recycling and the stop.
 */
#include "master/member.h"

#include <string.h>

#include "base/log.h"
#include "base/sys.h"

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

static void vacate(struct member *member)
{
	if (member->arena)
		arena_free(member->arena);
	*member = (struct member){ .state = MEMBER_EMPTY };
}

static void prepare_slot(const struct scoreboard *board, struct generation *generation,
			 unsigned number, int64_t now_ms)
{
	struct slot *slot = &generation->slots[number];

	STORE(slot->live, 0);
	STORE(slot->turns, 0);
	STORE(slot->kick_mask, 0);
	STORE(slot->heartbeat_ms, now_ms);
	STORE(slot->started_ms, now_ms);
	STORE(slot->generation, generation->id);
	STORE(slot->number, number);
	STORE(slot->seat, generation->members[number].seat);
	STORE(slot->log_opened, atomic_load_explicit(&board->reopen.begun, memory_order_relaxed));
	STORE(slot->log_failed, 0);
	STORE(slot->state, SLOT_STARTING);
}

static bool prepare_arena(const struct generation *generation, struct member *member)
{
	if (member->arena)
		arena_reset(member->arena);
	else
		member->arena = arena_new(generation->conf);
	return member->arena;
}

static void wait_for(struct member *member, unsigned number, int64_t lived_ms, bool progressed,
		     int64_t now_ms)
{
	int64_t delay_ms = respawn_delay_ms(&member->respawn, lived_ms, progressed);

	member->state = MEMBER_WAITING;
	member->due_ms = now_ms + delay_ms;
	if (delay_ms > 0)
		LOG(EVENT_worker_respawn_delayed, worker_field(number),
		    LOG_NUM("delay_ms", delay_ms));
}

static void refused(struct roster *roster, struct generation *generation, unsigned number,
		    int error, int64_t now_ms)
{
	struct member *member = &generation->members[number];

	STORE(generation->slots[number].state, SLOT_EMPTY);
	if (generation == roster->starting) {
		errno = error;
		err_errno(&generation->failure, CODE_OSERR, "cannot start worker %u", number);
		vacate(member);
		return;
	}
	LOG(EVENT_worker_crashed, worker_field(number),
	    LOG_STR("message", "the system refused to start it"),
	    LOG_STR("error", strerror(error)));
	wait_for(member, number, 0, false, now_ms);
}

void member_start(struct roster *roster, struct generation *generation, unsigned number,
		  int64_t now_ms)
{
	struct member *member = &generation->members[number];
	pid_t pid = -1;

	prepare_slot(roster->board, generation, number, now_ms);
	if (prepare_arena(generation, member))
		pid = roster->spawn(roster, generation, number);
	if (pid < 0) {
		refused(roster, generation, number, errno, now_ms);
		return;
	}
	STORE(generation->slots[number].pid, (uint32_t)pid);
	member->state = MEMBER_RUNNING;
	member->pid = pid;
	member->ready = member->hung = false;
	member->started_ms = member->grace_ms = now_ms;
	member->kill_ms = 0;
	LOG(EVENT_worker_started, worker_field(number), LOG_NUM("child_pid", pid),
	    LOG_NUM("generation", generation->id));
}

void member_look(struct generation *generation, unsigned number)
{
	struct member *member = &generation->members[number];
	uint32_t state =
		atomic_load_explicit(&generation->slots[number].state, memory_order_acquire);

	if (member->state != MEMBER_RUNNING || member->ready || state != SLOT_READY)
		return;
	member->ready = true;
	LOG(EVENT_worker_ready, worker_field(number), LOG_NUM("child_pid", member->pid),
	    LOG_NUM("generation", generation->id));
}

static bool has_served(const struct slot *slot)
{
	static const enum metric signs[] = {
		METRIC_connections_accepted_total,
		METRIC_connections_ended_total,
		METRIC_messages_total,
	};

	for (size_t i = 0; i < sizeof(signs) / sizeof(*signs); i++)
		if (atomic_load_explicit(&slot->metrics[signs[i]], memory_order_relaxed) > 0)
			return true;
	return false;
}

static void log_death(const struct member *member, unsigned number, int status, bool expected)
{
	if (expected && WIFEXITED(status) && WEXITSTATUS(status) == 0)
		LOG(EVENT_worker_exited, worker_field(number), LOG_NUM("child_pid", member->pid));
	else if (expected && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
		LOG(EVENT_worker_exited, worker_field(number), LOG_NUM("child_pid", member->pid),
		    LOG_NUM("signal", SIGKILL));
	else if (WIFSIGNALED(status))
		LOG(EVENT_worker_crashed, worker_field(number), LOG_NUM("child_pid", member->pid),
		    LOG_NUM("signal", WTERMSIG(status)),
		    LOG_STR("message", strsignal(WTERMSIG(status))));
	else
		LOG(EVENT_worker_crashed, worker_field(number), LOG_NUM("child_pid", member->pid),
		    LOG_NUM("code", WEXITSTATUS(status)));
}

static void fail(struct err *err, unsigned number, int status)
{
	if (WIFSIGNALED(status))
		err_set(err, CODE_OSERR, "worker %u died before it was ready (signal %d, %s)",
			number, WTERMSIG(status), strsignal(WTERMSIG(status)));
	else
		err_set(err, CODE_OSERR,
			"worker %u left before it was ready (exit code %d; the log says why)",
			number, WEXITSTATUS(status));
}

void member_bury(struct roster *roster, struct generation *generation, unsigned number, int status,
		 int64_t now_ms)
{
	struct member *member = &generation->members[number];
	struct slot *slot = &generation->slots[number];
	bool progressed = has_served(slot);
	bool expected = member->state == MEMBER_RETIRING;
	bool was_ready, hopeless = WIFEXITED(status) && WEXITSTATUS(status) == CODE_NO_RESPAWN;

	member_look(generation, number);
	was_ready = member->ready;
	log_death(member, number, status, expected);
	if (!expected)
		atomic_fetch_add_explicit(&roster->board->crashes, 1, memory_order_relaxed);
	member->pid = 0;
	member->ready = false;
	scoreboard_fold(roster->board, slot);
	STORE(slot->pid, 0);
	STORE(slot->state, SLOT_EMPTY);
	if (expected) {
		vacate(member);
	} else if (generation == roster->starting && (!was_ready || hopeless)) {
		fail(&generation->failure, number, status);
		vacate(member);
	} else if (hopeless) {
		err_set(&roster->fatal, CODE_OSERR,
			"worker %u says that the next one would fail alike (exit code %d)", number,
			CODE_NO_RESPAWN);
		vacate(member);
	} else {
		atomic_fetch_add_explicit(&roster->board->respawns, 1, memory_order_relaxed);
		wait_for(member, number, now_ms - member->started_ms, progressed, now_ms);
	}
}

void member_retire(struct generation *generation, unsigned number, int signal, int64_t kill_ms)
{
	struct member *member = &generation->members[number];

	if (member->state == MEMBER_WAITING)
		vacate(member);
	if (member->state == MEMBER_EMPTY)
		return;
	if (member->state == MEMBER_RUNNING)
		LOG(EVENT_worker_retired, worker_field(number), LOG_NUM("child_pid", member->pid));
	member->state = MEMBER_RETIRING;
	if (member->kill_ms == 0 || kill_ms < member->kill_ms)
		member->kill_ms = kill_ms;
	sys_kill(member->pid, signal);
}

int64_t member_deadline_ms(const struct generation *generation, int64_t now_ms)
{
	return now_ms + generation->conf->shutdown_timeout + MEMBER_MARGIN_MS;
}
