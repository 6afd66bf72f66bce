/* SPDX-License-Identifier: MIT */
/* Tests of master/stop.c, and of the waiting of master/start.c after a stop request. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/sys.h"
#include "master/start.h"
#include "master/stop.h"
#include "unit/crew.h"

/* A server of these processes, without descriptors. */
static struct server *make_server(struct procs *procs)
{
	struct server *server = calloc(1, sizeof(*server));

	assert_non_null(server);
	server->board = procs->board;
	server->procs = *procs;
	server->reload.procs = &server->procs;
	server->stop.procs = &server->procs;
	server->stop.reload = &server->reload;
	server->loop.now_ms = CREW_NOW;
	server->deadline_ms = CREW_NOW + RELOAD_READY_MS;
	return server;
}

static void drop_server(struct server *server, struct procs *procs)
{
	*procs = server->procs;
	free(server);
}

static void ask__of_a_server__tells_in_the_scoreboard_when_it_gets_faster(void **state)
{
	struct procs *procs = *state;
	struct server *server;

	crew_serve(procs, "shutdown_timeout=10m");
	server = make_server(procs);
	server->is_started = true;
	assert_int_equal(server->board->stop_due_ms, 0);
	stop_ask(&server->stop, SIGNAL_QUIT, CREW_NOW);
	assert_true(server->board->stop_due_ms >= CREW_NOW + 600000);
	assert_int_equal(server->board->stop_due_ms, server->stop.deadline_ms);
	stop_ask(&server->stop, SIGNAL_STOP, CREW_NOW);
	assert_in_range(server->board->stop_due_ms, CREW_NOW, CREW_NOW + 10000);
	drop_server(server, procs);
}

enum { MINUTE_MS = 60 * 1000 };

/* A server that was told to stop, with a lame_duck of a minute. */
static struct server *make_lame_duck(struct procs *procs)
{
	struct server *server;

	crew_serve(procs, "lame_duck=1m");
	server = make_server(procs);
	server->is_started = true;
	stop_ask(&server->stop, SIGNAL_QUIT, CREW_NOW);
	return server;
}

static void ask__with_lame_duck__keeps_the_workers_until_it_is_over(void **state)
{
	struct procs *procs = *state;
	struct server *server = make_lame_duck(procs);

	assert_int_equal(server->stop.how, STOP_LAME_DUCK);
	assert_int_equal(server->board->lame_duck_until_ms, CREW_NOW + MINUTE_MS);
	assert_true(server->board->server.lame_duck_end_time_seconds > 0);
	assert_int_equal(server->board->server.stopping, 1);
	stop_step(&server->stop, CREW_NOW + MINUTE_MS - 1);
	assert_int_equal(server->stop.how, STOP_LAME_DUCK);
	assert_non_null(server->procs.current);
	assert_false(server->procs.is_stopping);
	stop_step(&server->stop, CREW_NOW + MINUTE_MS);
	assert_int_equal(server->stop.how, STOP_GRACEFUL);
	assert_null(server->procs.current);
	assert_true(server->procs.is_stopping);
	assert_int_equal(server->board->lame_duck_until_ms, 0);
	assert_int_equal(server->board->server.lame_duck_end_time_seconds, 0);
	drop_server(server, procs);
}

static void ask__with_lame_duck__counts_shutdown_timeout_from_its_end(void **state)
{
	struct procs *procs = *state;
	struct server *server = make_lame_duck(procs);
	int64_t due_ms = server->board->stop_due_ms;

	assert_true(due_ms >= CREW_NOW + MINUTE_MS + server->procs.current->conf->shutdown_timeout);
	stop_step(&server->stop, CREW_NOW + MINUTE_MS);
	assert_int_equal(server->board->stop_due_ms, due_ms);
	assert_int_equal(server->stop.deadline_ms, due_ms);
	drop_server(server, procs);
}

static void ask_again__in_lame_duck__begins_the_graceful_stop_and_then_the_fast_one(void **state)
{
	struct procs *procs = *state;
	struct server *server = make_lame_duck(procs);

	stop_ask(&server->stop, SIGNAL_QUIT, CREW_NOW + 1);
	assert_int_equal(server->stop.how, STOP_GRACEFUL);
	assert_true(server->board->stop_due_ms < CREW_NOW + MINUTE_MS);
	stop_ask(&server->stop, SIGNAL_QUIT, CREW_NOW + 2);
	assert_int_equal(server->stop.how, STOP_FAST);
	drop_server(server, procs);
}

