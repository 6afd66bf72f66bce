/* SPDX-License-Identifier: MIT */
/* The life of one member. Must not wait, and must not look at other members. */
#include "master/member.h"

#include "base/log.h"
#include "base/sys.h"
#include "config/signals.h"

enum { KEEPER_LEAVE_MS = 2000 }; /* between a keeper's order to leave and its SIGKILL */

#define BIT(state) (1U << MEMBER_##state)

enum {
	RUNNING = BIT(STARTING) | BIT(READY) | BIT(HUNG_STARTING) | BIT(HUNG_READY),
	STAYING = RUNNING | BIT(BACKOFF) | BIT(RECOVERING) | BIT(RENEWING_KEEPER),
	ENDING = BIT(ENDING) | BIT(HUNG_ENDING) | BIT(DISMISSING_KEEPER),
	LEAVING = ENDING | BIT(DRAINING) | BIT(HUNG_DRAINING) | BIT(RECOVERING_TO_DRAIN),
	HUNG = BIT(HUNG_STARTING) | BIT(HUNG_READY) | BIT(HUNG_DRAINING) | BIT(HUNG_ENDING),
	BEATING = BIT(STARTING) | BIT(READY) | BIT(DRAINING) | BIT(ENDING),
	GONE = BIT(EMPTY) | BIT(DISMISSING_KEEPER),
	DEAD = GONE | BIT(BACKOFF) | BIT(RECOVERING) | BIT(RENEWING_KEEPER)
};

/* The picture of member.h: the states that may follow each state. */
static const unsigned next_states[MEMBER_STATES] = {
	[MEMBER_EMPTY] = BIT(BACKOFF),
	[MEMBER_BACKOFF] = BIT(STARTING) | GONE,
	[MEMBER_RECOVERING] = BIT(STARTING) | BIT(RECOVERING_TO_DRAIN) | BIT(BACKOFF) | GONE,
	[MEMBER_RENEWING_KEEPER] = BIT(BACKOFF) | BIT(DISMISSING_KEEPER),
	[MEMBER_STARTING] = BIT(READY) | BIT(HUNG_STARTING) | BIT(DRAINING) | DEAD,
	[MEMBER_READY] = BIT(HUNG_READY) | BIT(DRAINING) | DEAD,
	[MEMBER_HUNG_STARTING] = BIT(HUNG_READY) | BIT(HUNG_DRAINING) | DEAD,
	[MEMBER_HUNG_READY] = BIT(HUNG_DRAINING) | DEAD,
	[MEMBER_DRAINING] = BIT(HUNG_DRAINING) | BIT(ENDING) | BIT(RECOVERING_TO_DRAIN) | GONE,
	[MEMBER_HUNG_DRAINING] = BIT(HUNG_ENDING) | BIT(RECOVERING_TO_DRAIN) | GONE,
	[MEMBER_RECOVERING_TO_DRAIN] = BIT(DRAINING) | GONE,
	[MEMBER_ENDING] = BIT(HUNG_ENDING) | GONE,
	[MEMBER_HUNG_ENDING] = GONE,
	[MEMBER_DISMISSING_KEEPER] = BIT(EMPTY) | BIT(ENDING),
};

static bool is_in(const struct member *member, unsigned states)
{
	return (states & 1U << member->state) != 0;
}

bool member_is_staying(const struct member *member)
{
	return is_in(member, STAYING);
}

bool member_is_running(const struct member *member)
{
	return is_in(member, RUNNING);
}

bool member_is_ready(const struct member *member)
{
	return is_in(member, BIT(READY) | BIT(HUNG_READY));
}

bool member_is_leaving(const struct member *member)
{
	return is_in(member, LEAVING);
}

bool member_is_alive(const struct member *member)
{
	return is_in(member, RUNNING | LEAVING);
}

bool member_is_hung(const struct member *member)
{
	return is_in(member, HUNG);
}

bool member_must_beat(const struct member *member)
{
	return is_in(member, BEATING);
}

bool member_is_ending(const struct member *member)
{
	return is_in(member, ENDING);
}

bool member_wants_worker(const struct member *member)
{
	return is_in(member, BIT(BACKOFF) | BIT(RECOVERING) | BIT(RECOVERING_TO_DRAIN));
}

/* The only function that changes a member's state. */
static void set_state(struct member *member, enum member_state next)
{
	BUG_ON((next_states[member->state] & 1U << next) == 0);
	member->state = next;
}

