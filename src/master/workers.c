/* SPDX-License-Identifier: MIT */
/*
 * Deals out slots, and starts, kills and reaps all members that are due. Must not decide what
 * follows a death, nor how many workers there are.
 */
#include "master/workers.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/sys.h"
#include "config/signals.h"
#include "master/children.h"
#include "master/enlist.h"
#include "master/helper/helpers.h"
#include "master/program/copies.h"
#include "master/program/programs.h"
#include "master/program/socket_state.h"
#include "master/spawn.h"
#include "master/worker_exit.h"

/* A worker in an attacker's hands may leave the master any number of children (CLONE_PARENT). */
enum { UNKNOWN_AT_ONCE = 32, UNKNOWN_LOG_MS = 1000, BELLS_AT_ONCE = 64 };

/* The end of the first generation that has one of `capacity` slots from `first` on, or 0. */
static unsigned find_overlap(const struct procs *procs, unsigned first, unsigned capacity)
{
	for (struct generation *g = procs_next(procs, NULL); g; g = procs_next(procs, g))
		if (first < g->first_slot + g->capacity && g->first_slot < first + capacity)
			return g->first_slot + g->capacity;
	return 0;
}

/* Edge-triggered: the master never reads an eventfd, which a worker could make block (epoll(7)). */
static bool watch_bells(const struct procs *procs, const struct generation *generation)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLET };

	for (unsigned i = 0; i < generation->capacity; i++)
		if (sys_epoll_ctl(procs->bells, EPOLL_CTL_ADD, generation->wires[i].fds[WIRE_BELL],
				  &event) < 0)
			return false;
	return helper_set_watch(&generation->helpers, procs->bells);
}

void workers_clear_bells(const struct procs *procs)
{
	struct epoll_event rung[BELLS_AT_ONCE];

	(void)sys_epoll_wait(procs->bells, rung, BELLS_AT_ONCE, 0);
}

bool workers_begin(struct procs *procs, struct generation *generation, int64_t now_ms,
		   struct err *err)
{
	unsigned first = 0, end;

	while ((end = find_overlap(procs, first, generation->capacity)))
		first = end;
	if (first + generation->capacity > SCOREBOARD_SLOTS)
		return err_set(err, CODE_OSERR,
			       "there is no room for %u more workers beside those that are still "
			       "leaving (wait for them, or shorten shutdown_timeout)",
			       generation->wanted);
	if (!scoreboard_use(procs->board, first + generation->capacity, generation->capacity))
		return err_errno(err, CODE_OSERR, "the scoreboard has no room for %u more workers",
				 generation->wanted);
	if (!watch_bells(procs, generation))
		return err_errno(err, CODE_OSERR, "cannot watch the bells of %u workers",
				 generation->wanted);
	if (!enlist_servers(procs->board, generation->conf, err))
		return false;
	generation->first_slot = first;
	generation->slots = procs->board->slots + first;
	generation->infos = procs->board->infos + first;
	generation->id = ++procs->last_id;
	enlist_listeners(procs->board, generation);
	generation_find_served(generation);
	for (unsigned number = 0; number < generation->wanted; number++)
		member_want(&generation->members[number], number, now_ms);
	socket_state_hand_over(procs, generation);
	programs_begin(generation->programs, procs->loop, procs->board, generation->id, now_ms);
	procs->starting = generation;
	return true;
}

struct generation *workers_promote(struct procs *procs)
{
	struct generation *old = procs->current;

	procs->current = procs->starting;
	procs->starting = NULL;
	cell_set(&procs->board->server.generation, procs->current->id);
	enlist_limits(procs->board, procs->current);
	programs_put_in_force(procs->current->programs, procs->board);
	enlist_put_servers_in_force(procs->board, procs->current->conf);
	return old;
}

void workers_retire(struct procs *procs, struct generation *generation, int signal, int64_t kill_ms)
{
	BUG_ON(generation->listeners);
	for (unsigned number = 0; number < generation->capacity; number++)
		member_retire(&generation->members[number], signal, kill_ms);
	programs_retire(generation->programs);
	if (generation == procs->current)
		procs->current = NULL;
	if (generation == procs->starting)
		procs->starting = NULL;
	generation->wanted = 0;
	generation->next = procs->retiring;
	procs->retiring = generation;
}

/* Returns a dead child not reaped yet, of all or of that pid; or 0. */
static pid_t next_dead(idtype_t which, pid_t pid)
{
	siginfo_t info = { 0 };

	while (sys_waitid(which, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) < 0)
		if (errno != EINTR)
			return 0;
	return info.si_pid;
}

