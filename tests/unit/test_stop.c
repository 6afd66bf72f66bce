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
		WITH_PROCS(start_due__of_a_server_told_to_stop__is_never),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
