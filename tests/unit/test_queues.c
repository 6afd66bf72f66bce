/* SPDX-License-Identifier: MIT */
/* Tests of master/sampling/queues.c on real sockets that no process accepts from. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/sys.h"
#include "master/sampling/queues.h"
#include "unit/crew.h"
#include "unit/listening.h"

enum { BACKLOG = 4, FULL = BACKLOG + 1, CLIENTS_MOST = 16 };

/* The listeners of a generation in force, the queues that it samples, and the clients. */
struct bench {
	struct listening setup;
	struct queues queues;
	int clients[CLIENTS_MOST];
	unsigned client_count;
	int64_t now_ms;
};

static struct queue_tally *row(const struct procs *procs, unsigned i)
{
	return &procs->board->listeners[i].queue;
}

static void enlist(const struct procs *procs, struct listener_set *set)
{
	char address[ADDR_TEXT];

	for (unsigned i = 0; i < set->count; i++)
		set->list[i].row = scoreboard_enlist(
			procs->board, addr_write(&set->list[i].bound, address), "ack");
}

static void open_bench(struct bench *b, struct procs *procs, const char *address, unsigned sockets)
{
	struct generation *generation = crew_serve(procs, NULL);

	*b = (struct bench){ .now_ms = CREW_NOW };
	queues_start(&b->queues);
	listening_add(&b->setup, address);
	b->setup.listens[0].backlog = BACKLOG;
	b->setup.listens[0].service = (char *)"ack";
	b->setup.listens[0].reuse_port = sockets > 1;
	generation->listeners = listening_open(&b->setup, NULL, sockets);
	enlist(procs, generation->listeners);
}

static void look(struct bench *b, const struct procs *procs)
{
	queues_look(&b->queues, procs, b->now_ms += 100);
}

static void connect_clients(struct bench *b, const struct addr *to, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		int fd = socket(to->sa.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

		assert_true(fd >= 0 && b->client_count < CLIENTS_MOST);
		(void)!connect(fd, &to->sa, to->len);
		b->clients[b->client_count++] = fd;
	}
}

/* Connects clients that a full queue refuses; they do not stay to retry. */
static void turn_away(const struct addr *to, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		int fd = socket(to->sa.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

		assert_true(fd >= 0);
		(void)!connect(fd, &to->sa, to->len);
		close(fd);
	}
}

static void accept_all(int listening)
{
	int fd;

	while ((fd = accept(listening, NULL, NULL)) >= 0)
		close(fd);
}

static void close_bench(struct bench *b, const struct procs *procs)
{
	for (unsigned i = 0; i < b->client_count; i++)
		close(b->clients[i]);
	if (procs->current)
		generation_close(procs->current, NULL, true);
	queues_stop(&b->queues);
}

static void look__at_a_full_queue__has_its_length_and_limit(void **state)
{
	struct procs *procs = *state;
	const struct listener *listener;
	struct bench b;

	open_bench(&b, procs, "127.0.0.1:0", 1);
	listener = &procs->current->listeners->list[0];
	connect_clients(&b, &listener->bound, FULL);
	turn_away(&listener->bound, 3);
	look(&b, procs);
	assert_int_equal(row(procs, 0)->accept_queue_length, FULL);
	assert_int_equal(row(procs, 0)->accept_queue_limit, BACKLOG);
	assert_int_equal(row(procs, 0)->accept_queue_dropped_segments_total, 3);
	accept_all(listener->fds[0]);
	look(&b, procs);
	assert_int_equal(row(procs, 0)->accept_queue_length, 0);
	assert_int_equal(row(procs, 0)->accept_queue_peak, FULL);
	assert_int_equal(row(procs, 0)->accept_queue_highest, FULL);
	assert_int_equal(row(procs, 0)->accept_queue_dropped_segments_total, 3);
	close_bench(&b, procs);
}