static void interrupt__in_lame_duck__is_fast(void **state)
{
	struct procs *procs = *state;
	struct server *server = make_lame_duck(procs);

	stop_ask(&server->stop, SIGNAL_STOP, CREW_NOW + 1);
	assert_int_equal(server->stop.how, STOP_FAST);
	assert_null(server->procs.current);
	assert_int_equal(server->board->lame_duck_until_ms, 0);
	drop_server(server, procs);
}

static void failure__in_lame_duck__ends_it(void **state)
{
	struct procs *procs = *state;
	struct server *server = make_lame_duck(procs);

	stop_gracefully(&server->stop, CREW_NOW + 1);
	assert_int_equal(server->stop.how, STOP_GRACEFUL);
	drop_server(server, procs);
}

static void deaths_of_all_workers__in_lame_duck__do_not_end_the_server(void **state)
{
	struct procs *procs = *state;
	struct server *server = make_lame_duck(procs);
	struct generation *current = server->procs.current;

	for (unsigned i = 0; i < CREW_WORKERS; i++)
		crew_kill(&server->procs, &current->members[i], SIGKILL, CREW_NOW);
	assert_int_equal(workers_alive(&server->procs), 0);
	assert_false(stop_is_done(&server->stop));
	workers_start_due(&server->procs, CREW_NOW + MINUTE_MS / 2);
	assert_int_equal(workers_alive(&server->procs), CREW_WORKERS);
	drop_server(server, procs);
}

static void reload__in_lame_duck__is_refused(void **state)
{
	struct procs *procs = *state;
	struct server *server = make_lame_duck(procs);
	struct outcome outcome;

	reload_ask(&server->reload, CREW_NOW + 1);
	assert_int_equal(server->reload.phase, RELOAD_IDLE);
	scoreboard_read_request(&server->board->reload, &outcome);
	assert_int_equal(outcome.failed, 1);
	assert_string_equal(outcome.message, "the server was told to stop");
	drop_server(server, procs);
}

static void ask__without_workers_that_serve__leaves_lame_duck_out(void **state)
{
	struct procs *procs = *state;
	struct server *server;

	crew_begin(procs, "lame_duck=1m");
	server = make_server(procs);
	stop_ask(&server->stop, SIGNAL_QUIT, CREW_NOW);
	assert_int_equal(server->stop.how, STOP_GRACEFUL);
	drop_server(server, procs);
}

static void ask__with_retired_workers__leaves_lame_duck_out(void **state)
{
	struct procs *procs = *state;
	struct generation *current = crew_serve(procs, "lame_duck=1m");
	struct server *server = make_server(procs);

	current->wanted = 0;
	workers_trim(current, CREW_NOW);
	stop_ask(&server->stop, SIGNAL_QUIT, CREW_NOW);
	assert_int_equal(server->stop.how, STOP_GRACEFUL);
	drop_server(server, procs);
}

static void start_due__of_a_server_told_to_stop__is_never(void **state)
{
	struct procs *procs = *state;
	struct server *server;

	crew_begin(procs, NULL);
	server = make_server(procs);
	assert_int_equal(start_due_ms(server, INT64_MAX), CREW_NOW + RELOAD_READY_MS);
	assert_int_equal(start_due_ms(server, CREW_NOW), CREW_NOW);
	stop_ask(&server->stop, SIGNAL_QUIT, CREW_NOW);
	assert_int_equal(start_due_ms(server, INT64_MAX), INT64_MAX);
	drop_server(server, procs);
}

#define WITH_PROCS(test) cmocka_unit_test_setup_teardown(test, crew_make, crew_free)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_PROCS(ask__of_a_server__tells_in_the_scoreboard_when_it_gets_faster),
		WITH_PROCS(ask__with_lame_duck__keeps_the_workers_until_it_is_over),
		WITH_PROCS(ask__with_lame_duck__counts_shutdown_timeout_from_its_end),
		WITH_PROCS(ask_again__in_lame_duck__begins_the_graceful_stop_and_then_the_fast_one),
		WITH_PROCS(interrupt__in_lame_duck__is_fast),
		WITH_PROCS(failure__in_lame_duck__ends_it),
		WITH_PROCS(deaths_of_all_workers__in_lame_duck__do_not_end_the_server),
		WITH_PROCS(reload__in_lame_duck__is_refused),
		WITH_PROCS(ask__without_workers_that_serve__leaves_lame_duck_out),
		WITH_PROCS(ask__with_retired_workers__leaves_lame_duck_out),
		WITH_PROCS(start_due__of_a_server_told_to_stop__is_never),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