/* Returns true when it was a child that the master has not made. */
static bool reap_child(struct procs *procs, pid_t pid, int64_t now_ms)
{
	struct generation *generation;
	unsigned number;
	int status;

	/* No other process has its pid until it is reaped: read_signals may signal it. */
	if (procs->read_signals)
		procs->read_signals(procs->owner);
	/* A kept worker may die before the master has noted its pid. */
	workers_look(procs);
	copies_end_group(procs, pid);
	if (sys_waitpid(pid, &status, 0) != pid)
		return false;
	if (pid == procs->closer)
		procs->closer = 0;
	else if (children_find_member(procs, pid, &generation, &number))
		worker_exit_handle(procs, generation, number, pid, status, now_ms);
	else if (helpers_reap(procs, pid, status, now_ms) ||
		 copies_reap(procs, pid, status, now_ms))
		return false;
	else if (!procs->other || !procs->other(procs->owner, pid, status))
		return true;
	return false;
}

static void reap_if_dead(struct procs *procs, pid_t pid, int64_t now_ms)
{
	if (pid > 0 && next_dead(P_PID, pid) == pid)
		reap_child(procs, pid, now_ms);
}

/* Each is waited for by its pid, however many unknown children are dead too. */
static void reap_members(struct procs *procs, int64_t now_ms)
{
	for (struct generation *g = procs_next(procs, NULL); g; g = procs_next(procs, g))
		for (unsigned i = 0; i < g->capacity; i++) {
			reap_if_dead(procs, g->members[i].pid, now_ms);
			reap_if_dead(procs, g->members[i].keeper, now_ms);
		}
	for (struct generation *g = procs_next(procs, NULL); g; g = procs_next(procs, g))
		for (unsigned i = 0; i < g->helpers.count; i++)
			reap_if_dead(procs, g->helpers.list[i].pid, now_ms);
	for (pid_t pid = copies_next_pid(procs, 0), next; pid > 0; pid = next) {
		next = copies_next_pid(procs, pid);
		reap_if_dead(procs, pid, now_ms);
	}
}

/* One line a second, however many there are. */
static void log_unknown(struct procs *procs, int64_t now_ms)
{
	struct unknown_children *unknown = &procs->unknown;

	if (unknown->count == 0 || now_ms < unknown->logged_ms + UNKNOWN_LOG_MS)
		return;
	LOG(EVENT_stranger_reaped, LOG_NUM("child_pid", unknown->last),
	    LOG_NUM("children", unknown->count));
	unknown->logged_ms = now_ms;
	unknown->count = 0;
}

void workers_reap(struct procs *procs, int64_t now_ms)
{
	unsigned reaped = 0;
	pid_t pid;

	while (reaped < UNKNOWN_AT_ONCE && (pid = next_dead(P_ALL, 0)) > 0) {
		if (!reap_child(procs, pid, now_ms))
			continue;
		procs->unknown.last = pid;
		procs->unknown.count++;
		reaped++;
	}
	procs->has_more = reaped == UNKNOWN_AT_ONCE;
	if (procs->has_more)
		reap_members(procs, now_ms);
	log_unknown(procs, now_ms);
}

static void start_due(struct procs *procs, struct generation *generation, int64_t now_ms)
{
	for (unsigned number = 0; number < generation->capacity; number++) {
		const struct member *member = &generation->members[number];

		/* A generation that has failed starts no worker, but finishes its connections. */
		if (member_wants_worker(member) && member->due_ms <= now_ms &&
		    (member_is_leaving(member) || generation->failure.text[0] == '\0'))
			spawn_start(procs, generation, number, now_ms);
	}
}

void workers_start_due(struct procs *procs, int64_t now_ms)
{
	for (struct generation *g = procs_next(procs, NULL); g; g = procs_next(procs, g))
		start_due(procs, g, now_ms);
	helpers_start_due(procs, now_ms);
	copies_start_due(procs, now_ms);
}

void workers_kill_due(struct procs *procs, int64_t now_ms)
{
	for (struct generation *g = procs_next(procs, NULL); g; g = procs_next(procs, g))
		for (unsigned number = 0; number < g->capacity; number++)
			member_kill_due(&g->members[number], now_ms);
	helpers_kill_due(procs, now_ms);
}

void workers_look(struct procs *procs)
{
	for (struct generation *g = procs_next(procs, NULL); g; g = procs_next(procs, g))
		for (unsigned number = 0; number < g->capacity; number++)
			spawn_look(procs, g, number);
	helpers_look(procs);
}

