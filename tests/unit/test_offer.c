/* SPDX-License-Identifier: MIT */
/* Batches that do not move, for every reason: the sender goes on serving them as before. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/sys.h"
#include "unit/siblings.h"

enum { OLD = 3, NEW = 4, LATE_US = 200 * 1000 };

static struct siblings all;
static struct sibling *from, *to;
static int client;

static int set_up(void **state)
{
	(void)state;
	siblings_begin(&all);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	siblings_end(&all);
	return 0;
}

static void start_echo(void)
{
	from = sibling_start(&all, 0, OLD, "echo", NULL);
	to = sibling_start(&all, 1, OLD, "echo", NULL);
	client = sibling_connect(from, 0);
	siblings_count_open(&all);
}

static void assert_sender_serves(void)
{
	siblings_say(client, "here");
	siblings_expect(&all, client, "here", false);
	assert_int_equal(sibling_conns(from), 1);
	siblings_assert_open(&all);
	assert_int_equal(sibling_metric(from, METRIC_connections_moved_out_total), 0);
	assert_int_equal(from->pool.arena->head->offered.number, 0);
	assert_int_equal(to->pool.arena->head->arriving.number, 0);
}

/* Its deadline and what epoll watches are as before. */
static void assert_refused(enum stay_reason reason)
{
	struct record before = *sibling_record(from, 0);
	int64_t due_ms = from->pool.nodes[0].due_ms;

	assert_int_equal(sibling_offer(from, to, 1), OFFER_REFUSED);
	assert_int_equal(from->moving.offer.reason, reason);
	assert_int_equal(sibling_record(from, 0)->watched, before.watched);
	assert_int_equal(sibling_record(from, 0)->passage, PASSAGE_NONE);
	assert_int_equal(from->pool.nodes[0].due_ms, due_ms);
	assert_int_equal(offer_look(&from->moving.offer), OFFER_NONE);
	assert_sender_serves();
	siblings_assert_sole(&all, 1 + sibling_conns(to));
}

static void listener__that_the_receiver_has_not__refuses(void **state)
{
	(void)state;
	from = sibling_start(&all, 0, OLD, "echo", NULL);
	all.port = 10;
	to = sibling_start(&all, 1, NEW, "echo", NULL);
	client = sibling_connect(from, 0);
	siblings_count_open(&all);
	assert_refused(STAY_listener_gone);
}

static void service__that_has_changed__refuses(void **state)
{
	(void)state;
	from = sibling_start(&all, 0, OLD, "echo", NULL);
	to = sibling_start(&all, 1, NEW, "picky", NULL);
	client = sibling_connect(from, 0);
	siblings_count_open(&all);
	assert_refused(STAY_options_changed);
}

static void framing__that_has_changed__refuses(void **state)
{
	(void)state;
	from = sibling_start(&all, 0, OLD, "ack", "framing", "line", "reply", "here", NULL);
	to = sibling_start(&all, 1, NEW, "ack", "framing", "length", "reply", "here", NULL);
	client = sibling_connect(from, 0);
	assert_int_equal(sibling_offer(from, to, 1), OFFER_REFUSED);
	assert_int_equal(from->moving.offer.reason, STAY_options_changed);
	siblings_say(client, "one\ntwo\n");
	siblings_expect(&all, client, "here\nhere\n", false);
}

static void options__without_meaning_for_the_state__let_it_move(void **state)
{
	(void)state;
	from = sibling_start(&all, 0, OLD, "ack", "framing", "line", "reply", "one", NULL);
	to = sibling_start(&all, 1, NEW, "ack", "framing", "line", "reply", "other", NULL);
	client = sibling_connect(from, 0);
	assert_int_equal(sibling_offer(from, to, 1), OFFER_TAKEN);
	siblings_say(client, "x\n");
	siblings_expect(&all, client, "other\n", false);
}

static void receiver__that_is_full__refuses(void **state)
{
	(void)state;
	from = sibling_start(&all, 0, OLD, "echo", NULL);
	all.places = 2;
	to = sibling_start(&all, 1, OLD, "echo", NULL);
	client = sibling_connect(from, 0);
	(void)sibling_connect(to, 0);
	(void)sibling_connect(to, 0);
	siblings_count_open(&all);
	assert_refused(STAY_no_room);
}

/* The batch is taken whole or not at all. */
static void batch__beyond_the_room__moves_none(void **state)
{
	(void)state;
	from = sibling_start(&all, 0, OLD, "echo", NULL);
	all.places = 4;
	to = sibling_start(&all, 1, OLD, "echo", NULL);
	for (unsigned i = 0; i < 5; i++)
		client = sibling_connect(from, 0);
	assert_int_equal(sibling_offer(from, to, 5), OFFER_REFUSED);
	assert_int_equal(from->moving.offer.reason, STAY_no_room);
	siblings_assert_sole(&all, 5);
	assert_int_equal(sibling_conns(to), 0);
	assert_int_equal(sibling_offer(from, to, 4), OFFER_TAKEN);
	siblings_assert_sole(&all, 5);
	assert_int_equal(sibling_conns(to), 4);
}