/*
 * SIGCONT comes before an order, never after it: a later one would end the stop by which a leak
 * check looks at a process that has obeyed (ptrace(2)), and both would wait for ever.
 */
void member_kill(const struct member *member, int signal)
{
	if (member->program) /* a stopped copy would not act on it, and nothing else looks at it */
		sys_kill(-member->pid, SIGCONT);
	/* A group has its leader's id: no other process has it until the leader is reaped. */
	if (!member->program || sys_kill(-member->pid, signal) < 0)
		sys_kill(member->pid, signal);
}

/* Names the worker, or the copy and its program, before one more field. */
static void log_member(const struct member *member, enum log_event of_worker,
		       enum log_event of_copy, struct log_field more)
{
	if (member->program)
		LOG(of_copy, LOG_STR("program", member->program), LOG_NUM("copy", member->number),
		    more);
	else
		LOG(of_worker, LOG_NUM("worker", member->number), more);
}

void member_want(struct member *member, unsigned seat, int64_t now_ms)
{
	set_state(member, MEMBER_BACKOFF);
	member->seat = seat;
	member->due_ms = now_ms;
}

void member_started(struct member *member, int64_t now_ms)
{
	bool drains = member->state == MEMBER_RECOVERING_TO_DRAIN;

	set_state(member, drains ? MEMBER_DRAINING : MEMBER_STARTING);
	member->started_ms = member->grace_ms = now_ms;
	member->kill_ms = drains ? member->deadline_ms : 0;
}

bool member_note_ready(struct member *member)
{
	if (member->state == MEMBER_STARTING)
		set_state(member, MEMBER_READY);
	else if (member->state == MEMBER_HUNG_STARTING)
		set_state(member, MEMBER_HUNG_READY);
	else
		return false;
	return true;
}

void member_hang(struct member *member, int64_t kill_ms)
{
	static const enum member_state hung[MEMBER_STATES] = {
		[MEMBER_STARTING] = MEMBER_HUNG_STARTING,
		[MEMBER_READY] = MEMBER_HUNG_READY,
		[MEMBER_DRAINING] = MEMBER_HUNG_DRAINING,
		[MEMBER_ENDING] = MEMBER_HUNG_ENDING,
	};

	BUG_ON(!is_in(member, BEATING));
	set_state(member, hung[member->state]);
	if (member->kill_ms == 0 || member->kill_ms > kill_ms)
		member->kill_ms = kill_ms;
}

/* A stopped keeper would not act on the order. */
static void dismiss_keeper(struct member *member, enum member_state next, int64_t kill_ms)
{
	set_state(member, next);
	member->kill_ms = kill_ms;
	sys_kill(member->keeper, SIGCONT);
	sys_kill(member->keeper, SIGNAL_KEEPER_LEAVE);
}

/* worker_exit.c has counted all connections of the arena by then. */
static void free_place(struct member *member)
{
	BUG_ON(member->held > 0);
	set_state(member, MEMBER_EMPTY);
	if (member->arena)
		arena_free(member->arena);
	*member = (struct member){ .state = MEMBER_EMPTY,
				   .number = member->number,
				   .program = member->program };
}

static void leave_place(struct member *member, int64_t kill_ms)
{
	if (member->keeper == 0)
		free_place(member);
	else
		dismiss_keeper(member, MEMBER_DISMISSING_KEEPER, kill_ms);
}

void member_leave(struct member *member, int64_t now_ms)
{
	leave_place(member, now_ms + KEEPER_LEAVE_MS);
}

void member_respawn(struct member *member, bool renew, bool progressed, int64_t now_ms)
{
	int64_t delay_ms =
		respawn_backoff_ms(&member->respawn, now_ms - member->started_ms, progressed);
	bool is_held = member->keeper > 0 && member->held > 0;

	/* The keeper holds connections, and their clients wait. */
	if (is_held && delay_ms > MEMBER_KEPT_MOST_MS)
		delay_ms = MEMBER_KEPT_MOST_MS;
	member->due_ms = now_ms + delay_ms;
	if (is_in(member, BIT(DRAINING) | BIT(HUNG_DRAINING))) {
		set_state(member, MEMBER_RECOVERING_TO_DRAIN);
		member->kill_ms = member->deadline_ms;
	} else if (renew && member->keeper > 0) {
		dismiss_keeper(member, MEMBER_RENEWING_KEEPER, now_ms + KEEPER_LEAVE_MS);
	} else if (is_in(member, RUNNING)) {
		set_state(member, is_held ? MEMBER_RECOVERING : MEMBER_BACKOFF);
		member->kill_ms = 0;
	}
	if (delay_ms > 0)
		log_member(member, EVENT_worker_respawn_delayed, EVENT_program_respawn_delayed,
			   LOG_NUM("delay_ms", delay_ms));
}

