/* SPDX-License-Identifier: MIT */
/*
 * Takes the samples when they are due. Reads processes from outside (clock_getcpuclockid(3),
 * /proc/PID/statm), so a hung worker is read as well; a process that cannot be read keeps its
 * figures.
 */
#include "master/sampler.h"

#include <time.h>

#include "base/process_figures.h"
#include "master/generation.h"
#include "master/limit/limit_sources.h"
#include "master/program/programs.h"
#include "net/netstat.h"
#include "stats/tally.h"

/* The figure never falls: the clock of a dying process may give less than before. */
static void note_process(pid_t pid, metric_cell *cpu, metric_cell *memory)
{
	uint64_t us, bytes;

	if (process_figures_cpu(pid, &us) && us > cell_get(cpu))
		cell_set(cpu, us);
	if (process_figures_memory(pid, &bytes))
		cell_set(memory, bytes);
}

/* Writes the cells of all living workers and of the master. */
static void sample_processes(const struct procs *procs)
{
	struct server_tally *server = &procs->board->server;

	for (const struct generation *g = procs_next(procs, NULL); g; g = procs_next(procs, g))
		for (unsigned i = 0; i < g->capacity; i++)
			if (g->members[i].pid > 0)
				note_process(g->members[i].pid,
					     &g->slots[i].tally.worker_cpu_seconds_total,
					     &g->slots[i].tally.worker_memory_bytes);
	for (const struct generation *g = procs_next(procs, NULL); g; g = procs_next(procs, g))
		programs_sample(g->programs);
	note_process(0, &server->master_cpu_seconds_total, &server->master_memory_bytes);
}

static uint32_t clamp_count(uint64_t value)
{
	return value < UINT32_MAX ? (uint32_t)value : UINT32_MAX;
}

/* Returns the increase since *before, which becomes `now`. */
static uint32_t count_new(uint64_t *before, uint64_t now, int64_t took_ms)
{
	uint64_t more = now > *before ? now - *before : 0;

	*before = now;
	return clamp_count(took_ms > SAMPLER_LATE_MS ? more * 1000 / (uint64_t)took_ms : more);
}

void sampler_append(struct sampler_history *history, struct scoreboard *board, uint64_t waiting,
		    int64_t now_ms, int64_t now_s)
{
	int64_t took_ms = history->noted_ms > 0 ? now_ms - history->noted_ms : 0;
	uint32_t count = atomic_load_explicit(&board->moment_count, memory_order_relaxed);
	struct worker_tally all;

	tally_total(board, &all);
	board->moments[count % SCOREBOARD_MOMENTS] = (struct moment){
		.at_s = now_s,
		.live = clamp_count(metric_sum(&all, METRIC_connections_live)),
		.waiting = clamp_count(waiting),
		.accepted = count_new(&history->accepted,
				      metric_sum(&all, METRIC_connections_accepted_total), took_ms),
		.messages = count_new(&history->messages, metric_sum(&all, METRIC_messages_total),
				      took_ms),
	};
	atomic_store_explicit(&board->moment_count, count + 1, memory_order_release);
	history->noted_ms = now_ms;
}

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

static void sample_workers(const struct procs *procs)
{
	struct server_tally *server = &procs->board->server;
	struct generation_load load = { 0 };

	if (procs->current)
		load = generation_load(procs->current, 0, 1, INT64_MIN);
	if (procs->current)
		programs_publish(procs->current->programs);
	cell_set(&server->workers, procs->current ? procs->current->wanted : 0);
	cell_set(&server->workers_ready, load.workers);
	cell_set(&server->balance_ratio, generation_balance_ratio(&load));
}

static void sample_host(struct server_tally *server)
{
	struct netstat net = { 0 };

	if (!netstat_read(&net))
		return;
	cell_set(&server->host_listen_overflows_total, net.listen_overflows);
	cell_set(&server->host_listen_drops_total, net.listen_drops);
	cell_set(&server->host_syn_queue_drops_total, net.syn_queue_drops);
}

/* In mid-second, so that a moment that comes early or late still belongs to its second. */
static int64_t first_second_ms(int64_t now_ms)
{
	struct timespec now = { 0 };
	int64_t past_ms;

	clock_gettime(CLOCK_REALTIME, &now);
	past_ms = now.tv_nsec / 1000000;
	return now_ms + (SAMPLER_SECOND_MS + SAMPLER_SECOND_MS / 2 - past_ms) % SAMPLER_SECOND_MS;
}

static void sample_second(struct sampler *sampler, const struct procs *procs, int64_t now_ms)
{
	sampler->second_ms = sampler_next_ms(sampler->second_ms, SAMPLER_SECOND_MS, now_ms);
	sample_host(&procs->board->server);
	sample_processes(procs);
	if (procs->limits && procs->limits->base)
		limit_sources_sample(procs->board, procs->limits);
	sampler_append(&sampler->history, procs->board, queues_waiting(procs->board), now_ms,
		       time(NULL));
}

void sampler_step(struct sampler *sampler, const struct procs *procs, int64_t now_ms)
{
	sample_workers(procs); /* in each turn: a client reads it as soon as a reload has ended */
	if (sampler_due_ms(sampler, procs, INT64_MAX) > now_ms)
		return;
	if (!has_begun(sampler)) {
		sampler->second_ms = first_second_ms(now_ms);
		sampler->tick_ms = sampler->second_ms - SAMPLER_SECOND_MS;
		sample_host(&procs->board->server);
		sample_processes(procs);
	}
	sampler->tick_ms = sampler_next_ms(sampler->tick_ms, SAMPLER_TICK_MS, now_ms);
	queues_look(&sampler->queues, procs, now_ms);
	if (now_ms >= sampler->second_ms)
		sample_second(sampler, procs, now_ms);
}
