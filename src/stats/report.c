/* SPDX-License-Identifier: MIT */
/*
 * What a scoreboard says of the server as a whole, values as their units want them, and the cutting
 * of long output. It words no document and trusts nothing in the board.
 */
#include "stats/report.h"

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
	if (atomic_load_explicit(&board->stop_due_ms, memory_order_relaxed) != 0 ||
	    cell_get(&board->server.stopping) != 0)
		return "stopping";
	return "serving";
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
	tally_listener(report_crew(report, &here), report->board, row, &out->tally);
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

const struct tally *report_crew(const struct report *report, struct tally *here)
{
	if (report->crew)
		return report->crew;
	tally_look(here, report->board);
	return here;
}

/* The last bucket has no upper bound, and what is known of it is the lower one. */
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

/* A gauge is a sum of what went up and down: below zero it is rubbish. */
void report_value(struct strbuf *text, const struct metric_row *row, uint64_t value)
{
	if (row->kind == KIND_IS_GAUGE && value > INT64_MAX)
		value = 0;
	if (row->unit == UNIT_SECONDS || row->unit == UNIT_RATIO)
		strbuf_micros(text, value);
	else
		strbuf_u64(text, value);
}

/* False when the piece has not found room; then there is no trace of it. */
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

/* Beyond the last number that was ever a worker's, pieces by worker are empty. */
static unsigned count_pieces(const struct piece *part, const struct tally *crew)
{
	return part->of_worker > 0 ? 1 + crew->numbers * part->of_worker : part->most;
}

bool report_pieces(const struct report *report, const struct piece *parts, unsigned count,
		   struct piece_cursor *at, struct strbuf *text)
{
	bool was_empty = text->used == 0;
	struct report known = *report;
	struct tally crew;

	tally_look(&crew, report->board);
	known.crew = &crew;
	while (at->part < count) {
		for (; at->index < count_pieces(&parts[at->part], &crew); at->index++) {
			if (write_piece(&known, &parts[at->part], at, text))
				continue;
			BUG_ON(was_empty && text->used == 0);
			return false;
		}
		*at = (struct piece_cursor){ .part = at->part + 1 };
	}
	return true;
}