void member_keeper_gone(struct member *member)
{
	if (is_in(member, LEAVING)) {
		free_place(member);
	} else if (is_in(member, BIT(RENEWING_KEEPER) | BIT(RECOVERING))) {
		set_state(member, MEMBER_BACKOFF);
		member->kill_ms = 0;
	}
}

/* The connections that the worker leaves are lost: its time is over, or the stop is a fast one. */
static void give_up_worker(struct member *member)
{
	if (member->pid == 0 && member->state != MEMBER_DISMISSING_KEEPER)
		set_state(member, MEMBER_DISMISSING_KEEPER);
	else if (member->state == MEMBER_DRAINING)
		set_state(member, MEMBER_ENDING);
	else if (member->state == MEMBER_HUNG_DRAINING)
		set_state(member, MEMBER_HUNG_ENDING);
}

void member_learn_pid(struct member *member, pid_t pid, int64_t now_ms)
{
	member->pid = pid;
	member->grace_ms = now_ms;
	if (member->state == MEMBER_DISMISSING_KEEPER)
		set_state(member, MEMBER_ENDING);
	if (is_in(member, LEAVING) && member->retire_signal > 0)
		member_kill(member, member->retire_signal);
}

void member_signal(struct member *member, int signal)
{
	bool is_fast = signal == SIGINT || signal == SIGKILL;

	if (is_in(member, LEAVING) &&
	    (is_fast || signal == SIGQUIT || signal == SIGNAL_WORKER_MOVE))
		member->retire_signal = signal;
	if (is_in(member, LEAVING) && is_fast)
		give_up_worker(member);
	if (member->pid > 0)
		member_kill(member, signal);
	else if (member->state == MEMBER_DISMISSING_KEEPER)
		sys_kill(member->keeper, signal == SIGKILL ? SIGKILL : SIGNAL_KEEPER_LEAVE);
}

bool member_kill_due(struct member *member, int64_t now_ms)
{
	if (member->kill_ms == 0 || member->kill_ms > now_ms)
		return false;
	member->kill_ms = 0;
	if (member->pid > 0)
		member_kill(member, SIGKILL);
	else if (member->keeper > 0)
		sys_kill(member->keeper, SIGKILL);
	if (!is_in(member, LEAVING) || is_in(member, HUNG))
		return false;
	give_up_worker(member);
	if (member->pid > 0)
		log_member(member, EVENT_shutdown_timed_out, EVENT_program_killed,
			   LOG_NUM("child_pid", member->pid));
	return true;
}

/* The deadline is the earliest that was ever set; kill_ms may be set anew once it has passed. */
static void set_deadline(struct member *member, int64_t kill_ms)
{
	if (member->deadline_ms == 0 || kill_ms < member->deadline_ms)
		member->deadline_ms = kill_ms;
	if (member->kill_ms == 0 || kill_ms < member->kill_ms)
		member->kill_ms = kill_ms;
}

/* A worker that has died has no pid: the one that recovers its connections will leave. */
static void log_retired(const struct member *member)
{
	log_member(member, EVENT_worker_retired, EVENT_program_retired,
		   LOG_NUM("child_pid", is_in(member, RUNNING) ? member->pid : 0));
}

void member_retire(struct member *member, int signal, int64_t kill_ms)
{
	if (member->state == MEMBER_EMPTY)
		return;
	if (is_in(member, BIT(BACKOFF) | BIT(RENEWING_KEEPER))) {
		leave_place(member, kill_ms);
		return;
	}
	if (member->state == MEMBER_RECOVERING) {
		log_retired(member);
		set_state(member, MEMBER_RECOVERING_TO_DRAIN);
		member->due_ms = 0; /* a back-off is for workers that stay */
	} else if (is_in(member, RUNNING)) {
		log_retired(member);
		set_state(member, is_in(member, HUNG) ? MEMBER_HUNG_DRAINING : MEMBER_DRAINING);
	}
	set_deadline(member, kill_ms);
	if (signal > 0)
		member_signal(member, signal);
}
