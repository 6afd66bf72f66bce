/* SPDX-License-Identifier: MIT */
/* Reads the connections of a batch. Its bytes may be of a worker that was taken over. */
#include "worker/door/arrival.h"

#include <netinet/tcp.h>
#include <string.h>

#include "base/sys.h"
#include "net/acl.h"
#include "worker/conn.h"
#include "worker/preface/proxied.h"
#include "worker/recovery/record_check.h"
#include "worker/share.h"

/* Finds the listener. Returns DOOR_TAKEN, or why there is none. */
static unsigned find_listener(struct arrival *a)
{
	for (uint32_t i = 0; i < a->pool->listeners->count; i++) {
		if (a->keys[i].address != a->head->key.address)
			continue;
		a->listener = i;
		return a->keys[i].state != 0 && a->keys[i].state == a->head->key.state ?
			       DOOR_TAKEN :
			       DOOR_REFUSED + STAY_options_changed;
	}
	return DOOR_REFUSED + STAY_listener_gone;
}

/* Copies the next bytes of the message. */
static bool read_bytes(struct arrival *a, void *to, size_t size)
{
	if ((size_t)(a->end - a->at) < size)
		return false;
	memcpy(to, a->at, size);
	a->at += size;
	return true;
}

/* A look that fails for any other reason says nothing about the descriptor. */
static bool is_verdict(int error)
{
	return error == ENOTSOCK || error == EBADF || error == ENOPROTOOPT || error == EOPNOTSUPP;
}

static int read_option(struct arrival *a, int fd, int level, int option)
{
	int value = 0;
	socklen_t len = sizeof(value);

	if (sys_getsockopt(fd, level, option, &value, &len) == 0)
		return value;
	a->lacks_memory = a->lacks_memory || !is_verdict(errno);
	return -1;
}

/* One call finds the usual case, a TCP connection: the first byte is its state. */
static bool is_tcp_fd(struct arrival *a, int fd)
{
	int info = read_option(a, fd, IPPROTO_TCP, TCP_INFO);
	uint8_t state;

	memcpy(&state, &info, sizeof(state));
	return info != -1 && state != TCP_LISTEN;
}

static bool is_stream_fd(struct arrival *a, int fd)
{
	return read_option(a, fd, SOL_SOCKET, SO_TYPE) == SOCK_STREAM &&
	       read_option(a, fd, SOL_SOCKET, SO_ACCEPTCONN) == 0;
}

/*
 * True for what can be a connection of that listener, or its peer of any family. The queue of a
 * unix socket can hold descriptors of any kind, which a call for its bytes closes.
 */
static bool is_conn_fd(struct arrival *a, struct record *r)
{
	bool is_tcp = is_tcp_fd(a, r->fd);
	int family = is_tcp ? AF_INET : read_option(a, r->fd, SOL_SOCKET, SO_DOMAIN);

	r->is_inet = family == AF_INET || family == AF_INET6;
	if (r->side == SIDE_CLIENT && r->is_inet == pool_is_unix(a->pool, r))
		return false;
	return is_tcp || ((r->is_inet || family == AF_UNIX) && is_stream_fd(a, r->fd));
}

static bool is_range_fd(struct arrival *a, const struct record *r, int fd)
{
	struct stat st;

	if (sys_fstat(fd, &st) == 0)
		return record_can_have(r, &st);
	a->lacks_memory = true;
	return false;
}

static bool read_fd(struct arrival *a, int32_t *fd)
{
	if (a->fds_left == 0)
		return false;
	*fd = *a->fds++;
	a->fds_left--;
	pool_note_opened(a->pool, *fd);
	return true;
}

/* The file of the range, or that is held, or the pipe that holds it. */
static bool read_range(struct arrival *a, struct record *r)
{
	if (r->is_piped && (r->file_left == 0 || r->holds_file))
		return false;
	if (!record_has_file(r))
		return true;
	if (!read_fd(a, &r->file) || !is_range_fd(a, r, r->file))
		return false;
	return !r->is_piped || (read_fd(a, &r->pipe_end) && is_range_fd(a, r, r->pipe_end));
}

/* The limits of the sender's buffer were checked. */
static bool read_buf(struct arrival *a, const struct record_buf *sent, struct record_buf *to)
{
	uint32_t size = sent->end - sent->start;
	struct buf buf = { 0 };

	if (sent->number == 0 || size == 0)
		return true;
	pool_lend_buf(a->pool, &buf);
	*to = (struct record_buf){ buf.number, 0, size };
	return read_bytes(a, buf.base, size);
}

/*
 * What the sender says of a message in progress counts no longer than a client can make it last: it
 * goes into this worker's sums.
 */
static int64_t bound_begun(const struct arrival *a, const struct record *r)
{
	int64_t most_us = pool_conf(a->pool, r)->message_timeout * 1000;
	int64_t oldest_us = a->pool->loop->now_us - most_us;

	if (r->begun_us == 0 || most_us == 0 || r->begun_us >= oldest_us)
		return r->begun_us;
	return oldest_us;
}

/* Replaces what names something in the sender's slot. */
static void settle_record(struct arrival *a, struct record *r)
{
	const struct pool *pool = a->pool;
	struct addr remote = net_to_addr(&r->remote, r->remote_port);

	pool_set_listener(pool, r, a->listener);
	r->begun_us = bound_begun(a, r);
	r->watched = 0;
	r->weight = WEIGHT_UNKNOWN;
	r->passage = PASSAGE_ARRIVING;
	r->has_moved = true;
	r->is_counted = false;
	r->is_barred = r->side == SIDE_CLIENT && r->state != CONN_PREFACE &&
		       !acl_allows(pool_conf(pool, r), &remote);
}

