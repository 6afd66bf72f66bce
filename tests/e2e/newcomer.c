/* SPDX-License-Identifier: MIT */
/*
 * Stops a new keeper, or its worker, as soon as it shows its name. A process may be ready before it
 * is stopped: then that reload goes on to its end, and another one is begun.
 */
#include "newcomer.h"

#include "process.h"

enum { TRIES = 20 };

static bool is_known(const pid_t *pids, unsigned count, pid_t pid)
{
	for (unsigned i = 0; i < count; i++)
		if (pids[i] == pid)
			return true;
	return false;
}

/* A worker has its keeper's name at first. */
static bool has_number(pid_t pid, unsigned number)
{
	char title[256], keeper[32], worker[32];

	process_title(pid, title, sizeof(title));
	snprintf(keeper, sizeof(keeper), "prefork-srv: keeper %u", number);
	snprintf(worker, sizeof(worker), "prefork-srv: worker %u", number);
	return strcmp(title, keeper) == 0 || strcmp(title, worker) == 0;
}

static void stop_new(struct traffic *t, unsigned number, const pid_t *old, unsigned old_count,
		     struct newcomer *held)
{
	pid_t now[WORKERS_MOST];
	unsigned count = process_children(t->server->master, now, WORKERS_MOST);

	for (unsigned i = 0; i < count && held->count < 2; i++) {
		if (is_known(old, old_count, now[i]) || is_known(held->pids, held->count, now[i]) ||
		    !has_number(now[i], number))
			continue;
		kill(now[i], SIGSTOP);
		held->pids[held->count++] = now[i];
	}
}

static void wait_stopped(struct traffic *t, const struct newcomer *held)
{
	for (unsigned i = 0; i < held->count; i++)
		WAIT_UNTIL(t->server, process_is_stopped(held->pids[i]));
}

static bool is_ready(struct server *s, unsigned number, unsigned generation)
{
	char fields[64];

	snprintf(fields, sizeof(fields), "worker=%u generation=%u", number, generation);
	return server_count(s, "worker_ready", fields) > 0;
}

static bool are_ready(struct server *s, unsigned below, unsigned generation)
{
	for (unsigned i = 0; i < below; i++)
		if (!is_ready(s, i, generation))
			return false;
	return true;
}

static unsigned last_generation(struct server *s)
{
	return (unsigned)line_number(server_wait_event(s, "worker_started", NULL), "generation");
}

static bool try_to_hold(struct traffic *t, unsigned number, struct newcomer *held)
{
	struct server *s = t->server;
	pid_t old[WORKERS_MOST];
	unsigned old_count = process_children(s->master, old, WORKERS_MOST);

	*held = (struct newcomer){ .generation = last_generation(s) + 1 };
	server_signal(s, SIGHUP);
	while (!are_ready(s, number, held->generation) ||
	       (held->count == 0 && !is_ready(s, number, held->generation)))
		stop_new(t, number, old, old_count, held);
	wait_stopped(t, held);
	stop_new(t, number, old, old_count, held); /* a worker that its keeper had made by then */
	wait_stopped(t, held);
	return !is_ready(s, number, held->generation);
}

void newcomer_hold(struct traffic *t, unsigned number, struct newcomer *held)
{
	for (unsigned i = 0; i < TRIES; i++) {
		unsigned reloads = server_count(t->server, "reload_finished", NULL);

		if (try_to_hold(t, number, held))
			return;
		newcomer_release(held);
		TRAFFIC_UNTIL(t, server_count(t->server, "reload_finished", NULL) > reloads);
	}
	server_fail(t->server, "worker %u was ready too early each time", number);
}

void newcomer_release(const struct newcomer *held)
{
	for (unsigned i = 0; i < held->count; i++)
		kill(held->pids[i], SIGCONT);
}

void newcomer_kill(const struct newcomer *held)
{
	for (unsigned i = 0; i < held->count; i++)
		kill(held->pids[i], SIGKILL);
}

pid_t newcomer_peer(struct traffic *t, const struct newcomer *held, unsigned number)
{
	char fields[64];

	snprintf(fields, sizeof(fields), "worker=%u generation=%u", number, held->generation);
	return (pid_t)line_number(server_wait_event(t->server, "worker_ready", fields),
				  "child_pid");
}
