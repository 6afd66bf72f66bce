/* SPDX-License-Identifier: MIT */
/*
 * Judges deaths, and writes the crash report on the connection in hand. Must not start or signal
 * any process: member.c does, by the decisions made here. Reads the arena of a dead worker, which
 * may be damaged, only through worker/recovery/ and worker/record_check.
 */
#include "master/worker_exit.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/sys.h"
#include "master/spawn.h"
#include "master/trial/prestart.h"
#include "net/ban.h"
#include "stats/scoreboard.h"
#include "stats/servers.h"
#include "worker/door/arrival.h"
#include "worker/record_check.h"
#include "worker/recovery/recovery.h"

static void keep_note(struct scoreboard *board, const struct crash_note *note)
{
	uint32_t count = atomic_load_explicit(&board->crash_count, memory_order_relaxed);

	board->crash_notes[count % SCOREBOARD_CRASHES] = *note;
	atomic_store_explicit(&board->crash_count, count + 1, memory_order_release);
}

static void describe_in_hand(struct crash_note *note, const struct recovery_in_hand *hand)
{
	char remote[ADDR_TEXT];

	snprintf(note->remote, sizeof(note->remote), "%s",
		 net_write(&hand->remote, hand->remote_port, remote));
	if (!hand->conf)
		return;
	snprintf(note->listen, sizeof(note->listen), "%s", hand->conf->address);
	snprintf(note->service, sizeof(note->service), "%s", hand->conf->service);
	snprintf(note->state, sizeof(note->state), "%s", scoreboard_conn_state_name(hand->state));
	note->age_ms = hand->age_ms;
	note->bytes_in = hand->bytes_in;
	note->bytes_out = hand->bytes_out;
}

static void log_note(const struct crash_note *note)
{
	LOG(EVENT_crash_reported, LOG_NUM("worker", note->worker), LOG_NUM("child_pid", note->pid),
	    LOG_STR("listen", note->listen), LOG_STR("service", note->service),
	    LOG_STR("remote", note->remote), LOG_NUM("age_ms", note->age_ms),
	    LOG_NUM("bytes_in", note->bytes_in), LOG_NUM("bytes_out", note->bytes_out),
	    LOG_STR("state", note->state), LOG_STR("last_call", note->last_call));
}

static void ban_address(struct scoreboard *board, const struct conf *conf,
			const struct recovery_in_hand *hand, int64_t now_ms)
{
	int64_t length_ms = ban_note(&board->bans, conf, &hand->remote, now_ms);
	char remote[ADDR_TEXT], *port;

	if (length_ms == 0)
		return;
	net_write(&hand->remote, 0, remote);
	port = strrchr(remote, ':'); /* any port of the address */
	if (port)
		*port = '\0';
	LOG(EVENT_address_penalized, LOG_STR("remote", remote), LOG_NUM("ms", length_ms));
}

/*
 * SIGKILL has a cause outside the connection in hand, except that it also ends a hang. A worker
 * whose loop has not turned has only taken over its predecessor's connections.
 */
static bool is_its_fault(const struct slot *slot, const struct member *member, int status)
{
	static const int faults[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGSYS };

	if (!WIFSIGNALED(status) || atomic_load_explicit(&slot->turns, memory_order_relaxed) == 0)
		return false;
	for (size_t i = 0; i < sizeof(faults) / sizeof(*faults); i++)
		if (WTERMSIG(status) == faults[i])
			return true;
	return member_is_hung(member);
}

/*
 * Logs the dead worker's connection in hand, keeps it among the scoreboard's last crashes, and
 * counts it against the client's address, if that is known.
 */
static void report_crash(struct procs *procs, const struct generation *generation, unsigned number,
			 int status, int64_t now_ms)
{
	const struct member *member = &generation->members[number];
	struct crash_note note = { .at_s = time(NULL),
				   .worker = number,
				   .pid = (uint32_t)member->pid,
				   .signal = WIFSIGNALED(status) ? (uint32_t)WTERMSIG(status) : 0,
				   .hung = member_is_hung(member) };
	struct recovery_in_hand hand;

	recovery_in_hand(member->arena, &generation->slots[number], generation->conf, now_ms,
			 &hand);
	snprintf(note.last_call, sizeof(note.last_call), "%s", hand.last_call);
	if (hand.has_remote)
		describe_in_hand(&note, &hand);
	keep_note(procs->board, &note);
	if (!hand.has_remote)
		return;
	log_note(&note);
	if (is_its_fault(&generation->slots[number], member, status) && !hand.is_proxy)
		ban_address(procs->board, generation->conf, &hand, now_ms);
}

/* A connection that has moved in may send nothing and get all, as one of chargen does. */
static bool has_served(const struct slot *slot)
{
	return metric_sum(&slot->tally, METRIC_connections_accepted_total) > 0 ||
	       metric_sum(&slot->tally, METRIC_connections_moved_in_total) > 0 ||
	       metric_sum(&slot->tally, METRIC_messages_total) > 0 ||
	       metric_sum(&slot->tally, METRIC_bytes_in_total) > 0;
}