void workers_sweep(struct procs *procs)
{
	struct generation **link = &procs->retiring;

	while (*link) {
		struct generation *generation = *link;

		if (generation_count(generation, member_is_alive) > 0 ||
		    programs_alive(generation->programs) > 0 ||
		    !helper_set_leave(&generation->helpers,
				      procs->is_stopping ? SIGNAL_HELPER_STOP : SIGNAL_HELPER_LEAVE,
				      clock_ms())) {
			link = &generation->next;
			continue;
		}
		if (!spawn_closer(procs, generation))
			break;
		*link = generation->next;
		enlist_leave_servers(procs->board, generation->conf);
		generation_free(generation);
	}
	spawn_end_closer(procs, clock_ms());
}

void workers_signal(const struct procs *procs, int signal)
{
	for (struct generation *g = procs_next(procs, NULL); g; g = procs_next(procs, g))
		for (unsigned number = 0; number < g->capacity; number++)
			member_signal(&g->members[number], signal);
	if (signal == SIGINT || signal == SIGKILL)
		copies_hurry(procs, signal == SIGKILL);
}

/* A dead worker whose connections wait for the next one is STARTING. */
bool workers_has_retiring(const struct procs *procs, uint32_t from, uint32_t to)
{
	for (const struct generation *g = procs->retiring; g; g = g->next)
		for (unsigned number = 0; number < g->capacity; number++) {
			uint32_t state = scoreboard_state(procs->board, g->first_slot + number);
			const struct member *member = &g->members[number];

			if ((member->pid > 0 || member->held > 0) && state >= from && state <= to)
				return true;
		}
	return false;
}

uint32_t workers_retiring_live(const struct procs *procs)
{
	uint32_t live = 0;

	for (const struct generation *g = procs->retiring; g; g = g->next)
		for (unsigned number = 0; number < g->capacity; number++)
			if (member_is_leaving(&g->members[number]))
				live += atomic_load_explicit(&g->slots[number].live,
							     memory_order_relaxed);
	return live;
}

unsigned workers_alive(const struct procs *procs)
{
	unsigned alive = 0;

	for (struct generation *g = procs_next(procs, NULL); g; g = procs_next(procs, g))
		alive += generation_count(g, member_is_alive) + programs_alive(g->programs);
	return alive;
}

int64_t workers_due_ms(const struct procs *procs, int64_t otherwise_ms)
{
	int64_t due_ms = procs->has_more ? 0 : otherwise_ms;

	if (procs->unknown.count > 0 && procs->unknown.logged_ms + UNKNOWN_LOG_MS < due_ms)
		due_ms = procs->unknown.logged_ms + UNKNOWN_LOG_MS;
	if (procs->closer > 0 && procs->closer_kill_ms < due_ms)
		due_ms = procs->closer_kill_ms;
	due_ms = copies_due_ms(procs, due_ms);
	for (struct generation *g = procs_next(procs, NULL); g; g = procs_next(procs, g))
		for (unsigned number = 0; number < g->capacity; number++) {
			const struct member *member = &g->members[number];

			if (member_wants_worker(member) && member->due_ms < due_ms)
				due_ms = member->due_ms;
			if (member->kill_ms > 0 && member->kill_ms < due_ms)
				due_ms = member->kill_ms;
		}
	return helpers_due_ms(procs, due_ms);
}

bool workers_more(struct procs *procs, int64_t now_ms)
{
	struct generation *generation = procs->current;
	int number = generation ? generation_vacancy(generation) : -1;

	if (number < 0)
		return false;
	member_want(&generation->members[number], generation_seat(generation), now_ms);
	generation->wanted++;
	return true;
}

bool workers_less(struct procs *procs, int64_t now_ms)
{
	if (!procs->current || procs->current->wanted <= 1)
		return false;
	procs->current->wanted--;
	workers_trim(procs->current, now_ms);
	return true;
}

/*
 * The member to retire first: one that waits, else one of two in the same seat, else the one in the
 * highest seat, so that the lowest seats are all taken.
 */
static int find_dispensable(const struct generation *generation)
{
	unsigned most = 0;
	int found = -1;

	for (unsigned number = 0; number < generation->capacity; number++) {
		const struct member *member = &generation->members[number];
		unsigned rank = member->seat;

		if (!member_is_staying(member))
			continue;
		if (!member_is_running(member))
			return (int)number;
		if (generation_seated(generation, member->seat) > 1)
			rank += generation->capacity;
		if (found >= 0 && rank < most)
			continue;
		most = rank;
		found = (int)number;
	}
	return found;
}

/* Where no worker is to stay, none takes the connections of another. */
void workers_trim(struct generation *generation, int64_t now_ms)
{
	int signal = generation->wanted > 0 ? generation_retire_signal(generation->conf) : SIGQUIT;

	while (generation_count(generation, member_is_staying) > generation->wanted)
		member_retire(&generation->members[find_dispensable(generation)], signal,
			      generation_deadline_ms(generation, now_ms));
}
