/* SPDX-License-Identifier: MIT */
/* Keeps the lines; services/proxy/proxy_try.c decides who waits and who may go. */
#include "worker/server_queue.h"

#include "base/pages.h"

bool server_queue_start(struct server_queue *queue)
{
	queue->places = pages_new(queue->links.arena->record_most);
	return queue->places && lines_start(&queue->links);
}

void server_queue_stop(struct server_queue *queue)
{
	if (queue->places)
		pages_free(queue->places, queue->links.arena->record_most);
	queue->places = NULL;
	lines_stop(&queue->links);
}

/* NULL: it is in none. */
static struct line *line_of(struct server_queue *queue, const struct record *r)
{
	uint8_t place = queue->places[r->index];

	return place > 0 ? &queue->lines[place - 1] : NULL;
}

static void show_first(const struct server_queue *queue, unsigned row)
{
	const struct line *line = &queue->lines[row];
	int64_t came_us = 0;

	if (line->count > 0)
		came_us = arena_record(queue->links.arena, line->first - 1)->opened_us;
	server_count_show_oldest(queue->count, row, came_us);
}

void server_queue_join(struct server_queue *queue, struct record *r)
{
	if (r->server == 0 || line_of(queue, r))
		return;
	r->is_queued = true;
	queue->places[r->index] = (uint8_t)r->server;
	line_add(&queue->links, &queue->lines[r->server - 1], r);
	if (server_queue_is_first(queue, r))
		show_first(queue, r->server - 1U);
}

void server_queue_freeze(struct server_queue *queue, const struct record *r)
{
	struct line *line = line_of(queue, r);

	if (!line)
		return;
	queue->places[r->index] = 0;
	line_remove(&queue->links, line, r);
	show_first(queue, (unsigned)(line - queue->lines));
}

void server_queue_leave(struct server_queue *queue, struct record *r)
{
	server_queue_freeze(queue, r);
	r->is_queued = false;
}

bool server_queue_is_first(const struct server_queue *queue, const struct record *r)
{
	uint8_t place = queue->places[r->index];

	return place > 0 && line_begins_with(&queue->lines[place - 1], r);
}

void server_queue_put_off(struct server_queue *queue, const struct record *r, int64_t due_ms)
{
	if (server_queue_is_first(queue, r))
		line_of(queue, r)->due_ms = due_ms;
}

int64_t server_queue_due_ms(const struct server_queue *queue, const struct record *r)
{
	return server_queue_is_first(queue, r) ?
		       line_due_ms(&queue->lines[queue->places[r->index] - 1]) :
		       0;
}