static void log_death(const struct member *member, unsigned number, int status, bool expected)
{
	struct log_field worker = LOG_NUM("worker", number);
	struct log_field pid = LOG_NUM("child_pid", member->pid);

	if (expected && WIFEXITED(status) && WEXITSTATUS(status) == 0)
		LOG(EVENT_worker_exited, worker, pid);
	else if (expected && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
		LOG(EVENT_worker_exited, worker, pid, LOG_NUM("signal", SIGKILL));
	else if (WIFSIGNALED(status))
		LOG(EVENT_worker_crashed, worker, pid, LOG_NUM("signal", WTERMSIG(status)),
		    LOG_STR("message", strsignal(WTERMSIG(status))));
	else
		LOG(EVENT_worker_crashed, worker, pid, LOG_NUM("code", WEXITSTATUS(status)));
}

static void blame_worker(struct err *err, unsigned number, int status)
{
	if (WIFSIGNALED(status))
		err_set(err, CODE_OSERR, "worker %u died before it was ready (signal %d, %s)",
			number, WTERMSIG(status), strsignal(WTERMSIG(status)));
	else
		err_set(err, CODE_OSERR,
			"worker %u left before it was ready (exit code %d; the log says why)",
			number, WEXITSTATUS(status));
}

static bool has_finished(int status)
{
	return WIFEXITED(status) && WEXITSTATUS(status) == CODE_OK;
}

/* After a death that the master has not asked for. */
static void decide_next(struct procs *procs, struct generation *generation, unsigned number,
			int status, bool was_ready, bool progressed, int64_t now_ms)
{
	struct member *member = &generation->members[number];
	bool hopeless = WIFEXITED(status) && WEXITSTATUS(status) == CODE_NO_RESPAWN;

	if (generation == procs->starting && (!was_ready || hopeless)) {
		blame_worker(&generation->failure, number, status);
		member_leave(member, now_ms);
	} else if (hopeless) {
		if (!member_is_leaving(member))
			err_set(&procs->fatal, CODE_OSERR,
				"worker %u says that the next one would fail alike (exit code %d)",
				number, CODE_NO_RESPAWN);
		member_leave(member, now_ms);
	} else if (member_is_leaving(member) && member->held == 0) {
		member_leave(member, now_ms);
	} else {
		cell_add(&procs->board->past[number].tally.worker_respawns_total, 1);
		member_respawn(member, has_finished(status), progressed, now_ms);
	}
}

/*
 * A death is expected when the worker was leaving and has finished, its time is over, or neither it
 * nor a keeper holds anything.
 */
static bool is_expected(const struct member *member, int status)
{
	return member_is_leaving(member) && (has_finished(status) || member_is_ending(member) ||
					     (member->keeper == 0 && member->held == 0));
}

/*
 * Counts the connections that the dead worker left open, by its own tally. The worker may have
 * written anything there: a number that no slot can have counts as 0.
 */
static void note_held(const struct generation *generation, unsigned number)
{
	const struct worker_tally *tally = &generation->slots[number].tally;
	struct member *member = &generation->members[number];
	uint64_t held = member->held + metric_sum(tally, METRIC_connections_accepted_total) +
			metric_sum(tally, METRIC_connections_moved_in_total) -
			metric_sum(tally, METRIC_connections_moved_out_total) -
			metric_sum(tally, METRIC_connections_ended_total);

	member->held = held <= (uint64_t)generation->conf->worker_connections ? held : 0;
}

/*
 * True when the receiver has the batch. Otherwise it never gets it: one that has not decided yet
 * sees that the batch is withdrawn, or has lost it to this compare-and-swap (worker/door/door.h).
 */
static bool settle_batch(struct scoreboard *board, unsigned sender, const struct arena_batch *batch)
{
	struct slot *receiver = &board->slots[batch->slot], *own = &board->slots[sender];
	uint64_t deciding = door_note(batch->number, DOOR_DECIDING);

	if (batch->number > (uint64_t)clock_us()) /* no worker has sent it */
		return false;
	if (atomic_load(&own->door_withdrawn) < batch->number)
		atomic_store(&own->door_withdrawn, batch->number);
	if (atomic_compare_exchange_strong(&receiver->door_taken[sender], &deciding,
					   door_note(batch->number,
						     DOOR_REFUSED + STAY_unanswered)))
		return false;
	return door_has_taken(receiver, sender, batch->number);
}

/*
 * The worker died before it let go of a batch of connections that another worker has noted as
 * taken: they have moved. Their records are freed. Returns their number, `most` at most. The arena
 * may hold anything.
 */
static uint32_t free_taken(const struct procs *procs, const struct generation *generation,
			   unsigned number, uint32_t most)
{
	const struct arena *arena = generation->members[number].arena;
	const struct arena_batch *batch = &arena->head->offered;
	unsigned own = generation->first_slot + number;
	uint32_t taken = 0, index = 0;
	struct record *r;

	if (batch->slot >= SCOREBOARD_SLOTS || batch->cause >= MOVE_CAUSES ||
	    !settle_batch(procs->board, own, batch))
		return 0;
	while (taken < most && (r = record_check_next(arena, &index))) {
		if (r->passage != PASSAGE_OFFERED)
			continue;
		r->magic = 0;
		taken++;
	}
	cell_add(&procs->board->past[number].tally.connections_moved_out_total[batch->cause],
		 taken);
	return taken;
}

/*
 * The death of the last of worker and keeper closes their connections, which are counted only here.
 */
static void discard_connections(struct procs *procs, const struct generation *generation,
				unsigned number)
{
	struct member *member = &generation->members[number];
	struct worker_tally *past = &procs->board->past[number].tally;
	uint32_t lost = (uint32_t)member->held;

	if (member->pid > 0 || member->keeper > 0)
		return;
	if (member->arena)
		lost -= free_taken(procs, generation, number, lost);
	member->held = 0;
	scoreboard_set_live(&generation->slots[number], NULL);
	server_forget_slot(procs->board, generation->first_slot + number);
	if (lost > 0)
		LOG(EVENT_connections_lost, LOG_NUM("worker", number), LOG_NUM("lost", lost));
	cell_add(&past->connections_lost_total, lost);
	cell_add(&past->connections_ended_total[CLOSE_worker_lost], lost);
	if (member->arena)
		record_check_log_lost(member->arena, generation->conf,
				      prestart_log_owner(&generation->identity), generation->id,
				      number, lost, past);
}

static void clear_slot(struct procs *procs, struct generation *generation, unsigned number)
{
	struct slot *slot = &generation->slots[number];
	struct slot_info *info = &generation->infos[number];
	bool is_held = generation->members[number].held > 0;
	enum slot_state state = is_held ? SLOT_STARTING : SLOT_EMPTY;
	uint32_t pid = atomic_load(&info->pid);

	keeper_pids_clear(procs->page, generation->first_slot + number);
	scoreboard_fold(procs->board, slot, number);
	if (pid > 0) /* not once more when its keeper goes */
		atomic_store(&info->last_pid, pid);
	atomic_store(&info->pid, 0);
	/* A keeper's connections are open, and shown, until the next worker takes them. */
	atomic_store_explicit(&slot->state, state, memory_order_relaxed);
	atomic_store_explicit(&info->is_taken, is_held, memory_order_release);
	hints_set(&generation->hints, number, (struct hint){ .state = (uint8_t)state });
}

static void note_exit(struct past *past, int status)
{
	atomic_store_explicit(&past->exit_status, (uint32_t)status, memory_order_relaxed);
	atomic_store_explicit(&past->exited_s, time(NULL), memory_order_release);
}

static void handle_worker(struct procs *procs, struct generation *generation, unsigned number,
			  int status, int64_t now_ms)
{
	struct member *member = &generation->members[number];
	bool progressed = has_served(&generation->slots[number]);
	bool expected, was_ready;

	note_held(generation, number);
	expected = is_expected(member, status);
	spawn_look(procs, generation, number);
	was_ready = member_is_ready(member);
	log_death(member, number, status, expected);
	if (!expected) {
		cell_add(&procs->board->past[number].tally.worker_crashes_total, 1);
		if (!member_is_hung(member))
			scoreboard_mark(procs->board, MARK_CRASH, number);
		report_crash(procs, generation, number, status, now_ms);
	}
	member->pid = 0;
	note_exit(&procs->board->past[number], status);
	discard_connections(procs, generation, number);
	clear_slot(procs, generation, number);
	if (expected)
		member_leave(member, now_ms);
	else
		decide_next(procs, generation, number, status, was_ready, progressed, now_ms);
}

static void log_keeper(unsigned number, pid_t pid, int status)
{
	struct log_field worker = LOG_NUM("worker", number);

	if (WIFSIGNALED(status))
		LOG(EVENT_keeper_died, worker, LOG_NUM("child_pid", pid),
		    LOG_NUM("signal", WTERMSIG(status)));
	else
		LOG(EVENT_keeper_died, worker, LOG_NUM("child_pid", pid),
		    LOG_NUM("code", WEXITSTATUS(status)));
}

static void handle_keeper(struct procs *procs, struct generation *generation, unsigned number,
			  int status, int64_t now_ms)
{
	struct member *member = &generation->members[number];
	pid_t keeper = member->keeper;

	member->keeper = 0;
	discard_connections(procs, generation, number);
	if (member->pid == 0)
		clear_slot(procs, generation, number);
	if (member_is_leaving(member) || member->state == MEMBER_RENEWING_KEEPER) {
		if (member->pid == 0)
			member_keeper_gone(member);
		return;
	}
	log_keeper(number, keeper, status);
	/* A living worker goes on alone; one that was never cloned counts as dead. */
	if (member->state == MEMBER_RECOVERING)
		member_keeper_gone(member);
	else if (member->pid == 0 && member_is_running(member))
		decide_next(procs, generation, number, status, false, false, now_ms);
}

void worker_exit_handle(struct procs *procs, struct generation *generation, unsigned number,
			pid_t pid, int status, int64_t now_ms)
{
	if (generation->members[number].pid == pid)
		handle_worker(procs, generation, number, status, now_ms);
	else
		handle_keeper(procs, generation, number, status, now_ms);
}
