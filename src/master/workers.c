/* SPDX-License-Identifier: MIT */
/*
 * Deals out slots, finds members by pid, and goes through all members for what is due. Must not
 * know why: start, reload, stop and recycling decide.
 */
#include "master/procs.h"

#include "base/log.h"
#include "base/sys.h"
#include "master/spawn.h"
#include "master/worker_exit.h"

/*
 * A worker that is taken over may leave the master any number of children (clone(2), CLONE_PARENT).
 */
enum { STRANGERS_AT_ONCE = 32, STRANGERS_TOLD_MS = 1000, BELLS_AT_ONCE = 64 };

/* Goes through all generations: pass NULL first, then what it returned. */
struct generation *procs_next(const struct procs *roster, const struct generation *after)
{
	if (!after && roster->current)
		return roster->current;
	if ((!after || after == roster->current) && roster->starting)
		return roster->starting;
	if (!after || after == roster->current || after == roster->starting)
		return roster->retiring;
	return after->next;
}

/*
 * The end of the first generation that stands in the way of `capacity` slots from `first` on, or
 * 0.
 */
static unsigned in_the_way(const struct procs *roster, unsigned first, unsigned capacity)
{
	for (struct generation *g = procs_next(roster, NULL); g; g = procs_next(roster, g))
		if (first < g->first_slot + g->capacity && g->first_slot < first + capacity)
			return g->first_slot + g->capacity;
	return 0;
}

static void enlist(struct scoreboard *board, const struct listener_set *set)
{
	char address[ADDR_TEXT];
	unsigned unlisted = 0;

	for (unsigned i = 0; set && i < set->count; i++) {
		struct listener *listener = &set->list[i];

		listener->row = scoreboard_enlist(board, addr_write(&listener->bound, address),
						  listener->conf->service);
		unlisted += listener->row == METRIC_LISTENERS - 1;
	}
	if (unlisted > 0)
		LOG(EVENT_environment_warned, LOG_NUM("listeners", unlisted),
		    LOG_STR("message",
			    "there were so many listeners since the start that these are "
			    "counted together, as other (a restart begins anew)"));
}

/* At the edge: nobody has to read what a worker could make wait (epoll(7)). */
static bool watch_bells(const struct procs *roster, const struct generation *generation)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLET };

	for (unsigned i = 0; i < generation->capacity; i++)
		if (sys_epoll_ctl(roster->bells, EPOLL_CTL_ADD, generation->wires[i].fds[WIRE_BELL],
				  &event) < 0)
			return false;
	return true;
}

void procs_hear_bells(const struct procs *roster)
{
	struct epoll_event rung[BELLS_AT_ONCE];

	(void)sys_epoll_wait(roster->bells, rung, BELLS_AT_ONCE, 0);
}

bool procs_begin(struct procs *roster, struct generation *generation, int64_t now_ms,
		 struct err *err)
{
	unsigned first = 0, end;

	while ((end = in_the_way(roster, first, generation->capacity)))
		first = end;
	if (first + generation->capacity > SCOREBOARD_SLOTS)
		return err_set(err, CODE_OSERR,
			       "there is no room for %u more workers beside those that are still "
			       "leaving (wait for them, or shorten shutdown_timeout)",
			       generation->wanted);
	if (!scoreboard_use(roster->board, first + generation->capacity, generation->capacity))
		return err_errno(err, CODE_OSERR, "the scoreboard has no room for %u more workers",
				 generation->wanted);
	if (!watch_bells(roster, generation))
		return err_errno(err, CODE_OSERR, "cannot watch the bells of %u workers",
				 generation->wanted);
	generation->first_slot = first;
	generation->slots = roster->board->slots + first;
	generation->infos = roster->board->infos + first;
	generation->id = ++roster->last_id;
	enlist(roster->board, generation->listeners);
	for (unsigned number = 0; number < generation->wanted; number++)
		member_want(&generation->members[number], number, now_ms);
	roster->starting = generation;
	return true;
}

struct generation *procs_promote(struct procs *roster)
{
	struct generation *old = roster->current;

	roster->current = roster->starting;
	roster->starting = NULL;
	cell_set(&roster->board->server.generation, roster->current->id);
	return old;
}

