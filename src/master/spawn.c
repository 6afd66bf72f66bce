/* SPDX-License-Identifier: MIT */
/*
 * Forks one worker, or the keeper that clones it, and strips it of what is not its own. Must not
 * decide when or whether.
 */
#include "master/spawn.h"

#include "base/log.h"
#include "base/sys.h"
#include "config/signals.h"
#include "master/keeper.h"
#include "master/prestart.h"
#include "worker/heritage.h"

/*
 * A worker must not be able to touch another's connections; descriptors worker_run closes itself.
 */
static void leave_memory(struct generation *generation, const struct heritage *heritage)
{
	const struct arena *own = heritage->arena;

	if (&generation->hints != heritage->hints)
		heritage_peers_free(&generation->hints);
	for (unsigned i = 0; i < generation->capacity; i++)
		if (generation->members[i].arena && generation->members[i].arena != own)
			arena_free(generation->members[i].arena);
}

/* A generation that a reload tries has its own log already, which the master does not have yet. */
static bool wants_new_log(const struct procs *roster, const struct generation *generation)
{
	return generation == roster->starting && roster->current &&
	       !prestart_same_log(roster->current->conf, &roster->current->identity,
				  generation->conf, &generation->identity);
}

static _Noreturn void become_worker(const struct procs *roster, const struct generation *generation,
				    const struct heritage *heritage)
{
	struct generation *g;
	struct err err;

	signals_leave_reports();
	for (g = procs_next(roster, NULL); g; g = procs_next(roster, g))
		leave_memory(g, heritage);
	if (!prestart_inherit(generation->conf, &generation->identity, generation->listeners,
			      generation->capacity, wants_new_log(roster, generation), &err)) {
		log_role("worker", (int)heritage->number);
		LOG(EVENT_worker_failed, LOG_STR("message", err.text));
		sys_leave(CODE_OSERR);
	}
	if (generation->conf->keep_connections)
		keeper_run(heritage, roster->page, generation->first_slot + heritage->number);
	sys_leave(pidpage_drop(roster->page) ? worker_run(heritage) : CODE_OSERR);
}

pid_t spawn_worker(struct procs *roster, struct generation *generation, unsigned number)
{
	struct heritage heritage = {
		.conf = generation->conf,
		.identity = &generation->identity,
		.listeners = generation->listeners,
		.board = roster->board,
		.number = number,
		.seat = generation->members[number].seat,
		.peers = generation->slots,
		.hints = &generation->hints,
		.wires = generation->wires,
		.peer_count = generation->capacity,
		.arena = generation->members[number].arena,
		.master_pid = getpid(),
	};
	pid_t pid = sys_fork();

	if (pid == 0)
		become_worker(roster, generation, &heritage);
	return pid;
}
