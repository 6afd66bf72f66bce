/* SPDX-License-Identifier: MIT */
/* A dead worker's arena with garbage in it: each field that recovery reads, overwritten. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/sys.h"
#include "unit/aftermath.h"
#include "worker/recovery/record_check.h"

enum { HOUR_MS = 3600 * 1000 };

static void set_magic(struct served *s, struct record *c)
{
	(void)s;
	c->magic ^= 1;
}

static void set_guard(struct served *s, struct record *c)
{
	*record_guard(c, s->pool.arena->record_stride) = 0;
}

static void set_index(struct served *s, struct record *c)
{
	(void)s;
	c->index = 0;
}

static void set_listener(struct served *s, struct record *c)
{
	c->listener = s->set.count;
}

static void set_state_closed(struct served *s, struct record *c)
{
	(void)s;
	c->state = CONN_CLOSED;
}

static void set_state_beyond(struct served *s, struct record *c)
{
	(void)s;
	c->state = CONN_LINGERING + 1;
}

static void set_ending(struct served *s, struct record *c)
{
	(void)s;
	c->ending = CLOSE_COUNT;
}

static void set_flow(struct served *s, struct record *c)
{
	(void)s;
	c->flow = FLOW_COUNT;
}

static void set_passage(struct served *s, struct record *c)
{
	(void)s;
	c->passage = PASSAGE_COUNT;
}

static void set_due_negative(struct served *s, struct record *c)
{
	(void)s;
	c->due_ms = -1;
}

static void set_grace(struct served *s, struct record *c)
{
	(void)s;
	c->grace_ms = INT64_MIN;
}

static void set_peer_self(struct served *s, struct record *c)
{
	(void)s;
	c->peer = c->index + 1;
}

static void set_peer_another(struct served *s, struct record *c)
{
	(void)s;
	c->peer = 1;
}

static void set_peer_beyond(struct served *s, struct record *c)
{
	(void)s;
	c->peer = UINT32_MAX;
}

static void set_file_standard(struct served *s, struct record *c)
{
	(void)s;
	c->file_left = 1;
	c->file = STDERR_FILENO;
}

static void set_file_of_fd(struct served *s, struct record *c)
{
	(void)s;
	c->file_left = 1;
	c->file = c->fd;
}

static void set_file_offset(struct served *s, struct record *c)
{
	(void)s;
	c->file_offset = UINT64_MAX;
}

/* Of a service that holds none. */
static void set_file_held(struct served *s, struct record *c)
{
	c->holds_file = true;
	c->file = served_own(s, open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

static void set_fd_wild(struct served *s, struct record *c)
{
	(void)s;
	c->fd = INT32_MAX;
}

static void set_fd_negative(struct served *s, struct record *c)
{
	(void)s;
	c->fd = -1;
}

static void set_fd_standard(struct served *s, struct record *c)
{
	(void)s;
	c->fd = STDERR_FILENO;
}

static void set_fd_no_socket(struct served *s, struct record *c)
{
	c->fd = s->loop.epfd; /* closed by then, or no socket */
}

static void set_fd_of_kick(struct served *s, struct record *c)
{
	c->fd = s->wire.fds[WIRE_KICKED];
}

static void set_fd_of_another(struct served *s, struct record *c)
{
	c->fd = record(s, 0)->fd;
}

static void set_opened_future(struct served *s, struct record *c)
{
	(void)s;
	c->opened_us = clock_us() + (int64_t)HOUR_MS * 1000;
}

static void set_active_future(struct served *s, struct record *c)
{
	(void)s;
	c->active_ms = clock_ms() + HOUR_MS;
}

static void set_begun_future(struct served *s, struct record *c)
{
	(void)s;
	c->begun_us = INT64_MAX;
}

static void set_opened_min(struct served *s, struct record *c)
{
	(void)s;
	c->opened_us = INT64_MIN;
}

static void set_buf_of_another(struct served *s, struct record *c)
{
	c->out.number = record(s, 0)->out.number;
}

static void set_buf_twice(struct served *s, struct record *c)
{
	(void)s;
	c->in = c->out;
}

static void set_buf_beyond(struct served *s, struct record *c)
{
	c->out.number = s->pool.arena->buf_most + 1;
}

static void set_buf_none(struct served *s, struct record *c)
{
	(void)s;
	c->out.number = 0;
}

static void set_buf_start(struct served *s, struct record *c)
{
	(void)s;
	c->out.start = c->out.end + 1;
}

static void set_buf_end(struct served *s, struct record *c)
{
	(void)s;
	c->out.end = ARENA_BUF_SIZE + 1;
}

static void set_service_state(struct served *s, struct record *c)
{
	(void)s;
	memset(c->state_bytes, 0xff, sizeof(uint32_t));
}

/* Every field that the check of a record reads, overwritten once. */
static void (*const damages[])(struct served *, struct record *) = {
	set_magic,         set_guard,         set_index,         set_listener,
	set_state_closed,  set_state_beyond,  set_ending,        set_flow,
	set_passage,       set_fd_wild,       set_fd_negative,   set_fd_standard,
	set_fd_no_socket,  set_fd_of_kick,    set_fd_of_another, set_opened_future,
	set_opened_min,    set_active_future, set_begun_future,  set_due_negative,
	set_grace,         set_peer_self,     set_peer_another,  set_peer_beyond,
	set_file_standard, set_file_of_fd,    set_file_offset,   set_buf_of_another,
	set_buf_twice,     set_buf_beyond,    set_buf_none,      set_buf_start,
	set_buf_end,       set_service_state, set_file_held,
};

/* Of two records that claim the same thing either may be wrong: both are lost. */
static unsigned lost_by(void (*damage)(struct served *, struct record *))
{
	return damage == set_fd_of_another || damage == set_buf_of_another ? 2 : 1;
}

/* chargen to clients that read nothing: each connection has a buffer with bytes in it. */
static void record__damaged_in_any_way__is_lost_alone(void **state)
{
	struct recovery r;
	struct served s;
	unsigned lost, late;
	int clients[3];

	(void)state;
	for (size_t i = 0; i < sizeof(damages) / sizeof(*damages); i++) {
		served_start(&s, "chargen", NULL);
		for (unsigned k = 0; k < 3; k++)
			clients[k] = served_connect(&s);
		served_settle(&s);
		assert_true(record(&s, 1)->out.number > 0);
		lost = lost_by(damages[i]);
		late = damages[i] == set_fd_wild; /* no system call has been made for it */
		damages[i](&s, record(&s, 1));
		served_recover(&s, &r);
		if (r.damaged != lost - late)
			print_error("damage %zu: %u lost\n", i, r.damaged);
		assert_counts(&r, 3 - lost + late, 0, lost - late);
		dispatch_end_turn(&s.pool);
		s.pool.freed -= late; /* counted as lost, like the others */
		assert_int_equal(s.pool.limit.total, 3 - lost);
		assert_int_equal(s.pool.bufs.high - s.pool.bufs.count, 3 - lost);
		for (unsigned k = 0; k < 3; k++)
			close(clients[k]);
		served_settle(&s);
		assert_nothing_left(&s, lost);
		served_stop(&s);
	}
}

static void ack__with_an_unsound_state__is_lost(void **state)
{
	struct recovery r;
	struct served s;
	int client;

	(void)state;
	served_start(&s, "ack", "framing", "length", NULL);
	client = served_connect(&s);
	served_send(&s, client, "\0\0", 2);
	memset(record(&s, 0)->state_bytes, 0xff, service_find("ack")->state_size);
	served_recover(&s, &r);
	assert_counts(&r, 0, 0, 1);
	served_expect(&s, client, "", true);
	assert_nothing_left(&s, 1);
	close(client);
	served_stop(&s);
}

static void set_head_magic(struct served *s)
{
	head_of(s)->magic = 0;
}

static void set_head_high(struct served *s)
{
	head_of(s)->record_high = s->pool.arena->conn_most + 1;
}

static void set_head_in_hand(struct served *s)
{
	atomic_store(&head_of(s)->in_hand, s->pool.arena->conn_most + 1);
}

static void set_head_draining(struct served *s)
{
	memset(&head_of(s)->leaving, 0xa5, 1);
}

static void (*const head_damages[])(struct served *) = { set_head_magic, set_head_high,
							 set_head_in_hand, set_head_draining };

static void head__damaged_in_any_way__empties_the_arena(void **state)
{
	struct recovery r;
	struct served s;
	int client;

	(void)state;
	for (size_t i = 0; i < sizeof(head_damages) / sizeof(*head_damages); i++) {
		served_start(&s, "echo", NULL);
		client = served_connect(&s);
		head_damages[i](&s);
		served_recover(&s, &r);
		assert_non_null(r.emptied);
		assert_int_equal(r.lost, 1); /* the client's end, which is a stray socket here */
		assert_int_equal(r.kept, 0);
		assert_false(r.was_leaving);
		assert_int_equal(head_of(&s)->magic, ARENA_MAGIC);
		assert_int_equal(head_of(&s)->record_high, 0);
		served_expect(&s, client, "", true);
		close(client);
		client = served_connect(&s);
		served_send(&s, client, "anew", 4);
		served_expect(&s, client, "anew", false);
		close(client);
		served_stop(&s);
	}
}

/* One that ends and stood in a line all the same would be its first for ever. */
static void client__that_waits_for_a_server__is_open(void **state)
{
	struct record r = { .state = CONN_OPEN, .side = SIDE_CLIENT, .server = 1 };

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		r.is_queued = i > 0;
		for (r.state = CONN_PREFACE; r.state <= CONN_LINGERING; r.state++)
			assert_int_equal(record_check_fields(&r, clock_us()), r.state == CONN_OPEN);
	}
	r.state = CONN_OPEN;
	r.server = 0;
	assert_false(record_check_fields(&r, clock_us()));
	r.side = SIDE_PEER;
	r.server = 1;
	assert_false(record_check_fields(&r, clock_us()));
	r.is_queued = false;
	assert_true(record_check_fields(&r, clock_us()));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(record__damaged_in_any_way__is_lost_alone),
		cmocka_unit_test(ack__with_an_unsound_state__is_lost),
		cmocka_unit_test(client__that_waits_for_a_server__is_open),
		cmocka_unit_test(head__damaged_in_any_way__empties_the_arena),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
