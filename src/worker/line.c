/* SPDX-License-Identifier: MIT */
/* Links records by their indexes. */
#include "worker/line.h"

#include "base/pages.h"

struct line_node {
	uint32_t before, after; /* 1 + index of the record; 0: none */
};

static size_t size_of_nodes(const struct lines *lines)
{
	return (size_t)lines->arena->record_most * sizeof(*lines->nodes);
}

bool lines_start(struct lines *lines)
{
	lines->nodes = pages_new(size_of_nodes(lines));
	return lines->nodes;
}

void lines_stop(struct lines *lines)
{
	if (lines->nodes)
		pages_free(lines->nodes, size_of_nodes(lines));
	lines->nodes = NULL;
}

static struct line_node *node_at(const struct lines *lines, uint32_t link)
{
	return link > 0 ? &lines->nodes[link - 1] : NULL;
}

void line_make_due(const struct lines *lines, struct line *line)
{
	line->due_ms = 0;
	timer_set(lines->timers, &lines->alarms[line->first - 1], 0);
}

/* The last one that is older, from the end on; 0: none. */
static uint32_t find_older(const struct lines *lines, const struct line *line,
			   const struct record *r)
{
	uint32_t link = line->last;

	while (link > 0 && arena_record(lines->arena, link - 1)->opened_us > r->opened_us)
		link = node_at(lines, link)->before;
	return link;
}

void line_add(const struct lines *lines, struct line *line, const struct record *r)
{
	struct line_node *node = &lines->nodes[r->index], *next;

	node->before = line->count > 0 ? find_older(lines, line, r) : 0;
	node->after = node->before > 0 ? node_at(lines, node->before)->after :
		      line->count > 0  ? line->first :
					 0;
	next = node_at(lines, node->after);
	if (next)
		next->before = record_link(r);
	else
		line->last = record_link(r);
	if (node->before > 0)
		node_at(lines, node->before)->after = record_link(r);
	else
		line->first = record_link(r);
	line->count++;
}

void line_remove(const struct lines *lines, struct line *line, const struct record *r)
{
	struct line_node *node = &lines->nodes[r->index];
	struct line_node *before = node_at(lines, node->before),
			 *after = node_at(lines, node->after);

	if (before)
		before->after = node->after;
	else
		line->first = node->after;
	if (after)
		after->before = node->before;
	else
		line->last = node->before;
	line->count--;
	if (!before && line->count > 0)
		line_make_due(lines, line);
}