static void look__after_a_scrape__begins_a_new_peak(void **state)
{
	struct procs *procs = *state;
	const struct listener *listener;
	struct bench b;

	open_bench(&b, procs, "127.0.0.1:0", 1);
	listener = &procs->current->listeners->list[0];
	connect_clients(&b, &listener->bound, 3);
	look(&b, procs);
	accept_all(listener->fds[0]);
	connect_clients(&b, &listener->bound, 1);
	look(&b, procs);
	assert_int_equal(row(procs, 0)->accept_queue_peak, 3);
	cell_add(&procs->current->slots[1].tally.scrapes_total, 1);
	look(&b, procs);
	assert_int_equal(row(procs, 0)->accept_queue_peak, 1);
	assert_int_equal(row(procs, 0)->accept_queue_highest, 3);
	scoreboard_fold(procs->board, &procs->current->slots[1], 1);
	connect_clients(&b, &listener->bound, 1);
	look(&b, procs);
	accept_all(listener->fds[0]);
	look(&b, procs);
	assert_int_equal(row(procs, 0)->accept_queue_peak, 2);
	close_bench(&b, procs);
}

static void look__at_several_sockets__adds_them_up(void **state)
{
	struct procs *procs = *state;
	struct bench b;

	open_bench(&b, procs, "127.0.0.1:0", 3);
	connect_clients(&b, &procs->current->listeners->list[0].bound, 2);
	look(&b, procs);
	assert_int_equal(row(procs, 0)->accept_queue_length, 2);
	assert_int_equal(row(procs, 0)->accept_queue_limit, 3 * BACKLOG);
	close_bench(&b, procs);
}

static void look__at_a_unix_socket__has_its_queue_and_no_drops(void **state)
{
	struct procs *procs = *state;
	const struct listener *listener;
	struct bench b;

	open_bench(&b, procs, listening_unix, 1);
	listener = &procs->current->listeners->list[0];
	connect_clients(&b, &listener->bound, FULL);
	turn_away(&listener->bound, 2);
	look(&b, procs);
	assert_int_equal(row(procs, 0)->accept_queue_length, FULL);
	assert_int_equal(row(procs, 0)->accept_queue_limit, BACKLOG);
	assert_int_equal(row(procs, 0)->accept_queue_dropped_segments_total, 0);
	accept_all(listener->fds[0]);
	look(&b, procs);
	assert_int_equal(row(procs, 0)->accept_queue_length, 0);
	assert_int_equal(row(procs, 0)->accept_queue_highest, FULL);
	close_bench(&b, procs);
}

/* Ends the generation; with `fresh`, starts another one that has taken over its sockets. */
static void replace(struct procs *procs, struct bench *b, struct listener_set *fresh)
{
	struct generation *old = procs->current, *next = fresh ? crew_begin(procs, NULL) : NULL;

	if (fresh) {
		next->listeners = fresh;
		enlist(procs, fresh);
		crew_report_ready(procs, next);
		workers_promote(procs);
	}
	generation_close(old, fresh, true);
	workers_retire(procs, old, SIGQUIT, INT64_MAX);
	look(b, procs);
}

static void look__after_a_reload__counts_the_drops_of_a_taken_over_socket_once(void **state)
{
	struct procs *procs = *state;
	struct listener_set *set;
	struct bench b;

	open_bench(&b, procs, "127.0.0.1:0", 1);
	set = procs->current->listeners;
	connect_clients(&b, &set->list[0].bound, FULL);
	turn_away(&set->list[0].bound, 2);
	look(&b, procs);
	replace(procs, &b, listening_open(&b.setup, set, 1));
	assert_int_equal(row(procs, 0)->accept_queue_dropped_segments_total, 2);
	assert_int_equal(procs->board->listeners[0].life, LISTENER_OPEN);
	turn_away(&procs->current->listeners->list[0].bound, 1);
	look(&b, procs);
	assert_int_equal(row(procs, 0)->accept_queue_dropped_segments_total, 3);
	close_bench(&b, procs);
}

static void look__at_an_inherited_socket__leaves_out_what_was_before(void **state)
{
	struct procs *procs = *state;
	struct listener *listener;
	struct bench b;

	open_bench(&b, procs, "127.0.0.1:0", 1);
	listener = &procs->current->listeners->list[0];
	listener->inherited = true;
	connect_clients(&b, &listener->bound, FULL);
	turn_away(&listener->bound, 2);
	look(&b, procs);
	assert_int_equal(row(procs, 0)->accept_queue_dropped_segments_total, 0);
	turn_away(&listener->bound, 1);
	look(&b, procs);
	assert_int_equal(row(procs, 0)->accept_queue_dropped_segments_total, 1);
	close_bench(&b, procs);
}