/* Places that another listener reserves are none. */
static void places__reserved_for_another_listener__are_left(void **state)
{
	(void)state;
	from = sibling_start(&all, 0, OLD, "echo", NULL);
	all.places = 10;
	to = sibling_start(&all, 1, OLD, "echo", "reserve", "9", NULL);
	client = sibling_connect(from, 1);
	(void)sibling_connect(to, 1);
	siblings_count_open(&all);
	assert_refused(STAY_no_room);
	siblings_close(&all, client);
	siblings_settle(&all);
	client = sibling_connect(from, 0);
	assert_int_equal(sibling_offer(from, to, 1), OFFER_TAKEN);
	siblings_assert_sole(&all, 2);
}

/* Allows `more` descriptors beyond those that are open; returns the limit as it was. */
static struct rlimit limit_files(unsigned more)
{
	struct rlimit limit, lower;
	int fds[8];

	assert_in_range(more, 0, 7);
	for (unsigned i = 0; i <= more; i++)
		fds[i] = dup(client);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	lower = limit;
	lower.rlim_cur = (rlim_t)fds[more];
	for (unsigned i = 0; i <= more; i++)
		close(fds[i]);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &lower), 0);
	return limit;
}

static void descriptors__that_do_not_suffice__refuse(void **state)
{
	struct rlimit limit;

	(void)state;
	start_echo();
	for (unsigned i = 0; i < 4; i++)
		(void)sibling_connect(from, 0);
	siblings_count_open(&all);
	for (unsigned more = 0; more < 5; more++) {
		limit = limit_files(more);
		assert_int_equal(sibling_offer(from, to, 5), OFFER_REFUSED);
		assert_int_equal(from->moving.offer.reason, STAY_no_descriptors);
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
		siblings_assert_open(&all);
		siblings_assert_sole(&all, 5);
	}
	assert_int_equal(sibling_offer(from, to, 5), OFFER_TAKEN);
	siblings_assert_open(&all);
	siblings_assert_sole(&all, 5);
}

static void state__that_the_service_does_not_know__refuses(void **state)
{
	(void)state;
	from = sibling_start(&all, 0, OLD, "chargen", NULL);
	to = sibling_start(&all, 1, OLD, "chargen", NULL);
	client = sibling_connect(from, 0);
	siblings_settle(&all);
	memset(sibling_record(from, 0)->state_bytes, 0xff, sizeof(uint32_t));
	assert_int_equal(sibling_offer(from, to, 1), OFFER_REFUSED);
	assert_int_equal(from->moving.offer.reason, STAY_damaged);
	assert_int_equal(sibling_metric(to, METRIC_moves_refused_total), 1);
	siblings_assert_sole(&all, 1);
	assert_int_equal(to->pool.bufs.count, to->pool.bufs.high);
	assert_int_equal(to->pool.records.count, to->pool.records.high);
}

static void message__beyond_the_senders_buffer__is_too_large(void **state)
{
	int size = 1;

	(void)state;
	from = sibling_start(&all, 0, OLD, "chargen", NULL);
	to = sibling_start(&all, 1, OLD, "chargen", NULL);
	client = sibling_connect(from, 0);
	siblings_settle(&all);
	assert_int_equal(setsockopt(all.doorbells[1], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)),
			 0);
	assert_int_equal(sibling_offer(from, to, 1), OFFER_REFUSED);
	assert_int_equal(from->moving.offer.reason, STAY_too_large);
	siblings_assert_sole(&all, 1);
}

/* One byte tells a worker to look; enough of them fill the door. */
static void door__that_is_full__is_busy(void **state)
{
	(void)state;
	start_echo();
	while (send(all.doorbells[1], "", 1, MSG_DONTWAIT) == 1)
		;
	assert_int_equal(sibling_send(from, to, 1), OFFER_BUSY);
	assert_int_equal(offer_look(&from->moving.offer), OFFER_NONE);
	assert_sender_serves();
	siblings_assert_sole(&all, 1);
	assert_int_equal(sibling_offer(from, to, 1), OFFER_TAKEN);
}

static void door__that_is_shut__is_unanswered(void **state)
{
	(void)state;
	start_echo();
	shutdown(all.doorbells[1], SHUT_RDWR);
	assert_refused(STAY_unanswered);
}

static void receiver__that_does_not_look__has_it_withdrawn(void **state)
{
	(void)state;
	start_echo();
	assert_int_equal(sibling_send(from, to, 1), OFFER_WAITS);
	assert_int_equal(offer_look(&from->moving.offer), OFFER_WAITS);
	siblings_say(client, "early");
	sibling_turn(from);
	assert_int_equal(recv(client, &(char){ 0 }, 1, MSG_DONTWAIT), -1); /* no worker has it */
	from->moving.offer.began_us -= LATE_US;
	assert_int_equal(offer_look(&from->moving.offer), OFFER_REFUSED);
	assert_int_equal(from->moving.offer.reason, STAY_unanswered);
	siblings_expect(&all, client, "early", false);
	siblings_settle(&all);
	assert_sender_serves();
	siblings_assert_sole(&all, 1);
	assert_int_equal(sibling_offer(from, to, 1), OFFER_TAKEN); /* a later one is another */
	siblings_assert_open(&all);
	siblings_assert_sole(&all, 1);
}

