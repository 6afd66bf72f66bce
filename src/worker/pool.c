/* SPDX-License-Identifier: MIT */
/*
 * Hands out records and buffers, and counts connections. worker/conn.c serves a connection,
 * worker/dispatch.c decides the order.
 */
#include "worker/pool.h"

#include <stdlib.h>

#include "accesslog/accesslog.h"
#include "base/log.h"
#include "base/pages.h"
#include "config/conf_upstream.h"
#include "worker/heritage.h"
#include "worker/transport.h"

/* Buffers with a higher index give their pages back as soon as they are free. */
enum { BUFS_KEPT = 256 };

static bool find_services(struct pool *pool)
{
	const struct listener_set *set = pool->listeners;

	pool->services = calloc(set->count, sizeof(struct service *));
	for (unsigned i = 0; pool->services && i < set->count; i++)
		pool->services[i] = loaded_service(pool->loaded, set->list[i].conf);
	return pool->services != NULL;
}

static size_t size_of_nodes(const struct pool *pool)
{
	return (size_t)pool->arena->record_most * sizeof(*pool->nodes);
}

static size_t size_of_taken(const struct pool *pool)
{
	return (size_t)pool->arena->record_most * sizeof(*pool->taken);
}

static void find_timeouts(struct pool *pool, unsigned listener)
{
	const struct listen_conf *listen = pool->listeners->list[listener].conf;
	const struct upstream_conf *upstream = conf_upstream_of(pool->conf, listen);

	if (upstream)
		pool->streams[listener] =
			(struct stream_timeouts){ conf_upstream_idle_ms(upstream, listen),
						  upstream->half_close_timeout };
}

static bool find_streams(struct pool *pool)
{
	pool->streams = calloc(pool->listeners->count, sizeof(*pool->streams));
	for (unsigned i = 0; pool->streams && pool->conf && i < pool->listeners->count; i++)
		find_timeouts(pool, i);
	return pool->streams;
}

static bool start_timers(struct pool *pool)
{
	pool->nodes = pages_new(size_of_nodes(pool));
	pool->taken = pages_new(size_of_taken(pool));
	return pool->nodes && pool->taken &&
	       timer_heap_new(&pool->timers, pool->arena->record_most);
}

static bool start_audit(struct pool *pool)
{
	pool->audit = (struct audit){ .waits = pages_new(pool->arena->record_most) };
	return pool->audit.waits != NULL;
}

static bool start_limits(struct pool *pool)
{
	pool->limiter.listeners = pool->listeners;
	pool->limiter.slot = pool->slot;
	pool->waiting = (struct waiting){ .arena = pool->arena,
					  .limiter = &pool->limiter,
					  .timers = &pool->timers,
					  .alarms = pool->nodes };
	pool->queues.count = &pool->servers;
	pool->queues.links = (struct lines){ .arena = pool->arena,
					     .timers = &pool->timers,
					     .alarms = pool->nodes };
	return limiter_start(&pool->limiter) && waiting_start(&pool->waiting) &&
	       server_queue_start(&pool->queues);
}

bool pool_start(struct pool *pool)
{
	return find_services(pool) && find_streams(pool) &&
	       conn_limit_start(&pool->limit, pool->listeners, pool->arena->conn_most) &&
	       start_timers(pool) && ring_start(&pool->queue, pool->arena->record_most) &&
	       free_list_start(&pool->records, pool->arena->record_most) &&
	       free_list_start(&pool->bufs, pool->arena->buf_most) && start_audit(pool) &&
	       start_limits(pool);
}

void pool_stop(struct pool *pool)
{
	BUG_ON(pool->limit.total > 0);
	pipes_stop(&pool->pipes);
	timer_heap_free(&pool->timers);
	pages_free(pool->nodes, size_of_nodes(pool));
	pages_free(pool->taken, size_of_taken(pool));
	pages_free(pool->audit.waits, pool->arena->record_most);
	ring_stop(&pool->queue);
	free_list_stop(&pool->records);
	free_list_stop(&pool->bufs);
	conn_limit_stop(&pool->limit);
	limiter_stop(&pool->limiter);
	waiting_stop(&pool->waiting);
	server_queue_stop(&pool->queues);
	free(pool->services);
	free(pool->streams);
}

