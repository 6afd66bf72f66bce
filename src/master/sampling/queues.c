/* SPDX-License-Identifier: MIT */
/*
 * Sums the readings of the accept queues up by row and passes them to queue_alarm.c, which decides
 * on warnings. A socket that a reload takes over is followed from one generation to the next.
 */
#include "master/sampling/queues.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "master/generation.h"
#include "net/netstat.h"

static bool is_unix(const struct listener *listener)
{
	return listener->bound.sa.sa_family == AF_UNIX;
}

static void warn_of_unix(struct queues *queues)
{
	if (!queues->has_warned)
		LOG(EVENT_environment_warned,
		    LOG_STR("message", "the accept queues of unix sockets cannot be looked at"),
		    LOG_STR("error", strerror(errno)));
	queues->has_warned = true;
}

static const struct accept_queue *find_queue(const struct queues *queues, uint64_t inode)
{
	for (unsigned i = 0; i < queues->count; i++)
		if (queues->list[i].queue.inode == inode)
			return &queues->list[i].queue;
	return NULL;
}

static bool follow_socket(const struct queues *queues, const struct listener *listener, int fd,
			  struct accept_queue *queue)
{
	const struct accept_queue *before;

	if (!accept_queue_follow(queue, fd, is_unix(listener), !listener->inherited))
		return false;
	before = find_queue(queues, queue->inode);
	if (before)
		*queue = *before;
	queue->fd = fd;
	return true;
}

static bool list_sockets(const struct queues *queues, const struct listener_set *set,
			 struct queues_socket *next)
{
	for (unsigned i = 0; i < set->count; i++)
		for (unsigned k = 0; k < set->list[i].fd_count; k++, next++) {
			next->listener = i;
			next->number = k;
			if (!follow_socket(queues, &set->list[i], set->list[i].fds[k],
					   &next->queue))
				return false;
		}
	return true;
}

static void open_diag(struct queues *queues, const struct listener_set *set)
{
	bool is_wanted = false;

	for (unsigned i = 0; i < set->count; i++)
		is_wanted = is_wanted || is_unix(&set->list[i]);
	if (is_wanted && queues->diag.fd < 0 && !sockdiag_open(&queues->diag))
		warn_of_unix(queues);
}

/*
 * Changes to the sockets of that generation (NULL: none) when it is not that of the last call, and
 * sets *changed. Returns false on failure: the list is of no use until a call succeeds.
 */
static bool follow_generation(struct queues *queues, const struct generation *generation,
			      bool *changed)
{
	static const struct listener_set none;
	const struct listener_set *set =
		generation && generation->listeners ? generation->listeners : &none;
	unsigned id = set->count > 0 ? generation->id : 0;
	struct queues_socket *list;

	*changed = queues->generation != id;
	if (!*changed)
		return true;
	list = calloc(listener_sockets(set) + 1, sizeof(*list));
	if (!list || !list_sockets(queues, set, list)) {
		free(list);
		return false;
	}
	free(queues->list);
	queues->list = list;
	queues->count = listener_sockets(set);
	queues->generation = id;
	open_diag(queues, set);
	return true;
}

/* The sum of all sockets that are counted in one row. */
struct row {
	bool has_failed; /* one of its sockets could not be read */
	uint64_t length, limit;
	struct queue_alarm_sample look; /* sockets 0: none was read */
};

void queues_start(struct queues *queues)
{
	*queues = (struct queues){ .diag = { .fd = -1 } };
}

void queues_stop(struct queues *queues)
{
	sockdiag_close(&queues->diag);
	free(queues->list);
	queues_start(queues);
}

static void add_reading(struct row *row, const struct queue_alarm_sample *look)
{
	uint64_t dropped = row->look.dropped + look->dropped;

	row->length += look->queue;
	row->limit += look->limit;
	if (row->look.sockets == 0 || look->queue > row->look.queue)
		row->look = *look;
	row->look.dropped = dropped;
}

