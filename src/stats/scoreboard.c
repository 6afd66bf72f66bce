/* SPDX-License-Identifier: MIT */
/*
 * Manages the parts of a scoreboard: slots in use, notes, rows of listeners, marks, requests and
 * their outcomes, and the folding of a dead worker's counts. It opens no file
 * (stats/scoreboard_file.c does).
 */
#include "stats/scoreboard.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/sys.h"

static void raise_to(_Atomic uint32_t *used, unsigned wanted)
{
	if (atomic_load_explicit(used, memory_order_relaxed) < wanted)
		atomic_store_explicit(used, wanted, memory_order_release);
}

/* The parts of the file lie apart, and each grows at its end. */
static bool has_space(const struct scoreboard *board, unsigned slots, unsigned workers)
{
	if (board->fd <= 0)
		return true;
	return (workers <= scoreboard_workers(board) ||
		scoreboard_fill(board->fd, offsetof(struct scoreboard, past),
				(off_t)(workers * sizeof(struct past)))) &&
	       (slots <= scoreboard_slots(board) ||
		scoreboard_fill(board->fd, offsetof(struct scoreboard, slots),
				(off_t)(slots * sizeof(struct slot))));
}

bool scoreboard_use(struct scoreboard *board, unsigned slots, unsigned workers)
{
	if (!has_space(board, slots, workers))
		return false;
	raise_to(&board->slots_used, slots);
	raise_to(&board->workers_used, workers);
	return true;
}

bool scoreboard_use_servers(struct scoreboard *board, unsigned servers)
{
	if (board->fd > 0 && (!scoreboard_fill(board->fd, offsetof(struct scoreboard, server_names),
					       (off_t)(servers * sizeof(struct server_names))) ||
			      !scoreboard_fill(board->fd, offsetof(struct scoreboard, servers),
					       (off_t)(servers * sizeof(struct server_shared)))))
		return false;
	raise_to(&board->servers_used, servers);
	return true;
}

/*
 * board->folds is odd while counts move from the slot to the past, so that no reader counts them
 * twice or misses them.
 */
void scoreboard_fold(struct scoreboard *board, struct slot *slot, unsigned number)
{
	BUG_ON(number >= SCOREBOARD_WORKERS);
	atomic_fetch_add_explicit(&board->folds, 1, memory_order_acq_rel);
	metric_fold_tally(&board->past[number].tally, &slot->tally);
	atomic_fetch_add_explicit(&board->folds, 1, memory_order_acq_rel);
}

void scoreboard_set_live(struct slot *slot, const uint32_t *live)
{
	uint32_t sum = 0;

	for (unsigned l = 0; l < METRIC_LISTENERS; l++) {
		cell_set(&slot->tally.listeners[l].connections_live, live ? live[l] : 0);
		cell_set(&slot->tally.listeners[l].connections_waiting, 0);
		sum += live ? live[l] : 0;
	}
	atomic_store_explicit(&slot->live, sum, memory_order_relaxed);
}

/* The number is odd from here to end_notes; a worker that died in between has left it odd. */
static uint32_t begin_notes(struct conn_notes *notes)
{
	uint32_t odd = atomic_load_explicit(&notes->seq, memory_order_relaxed) | 1;

	atomic_store_explicit(&notes->seq, odd, memory_order_relaxed);
	atomic_thread_fence(memory_order_release);
	return odd;
}

static void end_notes(struct conn_notes *notes, uint32_t odd)
{
	atomic_store_explicit(&notes->seq, odd + 1, memory_order_release);
}

void scoreboard_set_notes(struct slot *slot, const struct conn_note *list, unsigned count)
{
	struct conn_notes *notes = &slot->notes;
	uint32_t odd = begin_notes(notes);

	for (unsigned i = 0; i < count; i++)
		notes->list[i] = list[i];
	atomic_store_explicit(&notes->count, count, memory_order_relaxed);
	end_notes(notes, odd);
}

