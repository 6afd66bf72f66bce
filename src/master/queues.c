/* SPDX-License-Identifier: MIT */
/* Sums readings of sockets up by row, and passes on to overflow.c what is to be judged. */
#include "master/queues.h"

#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "base/units.h"
#include "master/load.h"

/* All sockets that are counted in one row. */
struct row_look {
	bool has_failed; /* a socket of it could not be read */
	uint64_t length, limit;
	struct queue_alarm_sample look; /* sockets 0: none was read */
};

void queues_start(struct queues *queues)
{
	*queues = (struct queues){ 0 };
	sockets_start(&queues->sockets);
}

void queues_stop(struct queues *queues)
{
	sockets_stop(&queues->sockets);
}

static void sum_up(struct row_look *row, const struct queue_alarm_sample *look)
{
	uint64_t dropped = row->look.dropped + look->dropped;

	row->length += look->queue;
	row->limit += look->limit;
	if (row->look.sockets == 0 || look->queue > row->look.queue)
		row->look = *look;
	row->look.dropped = dropped;
}

static void read_all(struct sockets *sockets, const struct listener_set *set, struct row_look *rows)
{
	for (unsigned i = 0; i < sockets->count; i++) {
		struct socket_watch *watch = &sockets->list[i];
		const struct listener *listener = &set->list[watch->listener];
		struct socket_reading reading;
		enum socket_answer answer = sockets_read(sockets, watch, listener, &reading);

		if (answer == SOCKET_READ)
			sum_up(&rows[listener->row],
			       &(struct queue_alarm_sample){ .queue = reading.queue,
							     .limit = reading.limit,
							     .dropped = reading.dropped,
							     .listener = watch->listener,
							     .socket = watch->number,
							     .sockets = listener->fd_count });
		else if (answer == SOCKET_FAILED)
			rows[listener->row].has_failed = true;
	}
}

/* Of all that has ever been scraped: only whether it has changed matters. */
static uint64_t count_scrapes(const struct procs *procs)
{
	uint64_t count = 0;

	for (unsigned i = 0; i < scoreboard_workers(procs->board); i++)
		count += cell_get(&procs->board->past[i].tally.scrapes_total);
	for (const struct generation *g = procs_next(procs, NULL); g; g = procs_next(procs, g))
		for (unsigned i = 0; i < g->capacity; i++)
			count += cell_get(&g->slots[i].tally.scrapes_total);
	return count;
}

static void raise_to(metric_cell *cell, uint64_t value)
{
	if (value > cell_get(cell))
		cell_set(cell, value);
}

static void write_row(struct queue_tally *queue, const struct row_look *row, bool was_scraped)
{
	cell_add(&queue->accept_queue_dropped_segments_total, row->look.dropped);
	if (row->has_failed)
		return;
	cell_set(&queue->accept_queue_length, row->length);
	cell_set(&queue->accept_queue_limit, row->limit);
	if (was_scraped)
		cell_set(&queue->accept_queue_peak, row->length);
	raise_to(&queue->accept_queue_peak, row->length);
	raise_to(&queue->accept_queue_highest, row->length);
}

/* The highest stays: it is of the server's whole life, and the listener may come back. */
static void close_row(struct listener_row *row)
{
	atomic_store_explicit(&row->life, LISTENER_GONE, memory_order_relaxed);
	cell_set(&row->queue.accept_queue_length, 0);
	cell_set(&row->queue.accept_queue_limit, 0);
	cell_set(&row->queue.accept_queue_peak, 0);
}

static void mark_used(const struct generation *generation, bool *is_used)
{
	const struct listener_set *set = generation ? generation->listeners : NULL;

	for (unsigned i = 0; set && i < set->count; i++)
		is_used[set->list[i].row] = true;
}

static void close_rows(const struct procs *procs)
{
	bool is_used[METRIC_LISTENERS] = { false };

	mark_used(procs->current, is_used);
	mark_used(procs->starting, is_used);
	for (unsigned i = 0; i < METRIC_LISTENERS; i++) {
		struct listener_row *row = &procs->board->listeners[i];

		if (!is_used[i] &&
		    atomic_load_explicit(&row->life, memory_order_relaxed) == LISTENER_OPEN)
			close_row(row);
	}
}

