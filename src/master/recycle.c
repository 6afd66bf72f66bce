/* SPDX-License-Identifier: MIT */
/*
 * Decides which worker is recycled, and when. Must not rely on old and fresh: either may die, and a
 * signal may retire it, between two steps.
 */
#include "master/recycle.h"

#include "base/log.h"
#include "base/sys.h"
#include "master/helper/helper_links.h"
#include "master/jitter.h"
#include "master/workers.h"

/* A worker, or a helper, that was taken over can shut links again and again. */
enum { LOOK_MS = 250, LINK_MS = 5000 };

static const char link_shut[] = "helper_link_shut";

static bool is_enabled(const struct procs *procs)
{
	const struct conf *conf = procs->current ? procs->current->conf : NULL;

	return conf && (conf->worker_max_age > 0 || conf->worker_max_connections > 0 ||
			procs->current->helpers.count > 0);
}

int64_t recycle_due_ms(const struct recycle *recycle, const struct procs *procs,
		       int64_t otherwise_ms)
{
	/* during a replacement, bells and deaths wake the master */
	if (!is_enabled(procs) || recycle->generation > 0 ||
	    recycle->last_ms + LOOK_MS > otherwise_ms)
		return otherwise_ms;
	return recycle->last_ms + LOOK_MS;
}

/*
 * Returns why the worker is to be recycled, or NULL. Connections that have moved in do not count:
 * those of a recycled worker move to its peers, which would then be recycled for them in turn.
 */
static const char *find_reason(const struct recycle *recycle, const struct generation *generation,
			       unsigned number, int64_t now_ms)
{
	const struct member *member = &generation->members[number];
	const struct conf *conf = generation->conf;
	const struct slot *slot = &generation->slots[number];
	uint64_t accepted = metric_sum(&slot->tally, METRIC_connections_accepted_total);

	if (!member_is_ready(member))
		return NULL;
	if (now_ms >= recycle->link_ms && helper_links_are_shut(&generation->helpers, number))
		return link_shut;
	if (conf->worker_max_age > 0 &&
	    now_ms - member->started_ms >= jitter_add(conf->worker_max_age, member->pid, number))
		return "worker_max_age";
	if (conf->worker_max_connections > 0 &&
	    accepted >= (uint64_t)jitter_add(conf->worker_max_connections, member->pid, number))
		return "worker_max_connections";
	return NULL;
}

static void begin_replacement(struct recycle *recycle, struct generation *generation, unsigned old,
			      const char *why, int64_t now_ms)
{
	int fresh = generation_vacancy(generation);

	if (fresh < 0)
		return;
	recycle->generation = generation->id;
	recycle->old = old;
	recycle->fresh = (unsigned)fresh;
	recycle->retired = false;
	if (why == link_shut)
		recycle->link_ms = now_ms + LINK_MS;
	member_want(&generation->members[fresh], generation->members[old].seat, now_ms);
	LOG(EVENT_worker_recycled, LOG_NUM("worker", old),
	    LOG_NUM("child_pid", generation->members[old].pid), LOG_STR("reason", why),
	    LOG_NUM("replacement", fresh));
}

static void look_for_old(struct recycle *recycle, struct generation *generation, int64_t now_ms)
{
	recycle->last_ms = now_ms;
	for (unsigned number = 0; number < generation->capacity; number++) {
		const char *why = find_reason(recycle, generation, number, now_ms);

		if (!why)
			continue;
		begin_replacement(recycle, generation, number, why, now_ms);
		return;
	}
}

static void continue_replacement(struct recycle *recycle, struct generation *generation,
				 int64_t now_ms)
{
	const struct member *old = &generation->members[recycle->old];
	const struct member *fresh = &generation->members[recycle->fresh];

	if (recycle->retired) {
		if (!member_is_leaving(old))
			recycle->generation = 0;
		return;
	}
	if (!member_is_running(old) || !member_is_staying(fresh)) {
		/* One has died, or a signal has retired it: the worker that is too many leaves. */
		recycle->generation = 0;
		workers_trim(generation, now_ms);
		return;
	}
	if (!member_is_ready(fresh))
		return;
	member_retire(&generation->members[recycle->old],
		      generation_retire_signal(generation->conf),
		      generation_deadline_ms(generation, now_ms));
	recycle->retired = true;
}

void recycle_step(struct recycle *recycle, struct procs *procs, int64_t now_ms)
{
	struct generation *generation = procs->current;

	if (!generation || (recycle->generation > 0 && recycle->generation != generation->id))
		recycle->generation = 0;
	if (!generation)
		return;
	if (recycle->generation > 0)
		continue_replacement(recycle, generation, now_ms);
	else if (is_enabled(procs) && now_ms >= recycle->last_ms + LOOK_MS)
		look_for_old(recycle, generation, now_ms);
}
