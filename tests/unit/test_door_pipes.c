/* SPDX-License-Identifier: MIT */
/* Streams in bulk that move through a door with bytes in a pipe. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/sys.h"
#include "unit/own_service.h"
#include "unit/paired.h"
#include "unit/siblings.h"
#include "worker/pair/pair.h"

enum { OLD = 3, SIZE = 12 << 20, SLOW = 60000 };

static struct siblings all;
static int next_peer; /* what the next connection attaches; set by a test */

static enum verdict attach_next(struct conn *c)
{
	assert_non_null(pair_attach(c, next_peer, false));
	return MORE;
}

static const struct service bulk = { .name = "bulk",
				     .state_version = 1,
				     .has_pairs = true,
				     .is_stream = true,
				     .open = attach_next };

static int set_up(void **state)
{
	(void)state;
	siblings_begin(&all);
	own_service(&bulk);
	for (unsigned i = 0; i < SIBLINGS_MOST; i++)
		(void)sibling_start(&all, i, OLD, "bulk", "idle_timeout", "off", NULL);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	siblings_end(&all);
	return 0;
}

/* The client is a unix socket; its server is TCP, from which is spliced also after a move. */
static int connect_bulk(struct sibling *w, int *upstream)
{
	int ends[2];

	paired_tcp(ends);
	*upstream = siblings_keep(&all, ends[1]);
	next_peer = ends[0];
	return sibling_connect(w, 0);
}

static bool is_piped(const struct sibling *w)
{
	return sibling_record(w, 0)->is_piped || sibling_record(w, 1)->is_piped;
}

static void pipe__with_bytes__moves_with_its_pair(void **state)
{
	unsigned at = 0, piped = 0, step = 0;
	struct stream t;
	int client, upstream;

	(void)state;
	client = connect_bulk(&all.list[0], &upstream);
	stream_open(&t, upstream, client, SIZE, SLOW);
	while (!stream_is_over(&t)) {
		unsigned next = (at + 1) % SIBLINGS_MOST;

		stream_move(&t);
		siblings_settle(&all);
		if (++step % 7 != 0)
			continue;
		piped += is_piped(&all.list[at]);
		assert_int_equal(sibling_offer(&all.list[at], &all.list[next], 1), OFFER_TAKEN);
		at = next;
	}
	assert_true(piped > 0);
	stream_close(&t);
	siblings_assert_sole(&all, 1);
	siblings_say(client, "back");
	siblings_settle(&all);
	siblings_expect(&all, upstream, "back", false);
}

/* The receiver takes what the dead sender had offered, or the sender's next worker goes on. */
static void pipe__offered_at_a_death__loses_no_byte(void **state)
{
	(void)state;
	for (unsigned dies = 0; dies < 2; dies++) {
		struct sibling *from = &all.list[0], *to = &all.list[1];
		struct stream t;
		int client, upstream;

		client = connect_bulk(from, &upstream);
		stream_open(&t, upstream, client, SIZE, SLOW);
		while (!is_piped(from)) {
			stream_move(&t);
			siblings_settle(&all);
		}
		assert_int_equal(sibling_send(from, to, 1), OFFER_WAITS);
		sibling_die(dies == 0 ? from : to);
		siblings_settle(&all);
		sibling_recover(dies == 0 ? from : to);
		do
			siblings_settle(&all);
		while (offer_look(&from->moving.offer) == OFFER_WAITS);
		while (!stream_is_over(&t)) {
			stream_move(&t);
			siblings_settle(&all);
		}
		stream_close(&t);
		siblings_assert_sole(&all, 1);
		siblings_close(&all, client);
		siblings_close(&all, upstream);
		siblings_settle(&all);
		siblings_assert_sole(&all, 0);
	}
}

#define ONE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ONE(pipe__with_bytes__moves_with_its_pair),
		ONE(pipe__offered_at_a_death__loses_no_byte),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