void procs_retire(struct procs *roster, struct generation *generation, int signal, int64_t kill_ms)
{
	BUG_ON(generation->listeners);
	for (unsigned number = 0; number < generation->capacity; number++)
		member_retire(&generation->members[number], signal, kill_ms);
	if (generation == roster->current)
		roster->current = NULL;
	if (generation == roster->starting)
		roster->starting = NULL;
	generation->wanted = 0;
	generation->next = roster->retiring;
	roster->retiring = generation;
}

static void bury(struct procs *roster, struct generation *generation, unsigned number, pid_t pid,
		 int status, int64_t now_ms)
{
	if (generation->members[number].pid == pid)
		worker_exit_handle(roster, generation, number, status, now_ms);
	else
		worker_exit_handle_keeper(roster, generation, number, status, now_ms);
}

/* The member that the child is, as worker or keeper; false: it is none's. */
static bool find_member(const struct procs *roster, pid_t pid, struct generation **generation,
			unsigned *number)
{
	for (struct generation *g = procs_next(roster, NULL); g; g = procs_next(roster, g))
		for (unsigned i = 0; i < g->capacity; i++) {
			if (g->members[i].pid != pid && g->members[i].keeper != pid)
				continue;
			*generation = g;
			*number = i;
			return true;
		}
	return false;
}

/* A child that is dead and not reaped yet, of all or of that pid; or 0. */
static pid_t next_dead(idtype_t which, pid_t pid)
{
	siginfo_t info = { 0 };

	while (sys_waitid(which, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) < 0)
		if (errno != EINTR)
			return 0;
	return info.si_pid;
}

/* True when it was a child that nobody knows. */
static bool reap(struct procs *roster, pid_t pid, int64_t now_ms)
{
	struct generation *generation;
	unsigned number;
	int status;

	/* Until it is reaped its pid is nobody else's: hear may signal it. */
	if (roster->hear)
		roster->hear(roster->owner);
	/* A kept worker may die before anyone has asked for its pid. */
	procs_look(roster);
	if (sys_waitpid(pid, &status, 0) != pid)
		return false;
	if (find_member(roster, pid, &generation, &number))
		bury(roster, generation, number, pid, status, now_ms);
	else if (!roster->other || !roster->other(roster->owner, pid, status))
		return true;
	return false;
}

static void reap_if_dead(struct procs *roster, pid_t pid, int64_t now_ms)
{
	if (pid > 0 && next_dead(P_PID, pid) == pid)
		reap(roster, pid, now_ms);
}

/* Each asked for by its pid, so that strangers cannot stand in the way. */
static void reap_members(struct procs *roster, int64_t now_ms)
{
	for (struct generation *g = procs_next(roster, NULL); g; g = procs_next(roster, g))
		for (unsigned i = 0; i < g->capacity; i++) {
			reap_if_dead(roster, g->members[i].pid, now_ms);
			reap_if_dead(roster, g->members[i].keeper, now_ms);
		}
}

/* One line a second, however many there are. */
static void tell_strangers(struct procs *roster, int64_t now_ms)
{
	struct strangers *strangers = &roster->strangers;

	if (strangers->untold == 0 || now_ms < strangers->told_ms + STRANGERS_TOLD_MS)
		return;
	LOG(EVENT_stranger_reaped, LOG_NUM("child_pid", strangers->last),
	    LOG_NUM("children", strangers->untold));
	strangers->told_ms = now_ms;
	strangers->untold = 0;
}

void procs_reap(struct procs *roster, int64_t now_ms)
{
	unsigned reaped = 0;
	pid_t pid;

	while (reaped < STRANGERS_AT_ONCE && (pid = next_dead(P_ALL, 0)) > 0) {
		if (!reap(roster, pid, now_ms))
			continue;
		roster->strangers.last = pid;
		roster->strangers.untold++;
		reaped++;
	}
	roster->has_more = reaped == STRANGERS_AT_ONCE;
	if (roster->has_more)
		reap_members(roster, now_ms);
	tell_strangers(roster, now_ms);
}

