/* SPDX-License-Identifier: MIT */
/*
 * The order of service: shares, heavy and light connections, the end of a turn, the share after a
 * death.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/sys.h"
#include "unit/aftermath.h"
#include "worker/share.h"
#include "worker/visit.h"

enum { SHARE = 256 * 1024, LONG_AGO_US = 1000 * 1000 };

/* Sets the turn under way to have begun ago_us earlier. */
static void set_turn(struct served *s, int64_t ago_us)
{
	loop_read_clock(&s->loop);
	s->loop.turn_us = s->loop.now_us - ago_us;
}

static void say(int client, const char *text)
{
	assert_int_equal(send(client, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* Reports the connection as ready, as epoll would. */
static void report(struct served *s, uint32_t index)
{
	dispatch_ready(&s->pool, pool_tag(record(s, index)), EPOLLIN);
}

static bool waits(const struct served *s, uint32_t index)
{
	return ring_has(&s->pool.queue, index);
}

/*
 * Starts chargen with a client that takes more than a share; skips where net.core.wmem_max is too
 * low.
 */
static int start_chargen(struct served *s)
{
	int size = 0, client;
	socklen_t len = sizeof(size);

	served_start(s, "chargen", NULL);
	client = served_connect(s);
	getsockopt(record(s, 0)->fd, SOL_SOCKET, SO_SNDBUF, &size, &len);
	if (size > SHARE + 64 * 1024)
		return client;
	close(client);
	served_stop(s);
	skip();
	return -1;
}

static void visit__moves_no_more_than_a_share__and_goes_on_later(void **state)
{
	struct served s;
	uint64_t first;
	int client;

	(void)state;
	client = start_chargen(&s);
	/* the answer that uses up the share is sent whole */
	assert_in_range(record(&s, 0)->bytes_out, 1, 2 * SHARE);
	assert_true(waits(&s, 0));
	first = record(&s, 0)->bytes_out;
	served_settle(&s);
	assert_true(record(&s, 0)->bytes_out > first); /* until the client takes no more */
	assert_false(waits(&s, 0));
	close(client);
	served_stop(&s);
}

static void small_message__passes_those_that_wait(void **state)
{
	struct served s;
	int bulk, small;

	(void)state;
	served_start(&s, "echo", NULL);
	bulk = served_connect(&s);
	small = served_connect(&s);
	ring_push(&s.pool.queue, 0);
	say(bulk, "bulk");
	say(small, "small");
	assert_true(loop_turn(&s.loop, 0)); /* the events alone: waiting connections follow them */
	assert_int_equal(record(&s, 1)->bytes_out, 5);
	assert_int_equal(record(&s, 0)->bytes_out, 0);
	served_expect(&s, bulk, "bulk", false);
	close(bulk);
	close(small);
	served_stop(&s);
}

static void heavy__while_others_wait__goes_to_the_end_of_the_line(void **state)
{
	struct served s;
	int first, heavy;

	(void)state;
	served_start(&s, "echo", NULL);
	first = served_connect(&s);
	heavy = served_connect(&s);
	record(&s, 1)->weight = WEIGHT_HEAVY;
	say(heavy, "alone");
	set_turn(&s, 0);
	report(&s, 1);
	assert_int_equal(record(&s, 1)->bytes_out, 5); /* no connection waits */
	ring_push(&s.pool.queue, 0);
	record(&s, 1)->weight = WEIGHT_HEAVY;
	say(heavy, "later");
	report(&s, 1);
	assert_int_equal(record(&s, 1)->bytes_out, 5);
	assert_true(waits(&s, 1));
	served_expect(&s, heavy, "alonelater", false);
	close(first);
	close(heavy);
	served_stop(&s);
}

static void turn__that_has_lasted_long__keeps_the_light_alone(void **state)
{
	static const struct {
		enum conn_weight weight;
		bool is_served;
	} rows[] = { { WEIGHT_HEAVY, false },
		     { WEIGHT_UNKNOWN, false },
		     { WEIGHT_LIGHT, true },
		     { WEIGHT_SLOW, true } };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct served s;
		int client;

		served_start(&s, "echo", NULL);
		client = served_connect(&s);
		record(&s, 0)->weight = (uint8_t)rows[i].weight;
		say(client, "x");
		set_turn(&s, LONG_AGO_US);
		report(&s, 0);
		assert_int_equal(record(&s, 0)->bytes_out, rows[i].is_served);
		assert_int_equal(waits(&s, 0), !rows[i].is_served);
		served_expect(&s, client, "x", false);
		close(client);
		served_stop(&s);
	}
}

/* The kernel may cause a single long visit; only the connection causes many bytes. */
static void weight__follows_bytes_at_once__and_computing_after_two_visits(void **state)
{
	static const struct {
		enum conn_weight before;
		size_t moved_bytes;
		int64_t asked_us;
		enum conn_weight after;
	} rows[] = {
		{ WEIGHT_UNKNOWN, 0, 0, WEIGHT_UNKNOWN },
		{ WEIGHT_UNKNOWN, 1, 0, WEIGHT_LIGHT },
		{ WEIGHT_LIGHT, 16 * 1024 - 1, 199, WEIGHT_LIGHT },
		{ WEIGHT_LIGHT, 16 * 1024, 0, WEIGHT_HEAVY },
		{ WEIGHT_UNKNOWN, 1, 200, WEIGHT_SLOW },
		{ WEIGHT_LIGHT, 1, 7000, WEIGHT_SLOW },
		{ WEIGHT_SLOW, 1, 200, WEIGHT_HEAVY },
		{ WEIGHT_SLOW, 1, 199, WEIGHT_LIGHT },
		{ WEIGHT_HEAVY, 1, 200, WEIGHT_HEAVY },
		{ WEIGHT_HEAVY, 0, 0, WEIGHT_HEAVY },
		{ WEIGHT_HEAVY, 1, 0, WEIGHT_LIGHT },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		assert_int_equal(share_weigh(rows[i].before, rows[i].moved_bytes, rows[i].asked_us),
				 rows[i].after);
}

/* A client that asks for little and then for much gets the rest in its turn. */
static void visit__ahead_of_others__moves_a_small_share(void **state)
{
	(void)state;
	assert_false(share_is_spent(true, 8 * 1024 - 1, 1, 0));
	assert_true(share_is_spent(true, 8 * 1024, 1, 0));
	assert_true(share_is_spent(true, 1, 4, 0));
	assert_true(share_is_spent(true, 1, 2, 200));
	assert_false(share_is_spent(true, 1, 1, 5000)); /* one answer is sent in any case */
	assert_false(share_is_spent(false, SHARE - 1, 15, 499));
	assert_true(share_is_spent(false, SHARE, 1, 0));
	assert_true(share_is_spent(false, 1, 16, 0));
	assert_true(share_is_spent(false, 1, 2, 500));
}

static void light__that_asks_for_much__goes_on_in_its_turn(void **state)
{
	struct served s;
	int other, client;

	(void)state;
	served_start(&s, "chargen", NULL);
	other = served_connect(&s);
	assert_true(waits(&s, 0)); /* others wait */
	client = served_connect(&s);
	assert_in_range(record(&s, 1)->bytes_out, 1, 64 * 1024); /* one answer */
	assert_true(waits(&s, 1));
	served_settle(&s);
	assert_true(record(&s, 1)->bytes_out > 64 * 1024);
	close(other);
	close(client);
	served_stop(&s);
}

static void turn__that_has_lasted_long__visits_one_of_those_that_wait(void **state)
{
	struct served s;
	int clients[2];

	(void)state;
	served_start(&s, "echo", NULL);
	for (uint32_t i = 0; i < 2; i++) {
		clients[i] = served_connect(&s);
		say(clients[i], "x");
		ring_push(&s.pool.queue, i);
	}
	set_turn(&s, LONG_AGO_US);
	dispatch_end_turn(&s.pool);
	assert_int_equal(record(&s, 0)->bytes_out, 1);
	assert_int_equal(record(&s, 1)->bytes_out, 0);
	assert_true(pool_has_waiting(&s.pool));
	served_expect(&s, clients[1], "x", false);
	close(clients[0]);
	close(clients[1]);
	served_stop(&s);
}

/* Only where those that wait would leave no room for the events of others. */
static void waiting__connection__is_not_reported_again_in_a_full_batch(void **state)
{
	struct served s;
	int client;

	(void)state;
	served_start(&s, "echo", NULL);
	client = served_connect(&s);
	ring_push(&s.pool.queue, 0);
	say(client, "x");
	assert_true(loop_turn(&s.loop, 0));
	assert_int_equal(record(&s, 0)->watched, EPOLLIN);
	s.loop.batch_count = LOOP_EVENTS;
	dispatch_ready(&s.pool, pool_tag(record(&s, 0)), EPOLLIN);
	assert_int_equal(record(&s, 0)->watched, EPOLLERR);
	assert_int_equal(poll(&(struct pollfd){ s.loop.epfd, POLLIN, 0 }, 1, 0), 0);
	served_expect(&s, client, "x", false);
	assert_int_equal(record(&s, 0)->watched, EPOLLIN);
	close(client);
	served_stop(&s);
}

static void waiting__connection__is_not_blamed_for_being_late(void **state)
{
	struct served s;
	struct record *c;
	int client;

	(void)state;
	served_start(&s, "ack", "framing", "line", "message_timeout", "1h", "linger_timeout", "0",
		     NULL);
	client = served_connect(&s);
	served_send(&s, client, "begun", 5);
	served_settle(&s);
	c = record(&s, 0);
	c->begun_us -= INT64_C(2) * 3600 * 1000000;
	ring_push(&s.pool.queue, 0);
	visit_due(&s.pool, c);
	assert_int_equal(c->magic, RECORD_MAGIC);
	assert_true(timer_is_set(&s.pool.nodes[0]));
	ring_remove(&s.pool.queue, 0);
	visit_due(&s.pool, c);
	assert_int_equal(c->ending, CLOSE_message_timeout);
	close(client);
	served_stop(&s);
}

static void end__of_a_waiting_connection__takes_it_out_of_the_line(void **state)
{
	struct served s;
	int client;

	(void)state;
	served_start(&s, "echo", NULL);
	client = served_connect(&s);
	ring_push(&s.pool.queue, 0);
	conn_end(&s.pool, record(&s, 0), CLOSE_stopped);
	assert_false(pool_has_waiting(&s.pool));
	close(client);
	served_stop(&s);
}

static void death__with_a_spent_share__goes_on_in_the_next_worker(void **state)
{
	struct recovery r;
	struct served s;
	uint64_t first;
	int client;

	(void)state;
	client = start_chargen(&s);
	assert_true(record(&s, 0)->is_unfinished);
	served_recover(&s, &r);
	assert_counts(&r, 1, 0, 0);
	first = record(&s, 0)->bytes_out;
	served_settle(&s); /* the client sends nothing that would wake it */
	assert_true(record(&s, 0)->bytes_out > first);
	close(client);
	served_stop(&s);
}

/* A busy worker is not taken for a hanging one. */
static void heartbeat__within_a_long_turn__is_stamped(void **state)
{
	struct served s;
	int client;

	(void)state;
	served_start(&s, "echo", NULL);
	client = served_connect(&s);
	ring_push(&s.pool.queue, 0);
	atomic_store(&s.slot.heartbeat_ms, INT64_MIN);
	for (unsigned i = 0; i < 8; i++) {
		record(&s, 0)->weight = WEIGHT_LIGHT;
		ring_remove(&s.pool.queue, 0);
		report(&s, 0);
	}
	assert_true(atomic_load(&s.slot.heartbeat_ms) > INT64_MIN);
	close(client);
	served_stop(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(visit__moves_no_more_than_a_share__and_goes_on_later),
		cmocka_unit_test(small_message__passes_those_that_wait),
		cmocka_unit_test(heavy__while_others_wait__goes_to_the_end_of_the_line),
		cmocka_unit_test(turn__that_has_lasted_long__keeps_the_light_alone),
		cmocka_unit_test(weight__follows_bytes_at_once__and_computing_after_two_visits),
		cmocka_unit_test(visit__ahead_of_others__moves_a_small_share),
		cmocka_unit_test(light__that_asks_for_much__goes_on_in_its_turn),
		cmocka_unit_test(turn__that_has_lasted_long__visits_one_of_those_that_wait),
		cmocka_unit_test(waiting__connection__is_not_reported_again_in_a_full_batch),
		cmocka_unit_test(waiting__connection__is_not_blamed_for_being_late),
		cmocka_unit_test(end__of_a_waiting_connection__takes_it_out_of_the_line),
		cmocka_unit_test(death__with_a_spent_share__goes_on_in_the_next_worker),
		cmocka_unit_test(heartbeat__within_a_long_turn__is_stamped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
