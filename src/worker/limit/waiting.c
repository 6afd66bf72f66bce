/* SPDX-License-Identifier: MIT */
/* The table of lines has open addressing; a line that ends is closed up by those behind it. */
#include "worker/limit/waiting.h"

#include "base/pages.h"

/* Of a worker's places so many may wait: one half. */
enum { WAITING_PART = 2 };

struct waiting_line {
	uint64_t key;
	struct line line; /* nobody waits: the place is free */
};

struct waiting_node {
	uint64_t key; /* of its line */
	bool is_in;
};

static size_t size_of_nodes(const struct waiting *w)
{
	return (size_t)w->arena->record_most * sizeof(*w->nodes);
}

static size_t size_of_lines(const struct waiting *w)
{
	return (size_t)w->places * sizeof(*w->lines);
}

bool waiting_start(struct waiting *w)
{
	w->places = 4;
	while (w->places < 2 * (uint64_t)w->arena->conn_most)
		w->places *= 2;
	w->most = w->arena->conn_most / WAITING_PART;
	if (w->most == 0)
		w->most = 1;
	w->nodes = pages_new(size_of_nodes(w));
	w->lines = pages_new(size_of_lines(w));
	w->links = (struct lines){ .arena = w->arena, .timers = w->timers, .alarms = w->alarms };
	return w->nodes && w->lines && lines_start(&w->links);
}

void waiting_stop(struct waiting *w)
{
	if (w->nodes)
		pages_free(w->nodes, size_of_nodes(w));
	if (w->lines)
		pages_free(w->lines, size_of_lines(w));
	lines_stop(&w->links);
	w->nodes = NULL;
	w->lines = NULL;
}

static uint32_t home_of(const struct waiting *w, uint64_t key)
{
	return (uint32_t)(key ^ key >> 32) & (w->places - 1);
}

/* The line of the key, or the free place where it would be. */
static struct waiting_line *find_line(const struct waiting *w, uint64_t key)
{
	uint32_t at = home_of(w, key);

	while (w->lines[at].line.count > 0 && w->lines[at].key != key)
		at = (at + 1) & (w->places - 1);
	return &w->lines[at];
}

/* Moves lines behind a free place into it, as long as their way leads over it. */
static void close_gap(struct waiting *w, struct waiting_line *line)
{
	uint32_t mask = w->places - 1, gap = (uint32_t)(line - w->lines), at = gap;

	for (at = (at + 1) & mask; w->lines[at].line.count > 0; at = (at + 1) & mask) {
		uint32_t home = home_of(w, w->lines[at].key);

		if (((at - home) & mask) < ((at - gap) & mask))
			continue;
		w->lines[gap] = w->lines[at];
		w->lines[at].line.count = 0;
		gap = at;
	}
}

static struct record *record_at(const struct waiting *w, uint32_t link)
{
	return link > 0 ? arena_record(w->arena, link - 1) : NULL;
}

/* The first of the line has changed, or there is none any more. */
static void show_first(const struct waiting *w, const struct waiting_line *line, uint64_t key)
{
	const struct record *first = line->line.count > 0 ? record_at(w, line->line.first) : NULL;

	if (key != 0)
		limiter_show_waiting(w->limiter, key, first ? first->opened_us : 0);
}

static void count_one(const struct waiting *w, const struct record *r, int by)
{
	unsigned row = w->limiter->listeners->list[r->listener].row;

	cell_add(&w->limiter->slot->tally.listeners[row].connections_waiting, (uint64_t)by);
}

void waiting_join(struct waiting *w, struct record *r, uint64_t key)
{
	struct waiting_node *node = &w->nodes[r->index];
	struct waiting_line *line;

	if (node->is_in)
		return;
	line = find_line(w, key);
	if (line->line.count == 0) {
		*line = (struct waiting_line){ .key = key };
		w->line_count++;
	}
	node->key = key;
	node->is_in = true;
	line_add(&w->links, &line->line, r);
	w->total++;
	count_one(w, r, 1);
	if (line->line.count > find_line(w, w->longest)->line.count)
		w->longest = key;
	if (line_begins_with(&line->line, r))
		show_first(w, line, key);
}

void waiting_leave(struct waiting *w, struct record *r)
{
	struct waiting_node *node = &w->nodes[r->index];
	struct waiting_line *line;
	bool was_first;

	if (!node->is_in)
		return;
	line = find_line(w, node->key);
	was_first = line_begins_with(&line->line, r);
	line_remove(&w->links, &line->line, r);
	node->is_in = false;
	w->total--;
	count_one(w, r, -1);
	if (was_first)
		show_first(w, line, node->key);
	if (line->line.count > 0)
		return;
	w->line_count--;
	close_gap(w, line);
}

bool waiting_is_first(const struct waiting *w, const struct record *r, uint64_t key)
{
	const struct waiting_line *line;

	if (w->total == 0)
		return true;
	line = find_line(w, key);
	return line->line.count == 0 || line_begins_with(&line->line, r);
}

static bool is_first_in(const struct waiting *w, const struct record *r)
{
	const struct waiting_node *node = &w->nodes[r->index];

	return node->is_in && line_begins_with(&find_line(w, node->key)->line, r);
}

void waiting_put_off(struct waiting *w, const struct record *r, int64_t due_ms)
{
	if (is_first_in(w, r))
		find_line(w, w->nodes[r->index].key)->line.due_ms = due_ms;
}

int64_t waiting_due_ms(const struct waiting *w, const struct record *r)
{
	return is_first_in(w, r) ? line_due_ms(&find_line(w, w->nodes[r->index].key)->line) : 0;
}

void waiting_wake(struct waiting *w, uint64_t key)
{
	struct waiting_line *line;

	if (w->total == 0)
		return;
	line = find_line(w, key);
	if (line->line.count > 0)
		line_make_due(&w->links, &line->line);
}

static void find_longest(struct waiting *w)
{
	uint32_t most = 0;

	for (uint32_t i = 0; i < w->places; i++) {
		if (w->lines[i].line.count <= most)
			continue;
		most = w->lines[i].line.count;
		w->longest = w->lines[i].key;
	}
}

/* One that is at least as long as the mean serves; a walk over all lines finds one again. */
struct record *waiting_last(struct waiting *w)
{
	const struct waiting_line *line;

	if (w->total == 0)
		return NULL;
	line = find_line(w, w->longest);
	if ((uint64_t)line->line.count * w->line_count < w->total) {
		find_longest(w);
		line = find_line(w, w->longest);
	}
	return record_at(w, line->line.last);
}

struct record *waiting_surplus(struct waiting *w)
{
	return w->total > w->most ? waiting_last(w) : NULL;
}