static void look__without_the_listener__says_that_it_is_gone(void **state)
{
	struct procs *procs = *state;
	struct bench b;

	open_bench(&b, procs, "127.0.0.1:0", 1);
	connect_clients(&b, &procs->current->listeners->list[0].bound, FULL);
	turn_away(&procs->current->listeners->list[0].bound, 1);
	look(&b, procs);
	replace(procs, &b, NULL);
	assert_int_equal(procs->board->listeners[0].life, LISTENER_GONE);
	assert_int_equal(row(procs, 0)->accept_queue_length, 0);
	assert_int_equal(row(procs, 0)->accept_queue_limit, 0);
	assert_int_equal(row(procs, 0)->accept_queue_peak, 0);
	assert_int_equal(row(procs, 0)->accept_queue_highest, FULL);
	assert_int_equal(row(procs, 0)->accept_queue_dropped_segments_total, 1);
	close_bench(&b, procs);
}

static void look__at_a_row_of_a_generation_that_starts__leaves_it_open(void **state)
{
	struct procs *procs = *state;
	struct generation *fresh;
	struct listening other = { 0 };
	struct bench b;

	open_bench(&b, procs, "127.0.0.1:0", 1);
	fresh = crew_begin(procs, NULL);
	listening_add(&other, "127.0.0.1:0");
	other.listens[0].service = (char *)"echo";
	fresh->listeners = listening_open(&other, NULL, 1);
	enlist(procs, fresh->listeners);
	look(&b, procs);
	assert_int_equal(procs->board->listeners[1].life, LISTENER_OPEN);
	generation_close(fresh, NULL, true);
	workers_retire(procs, fresh, SIGQUIT, INT64_MAX);
	look(&b, procs);
	assert_int_equal(procs->board->listeners[0].life, LISTENER_OPEN);
	assert_int_equal(procs->board->listeners[1].life, LISTENER_GONE);
	close_bench(&b, procs);
}

/* A worker that writes garbage to its cells does not choose the advice. */
static void look__at_counts_beyond_the_most__finds_no_growth(void **state)
{
	struct procs *procs = *state;
	struct worker_tally *tally;
	struct bench b;

	open_bench(&b, procs, "127.0.0.1:0", 1);
	b.setup.listens[0].rate = 5;
	b.setup.listens[0].on_limit = ON_LIMIT_WAIT;
	tally = &procs->current->slots[0].tally;
	for (unsigned i = 0; i < 2; i++) {
		cell_set(&tally->accept_pauses_total, METRIC_MOST + 1 + i);
		cell_set(&tally->listeners[0].limits_reached_total[LIMIT_rate], UINT64_MAX - i);
		look(&b, procs);
		assert_int_equal(b.queues.pauses.grew_ms, 0);
		assert_int_equal(b.queues.rates[0].grew_ms, 0);
	}
	cell_set(&tally->accept_pauses_total, 1);
	cell_set(&tally->listeners[0].limits_reached_total[LIMIT_rate], 1);
	look(&b, procs);
	assert_int_equal(b.queues.pauses.grew_ms, b.now_ms);
	assert_int_equal(b.queues.rates[0].grew_ms, b.now_ms);
	close_bench(&b, procs);
}

static void waiting__is_the_sum_of_all_rows(void **state)
{
	struct procs *procs = *state;

	cell_set(&row(procs, 0)->accept_queue_length, 3);
	cell_set(&row(procs, METRIC_LISTENERS - 1)->accept_queue_length, 4);
	assert_int_equal(queues_waiting(procs->board), 7);
}

static int set_up(void **state)
{
	return listening_set_up(state) == 0 ? crew_make(state) : -1;
}

static int tear_down(void **state)
{
	return crew_free(state) == 0 ? listening_tear_down(state) : -1;
}

#define WITH_PROCS(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_PROCS(look__at_a_full_queue__has_its_length_and_limit),
		WITH_PROCS(look__after_a_scrape__begins_a_new_peak),
		WITH_PROCS(look__at_several_sockets__adds_them_up),
		WITH_PROCS(look__at_a_unix_socket__has_its_queue_and_no_drops),
		WITH_PROCS(look__after_a_reload__counts_the_drops_of_a_taken_over_socket_once),
		WITH_PROCS(look__at_an_inherited_socket__leaves_out_what_was_before),
		WITH_PROCS(look__without_the_listener__says_that_it_is_gone),
		WITH_PROCS(look__at_a_row_of_a_generation_that_starts__leaves_it_open),
		WITH_PROCS(look__at_counts_beyond_the_most__finds_no_growth),
		WITH_PROCS(waiting__is_the_sum_of_all_rows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