/* It may be taken at any moment. */
static void receiver__that_has_begun__is_waited_for(void **state)
{
	_Atomic uint64_t *note;
	uint64_t batch;

	(void)state;
	start_echo();
	note = &to->slot->door_taken[0];
	assert_int_equal(sibling_send(from, to, 1), OFFER_WAITS);
	batch = from->pool.arena->head->offered.number;
	atomic_store(note, door_note(batch, DOOR_BEGUN));
	from->moving.offer.began_us -= LATE_US;
	assert_int_equal(offer_look(&from->moving.offer), OFFER_WAITS);
	atomic_store(&to->info->is_taken, 0); /* unless it is gone for good */
	assert_int_equal(offer_look(&from->moving.offer), OFFER_REFUSED);
	assert_true(atomic_load(&from->slot->door_withdrawn) >= batch);
	atomic_store(&to->info->is_taken, 1);
	siblings_settle(&all);
	assert_sender_serves();
	siblings_assert_sole(&all, 1);
}

/* The receiver closes both sides' copies, and sees every batch that was withdrawn. */
static void batches__withdrawn_one_after_another__are_all_refused(void **state)
{
	(void)state;
	start_echo();
	for (unsigned i = 0; i < 5; i++) {
		assert_int_equal(sibling_send(from, to, 1), OFFER_WAITS);
		from->moving.offer.began_us -= LATE_US;
		assert_int_equal(offer_look(&from->moving.offer), OFFER_REFUSED);
	}
	siblings_settle(&all);
	assert_int_equal(sibling_conns(to), 0);
	assert_sender_serves();
	siblings_assert_sole(&all, 1);
}

/* The message in the queue holds its descriptors as well: the end must not wait for that. */
static void pair__taken_back__ends_for_all_holders(void **state)
{
	int ends[2];

	(void)state;
	from = sibling_start(&all, 0, OLD, "pair", NULL);
	to = sibling_start(&all, 1, OLD, "pair", NULL);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends),
			 0);
	siblings_keep(&all, ends[1]);
	sibling_services.peer = ends[0];
	client = sibling_connect(from, 0);
	assert_int_equal(sibling_send(from, to, 1), OFFER_WAITS);
	assert_int_equal(offer_withdraw(&from->moving.offer), OFFER_REFUSED);
	conn_end(&from->pool, sibling_record(from, 0), CLOSE_stopped);
	assert_int_equal(recv(client, &(char){ 0 }, 1, MSG_DONTWAIT), 0);
	assert_int_equal(recv(ends[1], &(char){ 0 }, 1, MSG_DONTWAIT), 0);
	siblings_settle(&all);
	siblings_assert_sole(&all, 0);
}

/* The number of a later batch must be higher than that of one that was taken back. */
static void batch__of_a_damaged_arena__is_taken_back(void **state)
{
	static const struct arena_batch batches[] = {
		{ UINT64_MAX, 1, MOVE_rebalance }, { INT64_MAX, 1, MOVE_rebalance },
		{ 1, SCOREBOARD_SLOTS, 0 },        { 1, UINT32_MAX, 0 },
		{ 0, 1, MOVE_rebalance },
	};

	(void)state;
	start_echo();
	for (size_t i = 0; i < sizeof(batches) / sizeof(*batches); i++) {
		sibling_record(from, 0)->passage = PASSAGE_OFFERED;
		from->pool.arena->head->offered = batches[i];
		sibling_die(from);
		sibling_recover(from);
		siblings_settle(&all);
		siblings_assert_sole(&all, 1);
		siblings_say(client, "here");
		siblings_expect(&all, client, "here", false);
	}
	assert_int_equal(sibling_offer(from, to, 1), OFFER_TAKEN);
	siblings_assert_sole(&all, 1);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(listener__that_the_receiver_has_not__refuses),
		CASE(service__that_has_changed__refuses),
		CASE(framing__that_has_changed__refuses),
		CASE(options__without_meaning_for_the_state__let_it_move),
		CASE(receiver__that_is_full__refuses),
		CASE(batch__beyond_the_room__moves_none),
		CASE(places__reserved_for_another_listener__are_left),
		CASE(descriptors__that_do_not_suffice__refuse),
		CASE(state__that_the_service_does_not_know__refuses),
		CASE(message__beyond_the_senders_buffer__is_too_large),
		CASE(door__that_is_full__is_busy),
		CASE(door__that_is_shut__is_unanswered),
		CASE(receiver__that_does_not_look__has_it_withdrawn),
		CASE(receiver__that_has_begun__is_waited_for),
		CASE(batches__withdrawn_one_after_another__are_all_refused),
		CASE(pair__taken_back__ends_for_all_holders),
		CASE(batch__of_a_damaged_arena__is_taken_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