/* As for the notes of a slot. */
void scoreboard_set_sources(struct scoreboard *board, const struct full_source *list,
			    unsigned count)
{
	struct full_sources *sources = &board->sources;
	uint32_t odd = atomic_load_explicit(&sources->seq, memory_order_relaxed) | 1;

	atomic_store_explicit(&sources->seq, odd, memory_order_relaxed);
	atomic_thread_fence(memory_order_release);
	memcpy(sources->list, list, count * sizeof(*list));
	atomic_store_explicit(&sources->count, count, memory_order_relaxed);
	atomic_store_explicit(&sources->seq, odd + 1, memory_order_release);
}

enum { OTHER = METRIC_LISTENERS - 1 };

static bool is_row(const struct listener_row *row, const char *address, const char *service)
{
	return strncmp(row->address, address, sizeof(row->address) - 1) == 0 &&
	       strncmp(row->service, service, sizeof(row->service) - 1) == 0;
}

static void name_row(struct listener_row *row, const char *address, const char *service)
{
	snprintf(row->address, sizeof(row->address), "%s", address);
	snprintf(row->service, sizeof(row->service), "%s", service);
	memset(row->counters, 0, sizeof(row->counters));
}

static bool has_counts(const struct listener_tally *tally)
{
	static const struct listener_tally nothing;

	return memcmp(tally, &nothing, sizeof(nothing)) != 0;
}

/* The row is free only when no worker that counts in it is left. */
static bool is_left(const struct scoreboard *board, unsigned i)
{
	if (atomic_load(&board->listeners[i].life) != LISTENER_GONE)
		return false;
	for (unsigned k = 0; k < scoreboard_slots(board); k++)
		if (scoreboard_state(board, k) != SLOT_EMPTY &&
		    has_counts(&board->slots[k].tally.listeners[i]))
			return false;
	return true;
}

/* Adds the row's counts to the last row, so that no sum falls. */
static void vacate_row(struct scoreboard *board, unsigned i)
{
	struct queue_tally *queue = &board->listeners[i].queue;

	atomic_fetch_add_explicit(&board->folds, 1, memory_order_acq_rel);
	for (unsigned w = 0; w < scoreboard_workers(board); w++) {
		struct listener_tally *past = board->past[w].tally.listeners;

		metric_add_listener(&past[OTHER], &past[i]);
		memset(&past[i], 0, sizeof(past[i]));
	}
	cell_add(&board->listeners[OTHER].queue.accept_queue_dropped_segments_total,
		 cell_get(&queue->accept_queue_dropped_segments_total));
	memset(queue, 0, sizeof(*queue));
	atomic_store_explicit(&board->listeners[i].life, LISTENER_NEVER, memory_order_relaxed);
	atomic_fetch_add_explicit(&board->folds, 1, memory_order_acq_rel);
}

/*
 * Returns a row for a new listener: an unused one, or that of a listener that is gone, or the last.
 */
static unsigned find_row(struct scoreboard *board)
{
	struct listener_row *other = &board->listeners[OTHER];
	unsigned i = 0;

	while (i < OTHER && atomic_load(&board->listeners[i].life) != LISTENER_NEVER)
		i++;
	if (i < OTHER)
		return i;
	for (i = 0; i < OTHER && !is_left(board, i); i++)
		;
	name_row(other, "other", "other");
	if (i < OTHER)
		vacate_row(board, i);
	if (i < OTHER && atomic_load(&other->life) == LISTENER_NEVER)
		atomic_store_explicit(&other->life, LISTENER_GONE, memory_order_release);
	return i;
}

unsigned scoreboard_enlist(struct scoreboard *board, const char *address, const char *service)
{
	struct listener_row *row = board->listeners;
	unsigned i = 0;

	while (i < OTHER &&
	       (atomic_load(&row[i].life) == LISTENER_NEVER || !is_row(&row[i], address, service)))
		i++;
	if (i == OTHER)
		i = find_row(board);
	if (i < OTHER && atomic_load(&row[i].life) == LISTENER_NEVER)
		name_row(&row[i], address, service);
	atomic_store_explicit(&row[i].life, LISTENER_OPEN, memory_order_release);
	return i;
}