void pool_lend_buf(struct pool *pool, struct buf *b)
{
	uint32_t index;

	if (b->number != 0)
		return;
	index = free_list_take(&pool->bufs);
	*b = (struct buf){ .base = arena_buf(pool->arena, index),
			   .size = ARENA_BUF_SIZE,
			   .number = index + 1 };
}

static void give_buf(struct pool *pool, uint32_t number)
{
	if (number > BUFS_KEPT)
		arena_buf_forget(pool->arena, number - 1);
	free_list_give(&pool->bufs, number - 1);
}

void pool_take_back_buf(struct pool *pool, struct buf *b)
{
	if (b->number == 0 || buf_used(b) > 0)
		return;
	give_buf(pool, b->number);
	*b = (struct buf){ 0 };
}

static struct buf buf_of(const struct arena *arena, const struct record_buf *b)
{
	if (b->number == 0)
		return (struct buf){ 0 };
	return (struct buf){ arena_buf(arena, b->number - 1), b->start, b->end, ARENA_BUF_SIZE,
			     b->number };
}

/* Another worker may have filled the queue of a unix socket with descriptors. */
static const struct transport *transport_of(const struct record *r)
{
	if (r->tls != TLS_NONE)
		return &transport_tls;
	return r->has_moved && !r->is_inet ? &transport_moved : &transport_plain;
}

void pool_view(struct pool *pool, struct record *r, struct conn *side)
{
	*side = (struct conn){ .record = r,
			       .conf = pool_conf(pool, r),
			       .service = pool->services[r->listener],
			       .transport = transport_of(r),
			       .pool = pool,
			       .in = buf_of(pool->arena, &r->in),
			       .out = buf_of(pool->arena, &r->out),
			       .proxy = &pool->arena->proxies[r->index],
			       .proxy_texts = &pool->arena->proxy_texts[r->index] };
}

void pool_view_at(const struct heritage *heritage, struct record *r, struct conn *side)
{
	const struct arena *arena = heritage->arena;
	const struct listen_conf *conf = heritage->listeners->list[r->listener].conf;

	*side = (struct conn){ .record = r,
			       .conf = conf,
			       .service = loaded_service(heritage->loaded, conf),
			       .in = buf_of(arena, &r->in),
			       .out = buf_of(arena, &r->out),
			       .proxy = &arena->proxies[r->index],
			       .proxy_texts = &arena->proxy_texts[r->index] };
}

void pool_view_pair(struct pool *pool, struct record *r, struct conn *client, struct conn *peer)
{
	struct record *other = pool_peer(pool, r);

	pool_view(pool, r, client);
	if (!other)
		return;
	pool_view(pool, other, peer);
	client->peer = peer;
	peer->peer = client;
}

bool pool_rests(struct pool *pool, struct record *r)
{
	struct conn c, peer;

	pool_view_pair(pool, r, &c, &peer);
	return conn_rests(&c);
}

bool pool_stream_rests(const struct pool *pool, const struct record *client)
{
	const struct record *peer = pool_peer(pool, client);

	return pool->services[client->listener]->is_stream && peer && !peer->is_connecting &&
	       !record_has_output(client) && !record_has_output(peer) &&
	       client->in.end == client->in.start && peer->in.end == peer->in.start;
}

static void drop_number(int32_t *named, int fd)
{
	if (*named == fd)
		*named = -1;
}

void pool_note_opened(struct pool *pool, int fd)
{
	struct audit *audit = &pool->audit;

	for (uint32_t i = audit->next; audit->count > 0 && i < pool->records.high; i++) {
		struct record *r = arena_record(pool->arena, i);

		if (!audit->waits[i])
			continue;
		drop_number(&r->fd, fd);
		drop_number(&r->file, fd);
		if (r->is_piped)
			drop_number(&r->pipe_end, fd);
	}
}

static void publish_live(const struct pool *pool)
{
	atomic_store_explicit(&pool->slot->live, pool->limit.total, memory_order_relaxed);
}

void pool_count_in(struct pool *pool, const struct record *client)
{
	conn_limit_take(&pool->limit, client->listener);
	publish_live(pool);
	cell_add(&pool_tally(pool, client)->connections_live, 1);
}

void pool_count_out(struct pool *pool, struct record *client)
{
	uint64_t source = limiter_count_out(&pool->limiter, client);

	conn_limit_give(&pool->limit, client->listener);
	publish_live(pool);
	cell_add(&pool_tally(pool, client)->connections_live, (uint64_t)-1);
	pool->freed++;
	if (source != 0)
		waiting_wake(&pool->waiting, source);
}

