/* SPDX-License-Identifier: MIT */
/*
 * The master opens the files first, so that they exist for workers that may not create it. Must not
 * wait: a worker that has done its part rings the bell.
 */
#include "master/reopen.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/sys.h"
#include "stats/deed.h"
#include "worker/accesslog.h"

enum { REOPEN_MOST_MS = 5000 };

static void end(struct server *server, const char *failure)
{
	server->reopen.is_pending = false;
	if (failure)
		cell_add(&server->board->server.reopens_failed_total, 1);
	scoreboard_end_request(&server->board->reopen, failure,
			       clock_ms() - server->reopen.begun_ms, workers_alive(&server->procs));
}

static void begin(struct server *server)
{
	struct err err = { 0 };
	bool has_log, has_access;

	server->reopen = (struct reopen){ .is_pending = true, .begun_ms = clock_ms() };
	scoreboard_begin_request(&server->board->reopen);
	has_log = log_reopen(true, &err);
	if (!has_log)
		LOG(EVENT_log_reopen_failed, LOG_STR("message", err.text));
	has_access = accesslog_reopen(true, &err);
	if (!has_access)
		LOG(EVENT_log_reopen_failed, LOG_STR("message", err.text));
	server->reopen.failure = err;
	if (has_log && has_access)
		LOG(EVENT_logs_reopened);
	/* Each has to let go of the file that it can: one log's trouble is not the other's. */
	workers_signal(&server->procs, SIGUSR1);
}

void reopen_ask(struct server *server)
{
	if (server->reopen.is_pending)
		server->reopen.again = true;
	else
		begin(server);
}

struct tally {
	unsigned missing, failed;
};

static void count(const struct generation *generation, uint32_t begun, struct tally *tally)
{
	for (unsigned i = 0; i < generation->capacity; i++) {
		const struct slot *slot = &generation->slots[i];

		if (generation->members[i].pid == 0)
			continue;
		if (atomic_load_explicit(&slot->log_opened, memory_order_acquire) != begun)
			tally->missing++;
		else if (atomic_load_explicit(&slot->log_failed, memory_order_relaxed) != 0)
			tally->failed++;
	}
}

void reopen_step(struct server *server, int64_t now_ms)
{
	uint32_t begun = atomic_load(&server->board->reopen.begun);
	struct tally tally = { 0, 0 };
	struct err err = server->reopen.failure;
	bool again = server->reopen.again;

	if (!server->reopen.is_pending)
		return;
	for (struct generation *g = procs_next(&server->procs, NULL); g;
	     g = procs_next(&server->procs, g))
		count(g, begun, &tally);
	if (tally.missing > 0 && now_ms < server->reopen.begun_ms + REOPEN_MOST_MS)
		return;
	if (err.text[0] == '\0' && tally.missing > 0)
		err_set(&err, CODE_FAILED, "%u workers have not opened the logs anew within %d s",
			tally.missing, REOPEN_MOST_MS / 1000);
	else if (err.text[0] == '\0' && tally.failed > 0)
		err_set(&err, CODE_FAILED, "%u workers cannot open the logs anew; the log says why",
			tally.failed);
	end(server, err.text[0] ? err.text : NULL);
	if (again)
		begin(server);
}

int64_t reopen_due_ms(const struct server *server, int64_t otherwise_ms)
{
	int64_t due_ms = server->reopen.begun_ms + REOPEN_MOST_MS;

	return server->reopen.is_pending && due_ms < otherwise_ms ? due_ms : otherwise_ms;
}