static void read_sockets(struct queues *queues, const struct listener_set *set, struct row *rows)
{
	for (unsigned i = 0; i < queues->count; i++) {
		struct queues_socket *watch = &queues->list[i];
		const struct listener *listener = &set->list[watch->listener];
		struct accept_queue_reading reading;
		enum accept_queue_answer answer =
			accept_queue_read(&watch->queue, &queues->diag, &reading);

		if (answer == ACCEPT_QUEUE_READ)
			add_reading(&rows[listener->row],
				    &(struct queue_alarm_sample){ .queue = reading.length,
								  .limit = reading.limit,
								  .dropped = reading.dropped,
								  .listener = watch->listener,
								  .socket = watch->number,
								  .sockets = listener->fd_count });
		else if (answer == ACCEPT_QUEUE_FAILED)
			rows[listener->row].has_failed = true;
		else if (answer == ACCEPT_QUEUE_REFUSED)
			warn_of_unix(queues);
	}
}

static uint64_t get_count(const struct worker_tally *tally, size_t offset)
{
	return cell_get((const metric_cell *)((const char *)tally + offset));
}

/* Of all workers; a counter has those of dead ones too. */
static uint64_t sum_counts(const struct procs *procs, size_t offset)
{
	uint64_t count = 0;

	for (unsigned i = 0; i < scoreboard_workers(procs->board); i++)
		count = metric_add_up(count, get_count(&procs->board->past[i].tally, offset));
	for (const struct generation *g = procs_next(procs, NULL); g; g = procs_next(procs, g))
		for (unsigned i = 0; i < g->capacity; i++)
			count = metric_add_up(count, get_count(&g->slots[i].tally, offset));
	return count;
}

static size_t offset_in_row(unsigned row, size_t offset)
{
	return offsetof(struct worker_tally, listeners) + row * sizeof(struct listener_tally) +
	       offset;
}

static void note_count(struct queues_count *count, uint64_t sum, int64_t now_ms)
{
	if (sum > count->seen)
		count->grew_ms = now_ms;
	count->seen = sum;
}

static bool has_grown(const struct queues_count *count, int64_t within_ms, int64_t now_ms)
{
	return count->grew_ms > 0 && now_ms - count->grew_ms < within_ms;
}

static void note_pauses(struct queues *queues, const struct procs *procs, int64_t now_ms)
{
	size_t offset = offsetof(struct worker_tally, accept_pauses_total);

	note_count(&queues->pauses, sum_counts(procs, offset), now_ms);
}

static bool waits_for_rate(const struct listener *listener)
{
	return listener->conf->rate > 0 && listener->conf->on_limit == ON_LIMIT_WAIT;
}

/* Of the listeners of the generation in force that have one. */
static void note_rates(struct queues *queues, const struct procs *procs, int64_t now_ms)
{
	const struct listener_set *set = procs->current->listeners;
	size_t offset = offsetof(struct listener_tally, limits_reached_total[LIMIT_rate]);

	for (unsigned i = 0; i < set->count; i++) {
		unsigned row = set->list[i].row;

		if (waits_for_rate(&set->list[i]))
			note_count(&queues->rates[row],
				   sum_counts(procs, offset_in_row(row, offset)), now_ms);
	}
}

static void raise_to(metric_cell *cell, uint64_t value)
{
	if (value > cell_get(cell))
		cell_set(cell, value);
}

static void write_row(struct queue_tally *queue, const struct row *row, bool was_scraped)
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

/* The highest length stays: it is for the server's whole life, and the listener may come back. */
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

/* False where connections beyond the limit do not wait in the queue, and where there is room. */
static bool is_at_limit(const struct procs *procs, const struct listener *listener)
{
	size_t offset =
		offset_in_row(listener->row, offsetof(struct listener_tally, connections_live));
	int64_t most = listener->conf->max_connections;

	return most > 0 && listener->conf->on_limit == ON_LIMIT_WAIT &&
	       sum_counts(procs, offset) >= (uint64_t)most;
}

/* False where connections beyond the rate do not wait in the queue, and where none did lately. */
static bool is_at_rate(const struct queues *queues, const struct listener *listener, int64_t now_ms)
{
	return waits_for_rate(listener) &&
	       has_grown(&queues->rates[listener->row], QUEUE_ALARM_RATE_MS, now_ms);
}