/* What the sender keeps beside a client's record. */
static bool read_proxy(struct arrival *a, struct record *r)
{
	const struct arena *arena = a->pool->arena;

	if (r->proxy == PROXY_NONE)
		return true;
	return read_bytes(a, &arena->proxies[r->index], sizeof(struct proxy_header)) &&
	       (!proxied_texts(arena, r) ||
		read_bytes(a, &arena->proxy_texts[r->index], sizeof(struct proxy_texts))) &&
	       proxied_is_sound(arena, r);
}

/* The sender's numbers are replaced one by one; until then the record has none. */
static bool read_fields(struct arrival *a, struct record *r, enum record_side side)
{
	struct record sent;
	uint32_t index = r->index, serial = r->serial;

	if (!read_bytes(a, &sent, sizeof(sent)) || sent.side != side ||
	    !record_check_fields(&sent, a->pool->loop->now_us))
		return false;
	sent.magic = 0; /* not in use yet */
	sent.index = index;
	sent.serial = serial;
	memcpy(r, &sent, sizeof(sent));
	r->in = r->out = (struct record_buf){ 0 };
	r->file = 0;
	if (r->is_piped)
		r->pipe_end = 0;
	settle_record(a, r);
	return read_bytes(a, r->state_bytes, a->head->state_size) && read_proxy(a, r) &&
	       read_fd(a, &r->fd) && is_conn_fd(a, r) && read_range(a, r) &&
	       read_buf(a, &sent.in, &r->in) && read_buf(a, &sent.out, &r->out);
}

static struct record *read_record(struct arrival *a, enum record_side side)
{
	struct record *r = pool_take_record(a->pool);

	if (!r)
		return NULL;
	a->taken[a->count++] = r->index;
	return read_fields(a, r, side) ? r : NULL;
}

static bool is_sound_service(struct arrival *a, struct record *client)
{
	struct conn c, peer;

	pool_view_pair(a->pool, client, &c, &peer);
	if (c.service->takes && !record_is_ending(client) && !c.service->takes(&c)) {
		a->is_stranger = true;
		return false;
	}
	return record_check_service(&c);
}

static bool read_conn(struct arrival *a)
{
	struct record *client = read_record(a, SIDE_CLIENT), *peer;

	if (!client)
		return false;
	if (client->peer > 0) {
		client->peer = 0;
		peer = read_record(a, SIDE_PEER);
		if (!peer || peer->state != client->state)
			return false;
		client->peer = record_link(peer);
		peer->peer = record_link(client);
	}
	return is_sound_service(a, client);
}

static bool read_conns(struct arrival *a)
{
	for (uint32_t i = 0; i < a->head->conns; i++)
		if (!read_conn(a))
			return false;
	return a->at == a->end && a->fds_left == 0;
}

static struct record *taken_record(const struct arrival *a, unsigned i)
{
	return arena_record(a->pool->arena, a->taken[i]);
}

/*
 * Before the batch is noted as taken: from then on the sender may count them no more, and a limit
 * could be exceeded.
 */
static void count_for_limits(struct arrival *a)
{
	for (unsigned i = 0; i < a->count; i++)
		if (taken_record(a, i)->side == SIDE_CLIENT)
			limiter_count_arrival(&a->pool->limiter, taken_record(a, i));
	a->has_counted = true;
}

void arrival_undo(struct arrival *a)
{
	for (unsigned i = 0; i < a->count; i++) {
		struct record *r = taken_record(a, i);

		if (a->has_counted && r->side == SIDE_CLIENT)
			(void)limiter_count_out(&a->pool->limiter, r);
		pool_give_record(a->pool, r);
	}
	a->count = 0;
}

static bool has_room(const struct arrival *a)
{
	const struct pool *pool = a->pool;

	return conn_limit_has_room(&pool->limit, a->listener, a->head->conns);
}

unsigned arrival_record(struct arrival *a, const struct rights *rights)
{
	unsigned result = find_listener(a);

	if (result != DOOR_TAKEN)
		return result;
	if (!has_room(a))
		return DOOR_REFUSED + STAY_no_room;
	if (rights->lacks_fds)
		return DOOR_REFUSED + STAY_no_descriptors;
	if (a->head->state_size == a->pool->services[a->listener]->state_size &&
	    a->head->fds == rights->count && read_conns(a)) {
		for (unsigned i = 0; i < a->count; i++)
			pool_publish_record(a->pool, taken_record(a, i));
		count_for_limits(a);
		return DOOR_TAKEN;
	}
	arrival_undo(a);
	if (a->is_stranger)
		return DOOR_REFUSED + STAY_server_gone;
	/* the sender asks again */
	return DOOR_REFUSED + (a->lacks_memory ? STAY_unanswered : STAY_damaged);
}

/* No system call is made between the note and the counts. */
static void count_records(const struct arrival *a)
{
	struct pool *pool = a->pool;

	for (unsigned i = 0; i < a->count; i++) {
		struct record *r = taken_record(a, i);

		if (r->side == SIDE_CLIENT) {
			pool_count_in(pool, r);
			cell_add(&pool->slot->tally.connections_moved_in_total[a->head->cause], 1);
		}
		r->passage = PASSAGE_NONE;
	}
}

void arrival_serve(const struct arrival *a)
{
	count_records(a);
	for (unsigned i = 0; i < a->count; i++)
		if (taken_record(a, i)->side == SIDE_CLIENT)
			conn_resume(a->pool, taken_record(a, i));
}
