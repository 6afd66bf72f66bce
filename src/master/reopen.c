/* SPDX-License-Identifier: MIT */
/*
 * The master opens the files first: workers may not be allowed to create them. Must not wait: a
 * worker that has opened its files rings its bell.
 */
#include "master/reopen.h"

#include "accesslog/accesslog.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/sys.h"
#include "master/helper/helpers.h"
#include "master/workers.h"
#include "stats/scoreboard.h"

enum { REOPEN_MOST_MS = 5000 };

static unsigned count_workers(const struct procs *procs)
{
	unsigned count = 0;

	for (struct generation *g = procs_next(procs, NULL); g; g = procs_next(procs, g))
		count += generation_count(g, member_is_alive);
	return count;
}

static void end_reopen(struct reopen *reopen, struct procs *procs, const char *failure)
{
	reopen->is_pending = false;
	if (failure)
		cell_add(&procs->board->server.reopens_failed_total, 1);
	scoreboard_end_request(&procs->board->reopen, failure, clock_ms() - reopen->begun_ms,
			       count_workers(procs), 0, 0);
}

static void begin_reopen(struct reopen *reopen, struct procs *procs)
{
	struct err err = { 0 };
	bool has_log, has_access;

	*reopen = (struct reopen){ .is_pending = true, .begun_ms = clock_ms() };
	has_log = log_reopen(true, &err);
	if (!has_log)
		LOG(EVENT_log_reopen_failed, LOG_STR("message", err.text));
	has_access = accesslog_reopen(true, &err);
	if (!has_access)
		LOG(EVENT_log_reopen_failed, LOG_STR("message", err.text));
	reopen->failure = err;
	if (has_log && has_access)
		LOG(EVENT_logs_reopened);
	/*
	 * Workers close the old files that they can: an error of one log does not keep the other. A
	 * worker that starts sees the request, so the files are there before it; one that started
	 * before it is signalled, so the master learns its pid first.
	 */
	scoreboard_begin_request(&procs->board->reopen);
	workers_look(procs);
	workers_signal(procs, SIGUSR1);
	helpers_reopen(procs);
}

void reopen_ask(struct reopen *reopen, struct procs *procs)
{
	if (reopen->is_pending)
		reopen->again = true;
	else
		begin_reopen(reopen, procs);
}

struct counted {
	unsigned missing, failed;
};

static void count_slots(const struct generation *generation, uint32_t begun,
			struct counted *counted)
{
	for (unsigned i = 0; i < generation->capacity; i++) {
		const struct slot *slot = &generation->slots[i];

		if (generation->members[i].pid == 0)
			continue;
		if (atomic_load_explicit(&slot->log_opened, memory_order_acquire) != begun)
			counted->missing++;
		else if (atomic_load_explicit(&slot->log_failed, memory_order_relaxed) != 0)
			counted->failed++;
	}
}

void reopen_step(struct reopen *reopen, struct procs *procs, int64_t now_ms)
{
	uint32_t begun = atomic_load(&procs->board->reopen.begun);
	struct counted counted = { 0, 0 };
	struct err err = reopen->failure;
	bool again = reopen->again;

	if (!reopen->is_pending)
		return;
	for (struct generation *g = procs_next(procs, NULL); g; g = procs_next(procs, g))
		count_slots(g, begun, &counted);
	if (counted.missing > 0 && now_ms < reopen->begun_ms + REOPEN_MOST_MS)
		return;
	if (err.text[0] == '\0' && counted.missing > 0)
		err_set(&err, CODE_FAILED, "%u worker%s not opened the logs anew within %d s",
			counted.missing, counted.missing == 1 ? " has" : "s have",
			REOPEN_MOST_MS / 1000);
	else if (err.text[0] == '\0' && counted.failed > 0)
		err_set(&err, CODE_FAILED,
			"%u worker%s cannot open the logs anew; the log says why", counted.failed,
			counted.failed == 1 ? "" : "s");
	end_reopen(reopen, procs, err.text[0] ? err.text : NULL);
	if (again)
		begin_reopen(reopen, procs);
}

int64_t reopen_due_ms(const struct reopen *reopen, int64_t otherwise_ms)
{
	int64_t due_ms = reopen->begun_ms + REOPEN_MOST_MS;

	return reopen->is_pending && due_ms < otherwise_ms ? due_ms : otherwise_ms;
}