/* The serial goes on: an event that epoll reported for the last connection is not for this one. */
static struct record *clear_record(struct pool *pool, uint32_t index)
{
	struct record *r = arena_record(pool->arena, index);
	uint32_t serial = r->serial + 1;

	memset(r, 0, pool->arena->record_stride);
	r->serial = serial;
	r->index = index & RECORD_INDEX_MOST;
	if (index >= pool->arena->head->record_high)
		pool->arena->head->record_high = index + 1;
	return r;
}

struct record *pool_take_record(struct pool *pool)
{
	if (free_list_is_empty(&pool->records))
		return NULL;
	return clear_record(pool, free_list_take(&pool->records));
}

void pool_set_server(struct pool *pool, struct record *r, unsigned server)
{
	server_count_out(&pool->servers, r);
	server_queue_leave(&pool->queues, r);
	r->server = server & UINT8_MAX;
	server_count_in(&pool->servers, r);
}

void pool_join_line(struct pool *pool, struct record *client)
{
	if (client->state == CONN_WAITING)
		waiting_join(&pool->waiting, client, limiter_source_key(&pool->limiter, client));
	if (client->is_queued)
		server_queue_join(&pool->queues, client);
}

void pool_publish_record(struct pool *pool, struct record *r)
{
	*record_guard(r, pool->arena->record_stride) = RECORD_GUARD;
	atomic_signal_fence(memory_order_seq_cst);
	r->magic = RECORD_MAGIC;
	server_count_in(&pool->servers, r);
}

/* The first listener is of the first listen. */
void pool_set_listener(const struct pool *pool, struct record *r, uint32_t listener)
{
	const struct listener *list = pool->listeners->list;

	r->listener = (uint16_t)listener;
	r->listen = (uint16_t)(list[listener].conf - list[0].conf);
}

/* In hand from its first byte on: a worker that dies here loses this connection and no other. */
struct record *pool_new_record(struct pool *pool, uint32_t listener, int fd,
			       const struct addr *remote)
{
	uint32_t index = free_list_take(&pool->records);
	struct record *r;

	pool_take_in_hand(pool, index);
	r = clear_record(pool, index);
	r->number = ++pool->arena->head->conn_number & RECORD_NUMBER_MOST;
	r->birth_generation = atomic_load_explicit(&pool->slot->generation, memory_order_relaxed) &
			      RECORD_GENERATION_MOST;
	r->birth_worker = pool->number & RECORD_WORKER_MOST;
	r->fd = fd;
	pool_set_listener(pool, r, listener);
	r->opened_us = pool->loop->now_us;
	r->active_ms = pool->loop->now_ms;
	r->remote_port = net_from_addr(&r->remote, remote);
	pool_publish_record(pool, r);
	pool_count_in(pool, r);
	return r;
}

static void give_bufs(struct pool *pool, struct record *r)
{
	if (r->in.number != 0)
		give_buf(pool, r->in.number);
	if (r->out.number != 0)
		give_buf(pool, r->out.number);
	r->in = r->out = (struct record_buf){ 0 };
}

void pool_end_check(struct pool *pool, uint32_t index)
{
	pool->audit.count -= pool->audit.waits[index];
	pool->audit.waits[index] = false;
}

void pool_give_record(struct pool *pool, struct record *r)
{
	if (record_is_used(r))
		server_count_out(&pool->servers, r);
	r->magic = 0;
	waiting_leave(&pool->waiting, r);
	server_queue_leave(&pool->queues, r);
	pool_end_check(pool, r->index); /* its next connection is not the one that waits */
	give_bufs(pool, r);
	timer_cancel(&pool->timers, &pool->nodes[r->index]);
	ring_remove(&pool->queue, r->index);
	free_list_give(&pool->records, r->index);
}

void pool_forget(struct pool *pool, struct conn *c)
{
	struct record *r = c->record;

	/*
	 * A worker that dies after the line and before the magic is cleared has it logged and
	 * counted twice, the second time as lost in hand; in the other order it would be missing
	 * from both.
	 */
	if (accesslog_is_on)
		conn_log_access(c, pool->loop->now_us);
	cell_add(&pool->slot->tally.connections_ended_total[r->ending], 1);
	atomic_signal_fence(memory_order_seq_cst);
	pool_give_record(pool, r);
	pool_count_out(pool, r);
}