static void start_due(struct procs *roster, struct generation *generation, int64_t now_ms)
{
	for (unsigned number = 0; number < generation->capacity; number++) {
		const struct member *member = &generation->members[number];

		/* A generation that has failed starts nobody, but finishes what it has. */
		if (member_wants_worker(member) && member->due_ms <= now_ms &&
		    (member_is_leaving(member) || generation->failure.text[0] == '\0'))
			spawn_start(roster, generation, number, now_ms);
	}
}

void procs_start_due(struct procs *roster, int64_t now_ms)
{
	for (struct generation *g = procs_next(roster, NULL); g; g = procs_next(roster, g))
		start_due(roster, g, now_ms);
}

void procs_kill_due(struct procs *roster, int64_t now_ms)
{
	for (struct generation *g = procs_next(roster, NULL); g; g = procs_next(roster, g))
		for (unsigned number = 0; number < g->capacity; number++)
			member_kill_due(&g->members[number], now_ms);
}

void procs_look(struct procs *roster)
{
	for (struct generation *g = procs_next(roster, NULL); g; g = procs_next(roster, g))
		for (unsigned number = 0; number < g->capacity; number++)
			spawn_look(roster, g, number);
}

void procs_sweep(struct procs *roster)
{
	struct generation **link = &roster->retiring;

	while (*link) {
		struct generation *generation = *link;

		if (generation_count(generation, member_is_alive) > 0) {
			link = &generation->next;
			continue;
		}
		*link = generation->next;
		generation_free(generation);
	}
}

void procs_signal(const struct procs *roster, int signal)
{
	for (struct generation *g = procs_next(roster, NULL); g; g = procs_next(roster, g))
		for (unsigned number = 0; number < g->capacity; number++)
			member_signal(&g->members[number], signal);
}

bool procs_has_acceptor(const struct procs *roster)
{
	for (const struct generation *g = roster->retiring; g; g = g->next)
		for (unsigned number = 0; number < g->capacity; number++) {
			uint32_t state = scoreboard_state(roster->board, g->first_slot + number);

			if (g->members[number].pid > 0 &&
			    (state == SLOT_STARTING || state == SLOT_READY))
				return true;
		}
	return false;
}

unsigned procs_alive(const struct procs *roster)
{
	unsigned alive = 0;

	for (struct generation *g = procs_next(roster, NULL); g; g = procs_next(roster, g))
		alive += generation_count(g, member_is_alive);
	return alive;
}

int64_t procs_due_ms(const struct procs *roster, int64_t otherwise_ms)
{
	int64_t due_ms = roster->has_more ? 0 : otherwise_ms;

	if (roster->strangers.untold > 0 && roster->strangers.told_ms + STRANGERS_TOLD_MS < due_ms)
		due_ms = roster->strangers.told_ms + STRANGERS_TOLD_MS;
	for (struct generation *g = procs_next(roster, NULL); g; g = procs_next(roster, g))
		for (unsigned number = 0; number < g->capacity; number++) {
			const struct member *member = &g->members[number];

			if (member_wants_worker(member) && member->due_ms < due_ms)
				due_ms = member->due_ms;
			if (member->kill_ms > 0 && member->kill_ms < due_ms)
				due_ms = member->kill_ms;
		}
	return due_ms;
}

bool procs_more(struct procs *roster, int64_t now_ms)
{
	struct generation *generation = roster->current;
	int number = generation ? generation_vacancy(generation) : -1;

	if (number < 0)
		return false;
	member_want(&generation->members[number], generation_seat(generation), now_ms);
	generation->wanted++;
	return true;
}

bool procs_less(struct procs *roster, int64_t now_ms)
{
	if (!roster->current || roster->current->wanted <= 1)
		return false;
	roster->current->wanted--;
	procs_trim(roster->current, now_ms);
	return true;
}

/*
 * The member to do without first: one that waits, else one of two in the same seat, else the one in
 * the highest seat, so that the lowest seats are all taken.
 */
static int dispensable(const struct generation *generation)
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

void procs_trim(struct generation *generation, int64_t now_ms)
{
	while (generation_count(generation, member_is_staying) > generation->wanted)
		member_retire(&generation->members[dispensable(generation)], SIGQUIT,
			      generation_deadline_ms(generation, now_ms));
}
