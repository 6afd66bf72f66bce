/* SPDX-License-Identifier: MIT */
/*
 * Links records into lines. The table of lines has open addressing; a line that ends is closed up
 * by those behind it.
 */
#include "worker/limit/waiting.h"

#include "base/pages.h"

/* Of a worker's places so many may wait: one half. */
enum { WAITING_PART = 2 };

struct waiting_line {
	uint64_t key;
	uint32_t first, last; /* 1 + index of the record */
	uint32_t count;       /* 0: the place is free */
	int64_t due_ms;       /* of the first; 0: now */
};

struct waiting_node {
	uint64_t key;           /* of its line */
	uint32_t before, after; /* 1 + index of the record; 0: none */
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
	return w->nodes && w->lines;
}

void waiting_stop(struct waiting *w)
{
	if (w->nodes)
		pages_free(w->nodes, size_of_nodes(w));
	if (w->lines)
		pages_free(w->lines, size_of_lines(w));
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

	while (w->lines[at].count > 0 && w->lines[at].key != key)
		at = (at + 1) & (w->places - 1);
	return &w->lines[at];
}

/* Moves lines behind a free place into it, as long as their way leads over it. */
static void close_gap(struct waiting *w, struct waiting_line *line)
{
	uint32_t mask = w->places - 1, gap = (uint32_t)(line - w->lines), at = gap;

	for (at = (at + 1) & mask; w->lines[at].count > 0; at = (at + 1) & mask) {
		uint32_t home = home_of(w, w->lines[at].key);

		if (((at - home) & mask) < ((at - gap) & mask))
			continue;
		w->lines[gap] = w->lines[at];
		w->lines[at].count = 0;
		gap = at;
	}
}

static struct record *record_at(const struct waiting *w, uint32_t link)
{
	return link > 0 ? arena_record(w->arena, link - 1) : NULL;
}

static struct waiting_node *node_at(const struct waiting *w, uint32_t link)
{
	return link > 0 ? &w->nodes[link - 1] : NULL;
}

/* The first of the line has changed, or there is none any more. */
static void show_first(const struct waiting *w, const struct waiting_line *line, uint64_t key)
{
	const struct record *first = line->count > 0 ? record_at(w, line->first) : NULL;

	if (key != 0)
		limiter_show_waiting(w->limiter, key, first ? first->opened_us : 0);
}

static void make_due(const struct waiting *w, struct waiting_line *line)
{
	line->due_ms = 0;
	timer_set(w->timers, &w->alarms[line->first - 1], 0);
}

/* The last one that is older, from the end on; 0: none. */
static uint32_t find_older(const struct waiting *w, const struct waiting_line *line,
			   const struct record *r)
{
	uint32_t link = line->last;

	while (link > 0 && record_at(w, link)->opened_us > r->opened_us)
		link = node_at(w, link)->before;
	return link;
}

static void link_node(const struct waiting *w, struct waiting_line *line, const struct record *r)
{
	struct waiting_node *node = &w->nodes[r->index], *next;

	node->before = line->count > 0 ? find_older(w, line, r) : 0;
	node->after = node->before > 0 ? node_at(w, node->before)->after :
		      line->count > 0  ? line->first :
					 0;
	next = node_at(w, node->after);
	if (next)
		next->before = record_link(r);
	else
		line->last = record_link(r);
	if (node->before > 0)
		node_at(w, node->before)->after = record_link(r);
	else
		line->first = record_link(r);
	line->count++;
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
	if (line->count == 0) {
		*line = (struct waiting_line){ .key = key };
		w->line_count++;
	}
	node->key = key;
	node->is_in = true;
	link_node(w, line, r);
	w->total++;
	count_one(w, r, 1);
	if (line->count > find_line(w, w->longest)->count)
		w->longest = key;
	if (line->first == record_link(r))
		show_first(w, line, key);
}

static void unlink_node(const struct waiting *w, struct waiting_line *line,
			struct waiting_node *node)
{
	struct waiting_node *before = node_at(w, node->before), *after = node_at(w, node->after);

	if (before)
		before->after = node->after;
	else
		line->first = node->after;
	if (after)
		after->before = node->before;
	else
		line->last = node->before;
	line->count--;
}

void waiting_leave(struct waiting *w, struct record *r)
{
	struct waiting_node *node = &w->nodes[r->index];
	struct waiting_line *line;
	bool was_first = node->before == 0;

	if (!node->is_in)
		return;
	line = find_line(w, node->key);
	unlink_node(w, line, node);
	node->is_in = false;
	w->total--;
	count_one(w, r, -1);
	if (was_first)
		show_first(w, line, node->key);
	if (was_first && line->count > 0)
		make_due(w, line);
	if (line->count > 0)
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
	return line->count == 0 || line->first == record_link(r);
}

static bool is_first_in(const struct waiting *w, const struct record *r)
{
	return w->nodes[r->index].is_in && w->nodes[r->index].before == 0;
}

void waiting_put_off(struct waiting *w, const struct record *r, int64_t due_ms)
{
	if (is_first_in(w, r))
		find_line(w, w->nodes[r->index].key)->due_ms = due_ms;
}

/* A deadline of 0 is none: 1 is long past as well. */
int64_t waiting_due_ms(const struct waiting *w, const struct record *r)
{
	int64_t due_ms;

	if (!is_first_in(w, r))
		return 0;
	due_ms = find_line(w, w->nodes[r->index].key)->due_ms;
	return due_ms > 0 ? due_ms : 1;
}

void waiting_wake(struct waiting *w, uint64_t key)
{
	struct waiting_line *line;

	if (w->total == 0)
		return;
	line = find_line(w, key);
	if (line->count > 0)
		make_due(w, line);
}

static void find_longest(struct waiting *w)
{
	uint32_t most = 0;

	for (uint32_t i = 0; i < w->places; i++) {
		if (w->lines[i].count <= most)
			continue;
		most = w->lines[i].count;
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
	if ((uint64_t)line->count * w->line_count < w->total) {
		find_longest(w);
		line = find_line(w, w->longest);
	}
	return record_at(w, line->last);
}

struct record *waiting_surplus(struct waiting *w)
{
	return w->total > w->most ? waiting_last(w) : NULL;
}
