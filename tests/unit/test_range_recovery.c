/* SPDX-License-Identifier: MIT */
/* File ranges over the end of their connection and over a crash: descriptors, bytes, damage. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/sys.h"
#include "unit/aftermath.h"
#include "unit/ranged.h"

static void end_of_the_connection__with_a_range_left__closes_its_descriptor(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		struct recovery r;
		struct ranged_download d;
		struct served s;
		unsigned fds;
		int client;

		ranged_start(&s, RANGED_LARGE, MORE);
		fds = ranged_fds();
		client = served_connect(&s);
		d = ranged_ask(&s, client);
		free(d.got);
		assert_true(record(&s, 0)->file_left > 0);
		assert_int_equal(ranged_fds(), fds + 3);
		if (i == 0) {
			close(client);
			served_settle(&s);
		} else if (i == 1) {
			dispatch_end_all(&s.pool, CLOSE_stopped);
		} else {
			pool_take_in_hand(&s.pool, 0);
			served_recover(&s, &r);
			assert_counts(&r, 0, 1, 0);
		}
		if (i > 0)
			close(client);
		assert_int_equal(s.pool.limit.total, 0);
		assert_int_equal(ranged_fds(), fds);
		ranged_stop(&s);
	}
}

static void crash__at_every_step_of_a_range__loses_no_byte(void **state)
{
	struct recovery r;
	struct ranged_download d;
	struct served s;
	int client;

	(void)state;
	ranged_start(&s, RANGED_LARGE, MORE);
	client = served_connect(&s);
	d = ranged_ask(&s, client);
	while (d.in < d.size) {
		served_recover(&s, &r);
		recovery_passed(s.pool.arena);
		assert_counts(&r, 1, 0, 0);
		ranged_receive(&d);
	}
	ranged_finish(&d);
	close(client);
	served_settle(&s);
	ranged_assert_ended(&s, CLOSE_client_closed);
	ranged_stop(&s);
}

static void claim_twice(struct served *s)
{
	record(s, 1)->file = record(s, 0)->file;
}

static void claim_socket(struct served *s)
{
	record(s, 1)->file = record(s, 0)->fd;
}

static void claim_wire(struct served *s)
{
	record(s, 1)->file = s->wire.fds[WIRE_KICKED];
}

/* Nothing is left to send, but a descriptor is named, which the next send would close. */
static void claim_without_range(struct served *s)
{
	record(s, 1)->file_left = 0;
	record(s, 1)->file = record(s, 0)->fd;
}

static void descriptor__that_is_not_the_records_own__is_damage(void **state)
{
	static const struct {
		void (*damage)(struct served *s);
		unsigned lost;
	} rows[] = { { claim_twice, 2 },
		     { claim_socket, 2 },
		     { claim_wire, 1 },
		     { claim_without_range, 1 } };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct ranged_download d[2];
		struct recovery r;
		struct served s;
		int clients[2];

		ranged_start(&s, RANGED_LARGE, MORE);
		for (unsigned k = 0; k < 2; k++) {
			clients[k] = served_connect(&s);
			d[k] = ranged_ask(&s, clients[k]);
		}
		rows[i].damage(&s);
		served_recover(&s, &r);
		assert_counts(&r, 2 - rows[i].lost, 0, rows[i].lost);
		if (rows[i].lost == 1)
			ranged_finish(&d[0]);
		else
			free(d[0].got);
		free(d[1].got);
		close(clients[0]);
		close(clients[1]);
		served_settle(&s);
		assert_nothing_left(&s, rows[i].lost);
		ranged_stop(&s);
	}
}

/* Fills the way to the client by single bytes, of which each takes the room of an answer. */
static unsigned fill_way(struct served *s, int client)
{
	unsigned count = 0;
	char byte;

	while (send(record(s, 0)->fd, "f", 1, MSG_DONTWAIT | MSG_NOSIGNAL) == 1)
		count++;
	assert_int_equal(recv(client, &byte, 1, 0), 1);
	return count - 1;
}

/* The bytes of a range behind a move are read first; then there is room for the header alone. */
static void range__that_has_been_read_whole__has_no_descriptor(void **state)
{
	enum { SMALL = 1000 };
	struct recovery r;
	struct ranged_download d;
	struct served s;
	unsigned fds, fillers;
	int client;
	char byte;

	(void)state;
	ranged_start(&s, SMALL, MORE);
	client = served_connect(&s);
	fds = ranged_fds();
	record(&s, 0)->has_moved = true;
	fillers = fill_way(&s, client);
	d = ranged_ask(&s, client);
	assert_int_equal(record(&s, 0)->file_left, 0);
	assert_int_equal(record(&s, 0)->out.end - record(&s, 0)->out.start, SMALL);
	assert_int_equal(record(&s, 0)->file, 0);
	assert_int_equal(ranged_fds(), fds);
	served_recover(&s, &r);
	assert_counts(&r, 1, 0, 0);
	for (unsigned i = 0; i < fillers; i++)
		assert_int_equal(recv(client, &byte, 1, 0), 1);
	ranged_finish(&d);
	close(client);
	served_settle(&s);
	ranged_assert_ended(&s, CLOSE_client_closed);
	ranged_stop(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(end_of_the_connection__with_a_range_left__closes_its_descriptor),
		cmocka_unit_test(crash__at_every_step_of_a_range__loses_no_byte),
		cmocka_unit_test(descriptor__that_is_not_the_records_own__is_damage),
		cmocka_unit_test(range__that_has_been_read_whole__has_no_descriptor),
	};

	return cmocka_run_group_tests(tests, ranged_make_file, ranged_free_file);
}
