/* SPDX-License-Identifier: MIT */
/* Keeps the times of the sampling; what is sampled, others know. */
#include "master/sampler.h"

#include <time.h>

#include "base/sys.h"
#include "master/load.h"
#include "master/procstat.h"
#include "net/netstat.h"

void sampler_start(struct sampler *sampler)
{
	*sampler = (struct sampler){ 0 };
	queues_start(&sampler->queues);
}

void sampler_stop(struct sampler *sampler)
{
	queues_stop(&sampler->queues);
}

int64_t sampler_next_ms(int64_t due_ms, int64_t every_ms, int64_t now_ms)
{
	return due_ms + ((now_ms - due_ms) / every_ms + 1) * every_ms;
}

static bool has_begun(const struct sampler *sampler)
{
	return sampler->tick_ms > 0;
}

int64_t sampler_due_ms(const struct sampler *sampler, const struct procs *procs,
		       int64_t otherwise_ms)
{
	if (!has_begun(sampler) && !procs->current)
		return otherwise_ms;
	return sampler->tick_ms < otherwise_ms ? sampler->tick_ms : otherwise_ms;
}

static void look_at_workers(const struct procs *procs)
{
	struct server_tally *server = &procs->board->server;
	struct load load = { 0 };

	if (procs->current)
		load = load_of(procs->current, 0, 1, INT64_MIN);
	cell_set(&server->workers, procs->current ? procs->current->wanted : 0);
	cell_set(&server->workers_ready, load.workers);
	cell_set(&server->balance_ratio, load_balance_ratio(&load));
}

static void look_at_host(struct server_tally *server)
{
	struct netstat net = { 0 };

	if (!netstat_read(&net))
		return;
	cell_set(&server->host_listen_overflows_total, net.listen_overflows);
	cell_set(&server->host_listen_drops_total, net.listen_drops);
	cell_set(&server->host_syn_queue_drops_total, net.syn_queue_drops);
}

/*
 * In the middle of a second of the calendar: there a moment that comes a little early or late still
 * belongs to the second that it is of.
 */
static int64_t first_second_ms(int64_t now_ms)
{
	struct timespec now = { 0 };
	int64_t past_ms;

	clock_gettime(CLOCK_REALTIME, &now);
	past_ms = now.tv_nsec / 1000000;
	return now_ms + (SAMPLER_SECOND_MS + SAMPLER_SECOND_MS / 2 - past_ms) % SAMPLER_SECOND_MS;
}

static void take_second(struct sampler *sampler, const struct procs *procs, int64_t now_ms)
{
	sampler->second_ms = sampler_next_ms(sampler->second_ms, SAMPLER_SECOND_MS, now_ms);
	look_at_host(&procs->board->server);
	procstat_sample(procs);
	timeline_append(&sampler->history, procs->board, queues_waiting(procs->board), now_ms,
			time(NULL));
}

void sampler_step(struct sampler *sampler, const struct procs *procs, int64_t now_ms)
{
	look_at_workers(procs); /* in each turn: it is asked about as soon as a reload has ended */
	if (sampler_due_ms(sampler, procs, INT64_MAX) > now_ms)
		return;
	if (!has_begun(sampler)) {
		sampler->second_ms = first_second_ms(now_ms);
		sampler->tick_ms = sampler->second_ms - SAMPLER_SECOND_MS;
		look_at_host(&procs->board->server);
		procstat_sample(procs);
	}
	sampler->tick_ms = sampler_next_ms(sampler->tick_ms, SAMPLER_TICK_MS, now_ms);
	queues_look(&sampler->queues, procs, now_ms);
	if (now_ms >= sampler->second_ms)
		take_second(sampler, procs, now_ms);
}
