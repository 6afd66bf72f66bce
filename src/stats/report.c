/* SPDX-License-Identifier: MIT */
/*
 * Reads the server as a whole from a scoreboard: its state, its listeners, its past. Writes values
 * in their units, and long output in pieces. Must not trust any value in the scoreboard.
 */
#include "stats/report.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "stats/scoreboard.h"

const char *report_reload(const struct report *report, struct outcome *out)
{
	const struct request *reload = &report->board->reload;

	if (atomic_load_explicit(&reload->done, memory_order_acquire) == 0) {
		memset(out, 0, sizeof(*out));
		return "none";
	}
	scoreboard_read_request(reload, out);
	return out->failed ? "failed" : "ok";
}

const char *report_moves(const struct outcome *outcome, char *text)
{
	struct strbuf moves = strbuf_on(text, REPORT_MOVES - 1);

	strbuf_grouped(&moves, outcome->moved);
	strbuf_raw(&moves, outcome->moved == 1 ? " connection moved" : " connections moved");
	if (outcome->staying > 0) {
		strbuf_raw(&moves, ", ");
		strbuf_grouped(&moves, outcome->staying);
		strbuf_raw(&moves, outcome->staying == 1 ? " finishes in an old worker" :
							   " finish in old workers");
	}
	text[moves.used] = '\0';
	return text;
}

void report_head(const struct report *report, char *origin, char *program)
{
	const struct scoreboard *board = report->board;

	memcpy(origin, board->origin, sizeof(board->origin));
	origin[sizeof(board->origin) - 1] = '\0';
	memcpy(program, board->program, sizeof(board->program));
	program[sizeof(board->program) - 1] = '\0';
}

const char *report_state(const struct report *report)
{
	const struct scoreboard *board = report->board;

	if (!report->is_alive)
		return "dead";
	if (report_lame_duck_ms(report) >= 0)
		return "lame_duck";
	if (atomic_load_explicit(&board->stop_due_ms, memory_order_relaxed) != 0 ||
	    cell_get(&board->server.stopping) != 0)
		return "stopping";
	return "serving";
}

int64_t report_lame_duck_ms(const struct report *report)
{
	int64_t until_ms =
		atomic_load_explicit(&report->board->lame_duck_until_ms, memory_order_relaxed);

	if (!report->is_alive || until_ms <= 0)
		return -1;
	return report_since(until_ms, report->now_ms);
}

int64_t report_since(int64_t now, int64_t then)
{
	return then > 0 && then < now ? now - then : 0;
}

bool report_listener(const struct report *report, unsigned row, struct report_listener *out)
{
	const struct listener_row *from = &report->board->listeners[row];
	uint32_t life = atomic_load_explicit(&from->life, memory_order_acquire);
	struct tally here;

	if (life == LISTENER_NEVER)
		return false;
	report_listener_name(report, row, out->address, out->service);
	out->is_gone = life != LISTENER_OPEN;
	for (size_t i = 0; i < sizeof(out->queue) / sizeof(metric_cell); i++)
		cell_set((metric_cell *)&out->queue + i,
			 cell_get((const metric_cell *)&from->queue + i));
	tally_listener(report_tally(report, &here), report->board, row, &out->tally);
	report_limits(report, row, out);
	return true;
}

bool report_listener_name(const struct report *report, unsigned row, char *address, char *service)
{
	const struct listener_row *from;

	address[0] = service[0] = '\0';
	if (row >= METRIC_LISTENERS)
		return false;
	from = &report->board->listeners[row];
	if (atomic_load_explicit(&from->life, memory_order_acquire) == LISTENER_NEVER)
		return false;
	memcpy(address, from->address, sizeof(from->address));
	address[sizeof(from->address) - 1] = '\0';
	memcpy(service, from->service, sizeof(from->service));
	service[sizeof(from->service) - 1] = '\0';
	return true;
}

bool report_counter_name(const struct report *report, unsigned row, unsigned cell, char *name)
{
	const struct listener_row *from = &report->board->listeners[row];

	name[0] = '\0';
	if (row >= METRIC_LISTENERS || cell >= METRIC_NAMED ||
	    atomic_load_explicit(&from->life, memory_order_acquire) == LISTENER_NEVER)
		return false;
	memcpy(name, from->counters[cell], METRIC_COUNTER_NAME);
	name[METRIC_COUNTER_NAME - 1] = '\0';
	return name[0] != '\0';
}

const struct tally *report_tally(const struct report *report, struct tally *here)
{
	if (report->tally)
		return report->tally;
	tally_look(here, report->board);
	return here;
}

enum { CAUSE_TEXT = 16 };

/*
 * Returns the place, in a ring of `room` places, of the entry that is `back` entries ago; -1: there
 * is none. The place that is written next may be half written, so it is never read.
 */
static int find_place(const _Atomic uint32_t *written, unsigned room, unsigned back)
{
	uint32_t count = atomic_load_explicit(written, memory_order_acquire);

	if (back >= room - 1 || back >= count)
		return -1;
	return (int)((count - 1 - back) % room);
}

/* False when the place may have been overwritten since it was found. */
static bool is_intact(const _Atomic uint32_t *written, unsigned room, int place)
{
	atomic_thread_fence(memory_order_acquire);
	return (int)(atomic_load_explicit(written, memory_order_relaxed) % room) != place;
}

