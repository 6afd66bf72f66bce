/* SPDX-License-Identifier: MIT */
/*
 * Checks heartbeats and kills hung workers, SIGABRT now, SIGKILL by kill_ms (member_kill_due), and
 * hung helpers. Must not reap or respawn: worker_exit.c and helpers.c decide what follows.
 */
#include "master/watchdog.h"

#include "base/log.h"
#include "base/sys.h"
#include "master/helper/helpers.h"
#include "worker/door/arrival.h"

enum { LOOK_LEAST_MS = 20, LOOK_MOST_MS = 1000, AHEAD_MS = 10000 };

/* The time between two checks of the generation's workers; 0: no checks. */
static int64_t interval_ms(const struct generation *generation)
{
	int64_t quarter = generation->conf->hang_timeout / 4;

	if (generation->conf->hang_timeout == 0)
		return 0;
	if (quarter < LOOK_LEAST_MS)
		return LOOK_LEAST_MS;
	return quarter < LOOK_MOST_MS ? quarter : LOOK_MOST_MS;
}

int64_t watchdog_due_ms(const struct watchdog *watchdog, const struct procs *procs,
			int64_t otherwise_ms)
{
	int64_t due_ms = otherwise_ms;

	for (struct generation *g = procs_next(procs, NULL); g; g = procs_next(procs, g)) {
		int64_t interval = interval_ms(g);

		if (interval > 0 && watchdog->last_ms + interval < due_ms)
			due_ms = watchdog->last_ms + interval;
	}
	return due_ms;
}

static void kill_hung(struct procs *procs, struct member *member, int64_t silent_ms, int64_t now_ms)
{
	/* Without a worker, the keeper hangs. */
	if (member->pid > 0)
		sys_kill(member->pid, SIGABRT);
	LOG(EVENT_worker_hung, LOG_NUM("worker", member->number), LOG_NUM("child_pid", member->pid),
	    LOG_NUM("silent_ms", silent_ms));
	cell_add(&procs->board->past[member->number].tally.worker_hangs_total, 1);
	scoreboard_mark(procs->board, MARK_HANG, member->number);
	member_hang(member, now_ms + MEMBER_ABORT_MS);
}

static bool is_begun(uint64_t note)
{
	return note > 0 && door_note_is_open(note);
}

/*
 * Since when the worker has been seen to have begun with the same batch of another one, which waits
 * for its decision (worker/door/door.h); INT64_MAX: it has begun with none. It begins with no batch
 * twice.
 */
static int64_t begun_ms(const struct slot *slot, struct member *member, int64_t now_ms)
{
	uint64_t any = 0;

	for (unsigned i = 0; i < SCOREBOARD_SLOTS; i++) {
		uint64_t note = atomic_load_explicit(&slot->door_taken[i], memory_order_relaxed);

		if (is_begun(note) && (any == 0 || note == member->begun_note))
			any = note;
	}
	if (any != member->begun_note)
		member->begun_ms = now_ms;
	member->begun_note = any;
	return any > 0 ? member->begun_ms : INT64_MAX;
}

/* The time of the last sign that the worker does its work. */
static int64_t last_sign_ms(const struct slot *slot, struct member *member, int64_t now_ms)
{
	int64_t beat_ms = atomic_load_explicit(&slot->heartbeat_ms, memory_order_relaxed);
	int64_t first_ms = begun_ms(slot, member, now_ms);

	/* A beat may be later than now_ms, but not by much: workers can write any number there. */
	if (beat_ms < member->grace_ms || beat_ms > now_ms + AHEAD_MS)
		beat_ms = member->grace_ms;
	if (first_ms < member->grace_ms)
		first_ms = member->grace_ms;
	return first_ms < beat_ms ? first_ms : beat_ms;
}

static void check_heartbeat(struct procs *procs, struct generation *generation, unsigned number,
			    int64_t now_ms)
{
	struct member *member = &generation->members[number];
	int64_t beat_ms;

	if (!member_must_beat(member))
		return;
	beat_ms = last_sign_ms(&generation->slots[number], member, now_ms);
	if (now_ms - beat_ms > generation->conf->hang_timeout)
		kill_hung(procs, member, now_ms - beat_ms, now_ms);
}

static void grant_grace(struct generation *generation, int64_t now_ms)
{
	for (unsigned number = 0; number < generation->capacity; number++)
		generation->members[number].grace_ms = now_ms;
	for (unsigned i = 0; i < generation->helpers.count; i++)
		helper_grant(&generation->helpers.list[i], now_ms);
}

void watchdog_look(struct watchdog *watchdog, struct procs *procs, int64_t now_ms)
{
	int64_t away_ms = watchdog->last_ms > 0 ? now_ms - watchdog->last_ms : 0;

	watchdog->last_ms = now_ms;
	for (struct generation *g = procs_next(procs, NULL); g; g = procs_next(procs, g)) {
		if (interval_ms(g) == 0)
			continue;
		if (away_ms > g->conf->hang_timeout / 2)
			grant_grace(g, now_ms);
		for (unsigned number = 0; number < g->capacity; number++)
			check_heartbeat(procs, g, number, now_ms);
		helpers_kill_silent(g, now_ms);
	}
}