/* The first cell of that name, or the first that is free; METRIC_NAMED: there is none. */
static unsigned find_counter(const struct listener_row *row, const char *name)
{
	unsigned i = 0;

	while (i < METRIC_NAMED && row->counters[i][0] != '\0' &&
	       strcmp(row->counters[i], name) != 0)
		i++;
	return i;
}

bool scoreboard_name_counters(struct scoreboard *board, unsigned row,
			      char (*names)[METRIC_COUNTER_NAME], unsigned count)
{
	struct listener_row *named = &board->listeners[row];

	for (unsigned i = 0; i < count && row != OTHER; i++) {
		unsigned cell = find_counter(named, names[i]);

		if (names[i][0] == '\0')
			continue;
		if (cell == METRIC_NAMED)
			return false;
		memcpy(named->counters[cell], names[i], METRIC_COUNTER_NAME);
	}
	return true;
}

void scoreboard_mark(struct scoreboard *board, enum mark_kind kind, unsigned worker)
{
	uint32_t count = atomic_load_explicit(&board->mark_count, memory_order_relaxed);

	board->marks[count % SCOREBOARD_MARKS] =
		(struct mark){ .at_s = time(NULL), .kind = kind, .worker = worker };
	atomic_store_explicit(&board->mark_count, count + 1, memory_order_release);
}

void scoreboard_begin_request(struct request *request)
{
	atomic_fetch_add_explicit(&request->begun, 1, memory_order_release);
}

void scoreboard_delay_request(struct request *request, int64_t due_ms)
{
	atomic_store_explicit(&request->due_ms, due_ms, memory_order_relaxed);
}

/* A time that is left of an earlier request has passed, or was long enough. */
int64_t scoreboard_request_due_ms(const struct request *request, uint32_t wanted,
				  int64_t usual_each_ms, int64_t usual_ms)
{
	int32_t after =
		(int32_t)(wanted - atomic_load_explicit(&request->begun, memory_order_acquire));
	int64_t due_ms = atomic_load_explicit(&request->due_ms, memory_order_relaxed);

	if (after > 0)
		due_ms += after * usual_each_ms;
	return due_ms > usual_ms ? due_ms : usual_ms;
}

void scoreboard_end_request(struct request *request, const char *failure, int64_t took_ms,
			    unsigned workers, unsigned moved, unsigned staying)
{
	uint32_t done = atomic_load_explicit(&request->done, memory_order_relaxed) + 1;
	struct outcome *outcome = &request->outcomes[done % 2];

	snprintf(outcome->message, sizeof(outcome->message), "%s", failure ? failure : "");
	outcome->failed = failure ? 1 : 0;
	outcome->took_ms = (uint32_t)took_ms;
	outcome->workers = workers;
	outcome->moved = moved;
	outcome->staying = staying;
	outcome->at_s = time(NULL);
	atomic_store_explicit(&request->done, done, memory_order_release);
}

void scoreboard_read_request(const struct request *request, struct outcome *outcome)
{
	uint32_t done, now = atomic_load_explicit(&request->done, memory_order_acquire);

	do {
		done = now;
		memcpy(outcome, &request->outcomes[done % 2], sizeof(*outcome));
		atomic_thread_fence(memory_order_acquire);
		now = atomic_load_explicit(&request->done, memory_order_acquire);
	} while (now != done);
	/* the owner of the file may have written anything */
	outcome->message[sizeof(outcome->message) - 1] = '\0';
}

const char *scoreboard_conn_state_name(uint32_t state)
{
	static const char *const names[] = {
		[CONN_CLOSED] = "closed",     [CONN_PREFACE] = "preface",
		[CONN_WAITING] = "waiting",   [CONN_OPEN] = "open",
		[CONN_FLUSHING] = "flushing", [CONN_LINGERING] = "lingering"
	};

	return state < sizeof(names) / sizeof(*names) ? names[state] : "unknown";
}