/* 0: unknown. */
static uint32_t read_somaxconn(void)
{
	char text[32];
	int64_t value;

	if (!file_read_path("/proc/sys/net/core/somaxconn", text, sizeof(text)))
		return 0;
	text[strcspn(text, "\n")] = '\0';
	return units_read_count(text, &value) && value <= UINT32_MAX ? (uint32_t)value : 0;
}

static void advise(const struct queue_alarm *overflow, const struct generation *generation,
		   int64_t now_ms, char *advice)
{
	const struct queue_alarm_sample *worst = &overflow->worst;
	/* Who had nothing to do has not turned its loop, and is not to be blamed for it. */
	int64_t since_ms = queue_alarm_goes_on(overflow) ? overflow->noticed_ms : INT64_MIN;
	struct load load = load_of(generation, worst->socket, worst->sockets, since_ms);
	const struct queue_alarm_facts facts = {
		.limit = worst->limit,
		.backlog = (uint32_t)generation->listeners->list[worst->listener].conf->backlog,
		.somaxconn = read_somaxconn(),
		.workers = load.workers,
		.silent = load.silent,
		.full = load.full,
		.worker_connections = (uint32_t)generation->conf->worker_connections,
		.is_lasting = queue_alarm_goes_on(overflow) &&
			      now_ms - overflow->crowded_ms >= QUEUE_ALARM_LASTS_MS,
	};

	queue_alarm_advice(&facts, advice);
}

static void tell(struct queue_alarm *overflow, const struct generation *generation, int64_t now_ms)
{
	const struct listener *listener = &generation->listeners->list[overflow->worst.listener];
	char address[ADDR_TEXT], advice[QUEUE_ALARM_ADVICE];

	advise(overflow, generation, now_ms, advice);
	LOG(EVENT_accept_queue_overflowed, LOG_STR("listen", listener->conf->address),
	    LOG_STR("address", addr_write(&listener->bound, address)),
	    LOG_NUM("queue", overflow->worst.queue), LOG_NUM("limit", overflow->worst.limit),
	    LOG_NUM("dropped", overflow->dropped), LOG_STR("advice", advice));
	queue_alarm_told(overflow, now_ms);
}

static void judge(struct queues *queues, const struct generation *generation,
		  const struct row_look *rows, int64_t now_ms)
{
	for (unsigned i = 0; i < METRIC_LISTENERS; i++) {
		struct queue_alarm *overflow = &queues->overflows[i];

		if (rows[i].look.sockets == 0)
			continue;
		queue_alarm_note(overflow, &rows[i].look, now_ms);
		if (queue_alarm_is_due(overflow, now_ms))
			tell(overflow, generation, now_ms);
	}
}

/* The sockets that they name are no more. */
static void forget(struct queues *queues)
{
	for (unsigned i = 0; i < METRIC_LISTENERS; i++)
		queue_alarm_forget(&queues->overflows[i]);
}

void queues_look(struct queues *queues, const struct procs *procs, int64_t now_ms)
{
	struct row_look rows[METRIC_LISTENERS] = { 0 };
	uint64_t scrapes = count_scrapes(procs);
	bool changed;

	close_rows(procs);
	if (!sockets_follow(&queues->sockets, procs->current, &changed))
		return;
	if (changed)
		forget(queues);
	if (queues->sockets.count == 0)
		return;
	read_all(&queues->sockets, procs->current->listeners, rows);
	for (unsigned i = 0; i < METRIC_LISTENERS; i++)
		if (rows[i].look.sockets > 0)
			write_row(&procs->board->listeners[i].queue, &rows[i],
				  scrapes != queues->scrapes);
	queues->scrapes = scrapes;
	judge(queues, procs->current, rows, now_ms);
}

uint64_t queues_waiting(const struct scoreboard *board)
{
	uint64_t waiting = 0;

	for (unsigned i = 0; i < METRIC_LISTENERS; i++)
		waiting += cell_get(&board->listeners[i].queue.accept_queue_length);
	return waiting;
}