static void write_advice(const struct queues *queues, const struct queue_alarm *alarm,
			 const struct procs *procs, int64_t now_ms, char *advice)
{
	const struct generation *generation = procs->current;
	const struct listener *listener = &generation->listeners->list[alarm->worst.listener];
	const struct listen_conf *conf = listener->conf;
	const struct queue_alarm_sample *worst = &alarm->worst;
	/* An idle worker has not turned its loop, and is no cause of the overflow. */
	int64_t since_ms = queue_alarm_goes_on(alarm) ? alarm->noticed_ms : INT64_MIN;
	struct generation_load load =
		generation_load(generation, worst->socket, worst->sockets, since_ms);
	const struct queue_alarm_facts facts = {
		.limit = worst->limit,
		.backlog = (uint32_t)conf->backlog,
		.somaxconn = netstat_somaxconn(),
		.workers = load.workers,
		.silent = load.silent,
		.full = load.full,
		.worker_connections = (uint32_t)generation->conf->worker_connections,
		.max_connections = is_at_limit(procs, listener) ? (uint32_t)conf->max_connections :
								  0,
		.rate = is_at_rate(queues, listener, now_ms) ? (uint32_t)conf->rate : 0,
		.has_paused = has_grown(&queues->pauses, QUEUE_ALARM_RECENT_MS, now_ms),
		.is_lasting = queue_alarm_goes_on(alarm) &&
			      now_ms - alarm->crowded_ms >= QUEUE_ALARM_LASTS_MS,
	};

	queue_alarm_advice(&facts, advice);
}

static void log_overflow(const struct queues *queues, struct queue_alarm *alarm,
			 const struct procs *procs, int64_t now_ms)
{
	const struct listener *listener = &procs->current->listeners->list[alarm->worst.listener];
	char address[ADDR_TEXT], advice[QUEUE_ALARM_ADVICE];

	write_advice(queues, alarm, procs, now_ms, advice);
	LOG(EVENT_accept_queue_overflowed, LOG_STR("listen", listener->conf->address),
	    LOG_STR("address", addr_write(&listener->bound, address)),
	    LOG_NUM("queue", alarm->worst.queue), LOG_NUM("limit", alarm->worst.limit),
	    LOG_NUM("dropped", alarm->dropped), LOG_STR("advice", advice));
	queue_alarm_told(alarm, now_ms);
}

static void check_overflows(struct queues *queues, const struct procs *procs,
			    const struct row *rows, int64_t now_ms)
{
	for (unsigned i = 0; i < METRIC_LISTENERS; i++) {
		struct queue_alarm *alarm = &queues->alarms[i];

		if (rows[i].look.sockets == 0)
			continue;
		queue_alarm_note(alarm, &rows[i].look, now_ms);
		if (queue_alarm_is_due(alarm, now_ms))
			log_overflow(queues, alarm, procs, now_ms);
	}
}

/* The sockets in the alarms' samples are gone. */
static void forget_sockets(struct queues *queues)
{
	for (unsigned i = 0; i < METRIC_LISTENERS; i++)
		queue_alarm_forget(&queues->alarms[i]);
}

void queues_look(struct queues *queues, const struct procs *procs, int64_t now_ms)
{
	struct row rows[METRIC_LISTENERS] = { 0 };
	uint64_t scrapes = sum_counts(procs, offsetof(struct worker_tally, scrapes_total));
	bool changed;

	close_rows(procs);
	note_pauses(queues, procs, now_ms);
	if (!follow_generation(queues, procs->current, &changed))
		return;
	if (changed)
		forget_sockets(queues);
	if (queues->count == 0)
		return;
	note_rates(queues, procs, now_ms);
	read_sockets(queues, procs->current->listeners, rows);
	for (unsigned i = 0; i < METRIC_LISTENERS; i++)
		if (rows[i].look.sockets > 0)
			write_row(&procs->board->listeners[i].queue, &rows[i],
				  scrapes != queues->scrapes);
	queues->scrapes = scrapes;
	check_overflows(queues, procs, rows, now_ms);
}

uint64_t queues_waiting(const struct scoreboard *board)
{
	uint64_t waiting = 0;

	for (unsigned i = 0; i < METRIC_LISTENERS; i++)
		waiting += cell_get(&board->listeners[i].queue.accept_queue_length);
	return waiting;
}
