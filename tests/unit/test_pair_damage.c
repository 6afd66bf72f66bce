/* SPDX-License-Identifier: MIT */
/* A dead worker's pairs with garbage in them: each field of the peer's record, overwritten. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/sys.h"
#include "unit/aftermath.h"
#include "unit/paired.h"

enum { HOUR_MS = 3600 * 1000 };

static void set_magic(struct served *s, struct record *peer)
{
	(void)s;
	peer->magic ^= 1;
}

static void set_free(struct served *s, struct record *peer)
{
	(void)s;
	peer->magic = 0;
}

static void set_guard(struct served *s, struct record *peer)
{
	*record_guard(peer, s->pool.arena->record_stride) = 0;
}

static void set_index(struct served *s, struct record *peer)
{
	(void)s;
	peer->index = 0;
}

static void set_listener(struct served *s, struct record *peer)
{
	peer->listener = s->set.count;
}

static void set_state(struct served *s, struct record *peer)
{
	(void)s;
	peer->state = CONN_FLUSHING;
}

static void set_side_client(struct served *s, struct record *peer)
{
	(void)s;
	peer->side = SIDE_CLIENT;
}

static void set_flow(struct served *s, struct record *peer)
{
	(void)s;
	peer->flow = FLOW_COUNT;
}

static void set_fd_negative(struct served *s, struct record *peer)
{
	(void)s;
	peer->fd = -1;
}

static void set_fd_of_client(struct served *s, struct record *peer)
{
	peer->fd = record(s, peer->peer - 1)->fd;
}

static void set_fd_of_kick(struct served *s, struct record *peer)
{
	peer->fd = s->wire.fds[WIRE_KICKED];
}

static void set_active_future(struct served *s, struct record *peer)
{
	(void)s;
	peer->active_ms = clock_ms() + HOUR_MS;
}

static void set_due_negative(struct served *s, struct record *peer)
{
	(void)s;
	peer->due_ms = -1;
}

static void set_peer_none(struct served *s, struct record *peer)
{
	(void)s;
	peer->peer = 0;
}

static void set_peer_self(struct served *s, struct record *peer)
{
	(void)s;
	peer->peer = peer->index + 1;
}

static void set_peer_another(struct served *s, struct record *peer)
{
	(void)s;
	peer->peer = 1;
}

static void set_peer_beyond(struct served *s, struct record *peer)
{
	(void)s;
	peer->peer = UINT32_MAX;
}

static void set_buf_of_client(struct served *s, struct record *peer)
{
	peer->in = record(s, peer->peer - 1)->out;
}

static void set_buf_beyond(struct served *s, struct record *peer)
{
	peer->out.number = s->pool.arena->buf_most + 1;
}

static void set_buf_end(struct served *s, struct record *peer)
{
	(void)s;
	peer->out = (struct record_buf){ peer->out.number, 0, ARENA_BUF_SIZE + 1 };
}

static void set_file(struct served *s, struct record *peer)
{
	(void)s;
	peer->file_left = 1;
	peer->file = peer->fd;
}

static void hold_file(struct served *s, struct record *r)
{
	r->holds_file = true;
	r->file = served_own(s, open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

static void set_file_held(struct served *s, struct record *peer)
{
	hold_file(s, peer);
}

static void set_client_file_held(struct served *s, struct record *peer)
{
	hold_file(s, record(s, peer->peer - 1));
}

/* The client's own record is damaged: its peer is no connection of its own. */
static void set_client_magic(struct served *s, struct record *peer)
{
	record(s, peer->peer - 1)->magic ^= 1;
}

static void set_client_peer_none(struct served *s, struct record *peer)
{
	record(s, peer->peer - 1)->peer = 0;
}

static void set_client_peer_another(struct served *s, struct record *peer)
{
	record(s, peer->peer - 1)->peer = record(s, 0)->peer;
}

static void set_client_side(struct served *s, struct record *peer)
{
	record(s, peer->peer - 1)->side = SIDE_PEER;
}

static void (*const damages[])(struct served *s, struct record *peer) = {
	set_magic,
	set_free,
	set_guard,
	set_index,
	set_listener,
	set_state,
	set_side_client,
	set_flow,
	set_fd_negative,
	set_fd_of_client,
	set_fd_of_kick,
	set_active_future,
	set_due_negative,
	set_peer_none,
	set_peer_self,
	set_peer_another,
	set_peer_beyond,
	set_buf_of_client,
	set_buf_beyond,
	set_buf_end,
	set_file,
	set_file_held,
	set_client_file_held,
	set_client_magic,
	set_client_side,
	set_client_peer_none,
	set_client_peer_another,
};

/* Both ways are full, so that each record has a buffer; the pair in the middle is damaged. */
static void pair__damaged_in_any_way__is_lost_alone_and_counted_once(void **state)
{
	static char bytes[ARENA_BUF_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(damages) / sizeof(*damages); i++) {
		struct paired p[3];
		struct recovery r;
		struct served s;

		paired_start(&s, NULL);
		for (unsigned k = 0; k < 3; k++) {
			p[k] = paired_connect(&s);
			for (unsigned n = 0; n < 16; n++) {
				(void)!send(p[k].client, bytes, sizeof(bytes), MSG_NOSIGNAL);
				(void)!send(p[k].upstream, bytes, sizeof(bytes), MSG_NOSIGNAL);
				served_settle(&s);
			}
		}
		assert_true(record(&s, 2)->out.number > 0 && record(&s, 3)->out.number > 0);
		damages[i](&s, record(&s, 3));
		served_recover(&s, &r);
		if (r.kept != 2 || r.lost != 1)
			print_error("damage %zu: %u kept, %u lost\n", i, r.kept, r.lost);
		assert_int_equal(r.kept, 2);
		assert_int_equal(r.lost, 1);
		assert_int_equal(s.pool.limit.total, 2);
		assert_int_equal(s.pool.records.count, 2);
		for (unsigned k = 0; k < 3; k++)
			paired_close(&p[k]);
		served_settle(&s);
		assert_nothing_left(&s, 1);
		served_stop(&s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pair__damaged_in_any_way__is_lost_alone_and_counted_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