static void terminate_texts(struct crash_note *note)
{
	note->listen[sizeof(note->listen) - 1] = '\0';
	note->service[sizeof(note->service) - 1] = '\0';
	note->remote[sizeof(note->remote) - 1] = '\0';
	note->state[sizeof(note->state) - 1] = '\0';
	note->last_call[sizeof(note->last_call) - 1] = '\0';
}

bool report_crash(const struct report *report, unsigned back, struct crash_note *out)
{
	const struct scoreboard *board = report->board;
	int place = find_place(&board->crash_count, SCOREBOARD_CRASHES, back);

	if (place < 0)
		return false;
	memcpy(out, &board->crash_notes[place], sizeof(*out));
	terminate_texts(out);
	return is_intact(&board->crash_count, SCOREBOARD_CRASHES, place);
}

const char *report_cause(const struct crash_note *note, char *text)
{
	const char *name = note->signal < NSIG ? sigabbrev_np((int)note->signal) : NULL;

	if (note->hung != 0)
		snprintf(text, CAUSE_TEXT, "hang");
	else if (note->signal == 0)
		snprintf(text, CAUSE_TEXT, "exit");
	else if (name != NULL)
		snprintf(text, CAUSE_TEXT, "SIG%s", name);
	else
		snprintf(text, CAUSE_TEXT, "signal %u", note->signal % 1000);
	return text;
}

bool report_moment(const struct report *report, unsigned back, struct moment *out)
{
	const struct scoreboard *board = report->board;
	int place = find_place(&board->moment_count, SCOREBOARD_MOMENTS, back);

	if (place < 0)
		return false;
	memcpy(out, &board->moments[place], sizeof(*out));
	return is_intact(&board->moment_count, SCOREBOARD_MOMENTS, place);
}

bool report_mark(const struct report *report, unsigned back, struct mark *out)
{
	const struct scoreboard *board = report->board;
	int place = find_place(&board->mark_count, SCOREBOARD_MARKS, back);

	if (place < 0)
		return false;
	memcpy(out, &board->marks[place], sizeof(*out));
	return is_intact(&board->mark_count, SCOREBOARD_MARKS, place);
}

const char *report_mark_name(uint32_t kind)
{
	static const char *const names[] = { [MARK_START] = "start",
					     [MARK_CRASH] = "crash",
					     [MARK_HANG] = "hang",
					     [MARK_RELOAD] = "reload",
					     [MARK_RELOAD_FAILED] = "reload_failed" };

	return kind < sizeof(names) / sizeof(*names) ? names[kind] : "unknown";
}

bool report_ban(const struct report *report, unsigned place, struct report_ban *out)
{
	const struct ban *from = &report->board->bans.places[place];
	int64_t until_ms = atomic_load_explicit(&from->until_ms, memory_order_acquire);
	struct net net;

	memcpy(&net, &from->net, sizeof(net));
	if (from->first_ms == 0 || until_ms <= report->now_ms || !net_write_block(&net, out->net))
		return false;
	out->crashes = from->crashes;
	out->left_ms = report_since(until_ms, report->now_ms);
	return true;
}

/* The last bucket has no upper bound: its lower bound is used. */
int64_t report_quantile_us(const struct histogram *h, double part)
{
	double all = 0, seen = 0;
	unsigned i;

	for (i = 0; i < HISTOGRAM_BUCKETS; i++)
		all += (double)cell_get(&h->buckets[i]);
	if (all <= 0)
		return -1;
	for (i = 0; i < HISTOGRAM_BUCKETS - 2; i++) {
		seen += (double)cell_get(&h->buckets[i]);
		if (seen > 0 && seen >= all * part)
			break;
	}
	return (int64_t)histogram_bound_us(i);
}

/* A gauge below zero, which is a number above INT64_MAX here, is not valid: 0 is written. */
void report_value(struct strbuf *text, const struct metric_row *row, uint64_t value)
{
	if (row->kind == KIND_IS_GAUGE && value > INT64_MAX)
		value = 0;
	if (row->unit == UNIT_SECONDS || row->unit == UNIT_RATIO)
		strbuf_micros(text, value);
	else
		strbuf_u64(text, value);
}

/* Returns false, and writes nothing, when the piece does not fit. */
static bool write_piece(const struct report *report, const struct piece *part,
			struct piece_cursor *at, struct strbuf *text)
{
	size_t before = text->used;

	part->write(report, at->index, at->has_before, text);
	if (text->is_cut) {
		text->used = before;
		text->is_cut = false;
		return false;
	}
	at->has_before = at->has_before || text->used > before;
	return true;
}

/* For numbers that no worker ever had, the pieces by worker are empty. */
static unsigned count_pieces(const struct piece *part, const struct tally *tally)
{
	return part->of_worker > 0 ? 1 + tally->numbers * part->of_worker : part->most;
}

bool report_pieces(const struct report *report, const struct piece *parts, unsigned count,
		   struct piece_cursor *at, struct strbuf *text)
{
	bool was_empty = text->used == 0;
	struct report known = *report;
	struct tally tally;

	tally_look(&tally, report->board);
	known.tally = &tally;
	while (at->part < count) {
		for (; at->index < count_pieces(&parts[at->part], &tally); at->index++) {
			if (write_piece(&known, &parts[at->part], at, text))
				continue;
			BUG_ON(was_empty && text->used == 0);
			return false;
		}
		*at = (struct piece_cursor){ .part = at->part + 1 };
	}
	return true;
}
