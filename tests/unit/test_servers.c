/* SPDX-License-Identifier: MIT */
/* The rows of servers in the scoreboard: who has one, when it is free again, and what it counts. */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stats/servers.h"
#include "unit/board.h"
#include "worker/server_count.h"

static struct scoreboard *board; /* of each test; written by its setup */

static int set_up(void **state)
{
	(void)state;
	board = board_new();
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	free(board);
	return 0;
}

static int enlist(unsigned number)
{
	char address[32];

	snprintf(address, sizeof(address), "10.0.0.1:%u", number);
	return server_enlist(board, "u", address);
}

static void server__of_the_same_upstream_and_address__has_one_row(void **state)
{
	int row = server_enlist(board, "u", "10.0.0.1:1");

	(void)state;
	assert_true(row >= 0);
	assert_int_equal(server_enlist(board, "u", "10.0.0.1:1"), row);
	assert_int_equal(server_find(board, "u", "10.0.0.1:1"), row);
	assert_int_not_equal(server_enlist(board, "v", "10.0.0.1:1"), row);
	assert_int_not_equal(server_enlist(board, "u", "10.0.0.1:2"), row);
	assert_int_equal(server_find(board, "v", "10.0.0.1:2"), -1);
	assert_int_equal(server_find(board, "u", "10.0.0.1:"), -1);
}

static void row__that_a_generation_or_a_connection_has__is_not_given_away(void **state)
{
	(void)state;
	for (unsigned i = 0; i < SCOREBOARD_SERVERS; i++)
		assert_int_equal(enlist(i), i);
	errno = 0;
	assert_int_equal(enlist(SCOREBOARD_SERVERS), -1);
	assert_int_equal(errno, ENOSPC);
	assert_int_equal(server_enlist(board, "u", "10.0.0.1:7"), 7); /* twice */
	server_leave(board, 7);
	assert_int_equal(enlist(SCOREBOARD_SERVERS), -1);
	atomic_store(&board->infos[900].is_taken, 1);
	atomic_store(&board->servers[7].live[900], 1);
	server_leave(board, 7);
	assert_int_equal(enlist(SCOREBOARD_SERVERS), -1);
	atomic_store(&board->servers[7].live[900], 0);
	assert_int_equal(enlist(SCOREBOARD_SERVERS), 7);
	assert_int_equal(server_find(board, "u", "10.0.0.1:7"), -1);
}

/* Their pages have no space in the file. */
static void rows__without_a_server__are_not_touched(void **state)
{
	struct server_count count = { .board = board, .servers = board->servers, .slot = 3 };
	struct server_sums sums = { .live = { 2 }, .waiting = { 1 } };
	struct record damaged = { .server = SCOREBOARD_SERVERS };

	(void)state;
	assert_int_equal(enlist(0), 0);
	atomic_store(&board->servers[1].live[3], 7);
	atomic_store(&board->servers[SCOREBOARD_SERVERS - 1].waiting[3], 7);
	server_count_set(&count, &sums);
	server_count_in(&count, &damaged);
	server_count_in(&count, &damaged);
	server_count_out(&count, &damaged);
	server_count_show_oldest(&count, 0, 5);
	server_count_show_oldest(&count, SCOREBOARD_SERVERS - 1, 5);
	assert_int_equal(atomic_load(&board->servers[0].oldest_us[3]), 5);
	assert_int_equal(atomic_load(&board->servers[SCOREBOARD_SERVERS - 1].oldest_us[3]), 0);
	assert_int_equal(atomic_load(&board->servers[0].live[3]), 2);
	assert_int_equal(atomic_load(&board->servers[0].waiting[3]), 1);
	assert_int_equal(atomic_load(&board->servers[1].live[3]), 7);
	assert_int_equal(atomic_load(&board->servers[SCOREBOARD_SERVERS - 1].waiting[3]), 7);
}

/* A worker that was taken over can write to the cells of all slots. */
static void cells__that_another_worker_wrote__are_put_right(void **state)
{
	enum { SLOT = 3, NOW_MS = 100000 };
	struct server_count count = { .board = board, .servers = board->servers, .slot = SLOT };
	struct server_shared *server = &board->servers[1];

	(void)state;
	assert_int_equal(enlist(0), 0);
	assert_int_equal(enlist(1), 1);
	server_count_set(&count, &(struct server_sums){ .live = { 0, 2 }, .waiting = { 0, 1 } });
	server_count_show_oldest(&count, 1, 5);
	for (unsigned i = 1; i <= 2; i++) {
		atomic_store(&server->live[SLOT], 0);
		atomic_store(&server->waiting[SLOT], UINT32_MAX);
		atomic_store(&server->oldest_us[SLOT], 1);
		atomic_store(&server->oldest_us[SLOT + 1], 7);
		server_count_mend(&count, i * NOW_MS);
		assert_int_equal(atomic_load(&server->live[SLOT]), 2);
		assert_int_equal(atomic_load(&server->waiting[SLOT]), 1);
		assert_int_equal(atomic_load(&server->oldest_us[SLOT]), i == 1 ? 5 : 0);
		assert_int_equal(atomic_load(&server->oldest_us[SLOT + 1]), 7);
		server_count_show_oldest(&count, 1, 0);
	}
}

static void row__that_is_in_force__is_not_given_away(void **state)
{
	(void)state;
	for (unsigned i = 0; i < SCOREBOARD_SERVERS; i++)
		assert_int_equal(enlist(i), i);
	atomic_store(&board->server_rows[3].life, SERVER_IN_FORCE);
	server_leave(board, 3);
	assert_int_equal(enlist(SCOREBOARD_SERVERS), -1);
}

/* Nothing of the server before counts for the next one. */
static void row__of_another_server__begins_anew(void **state)
{
	struct addr addr = { .len = sizeof(struct sockaddr_in), .in.sin_family = AF_INET };
	struct addr list[SERVER_ADDRESSES];

	(void)state;
	for (unsigned i = 0; i < SCOREBOARD_SERVERS; i++)
		assert_int_equal(enlist(i), i);
	server_write_names(&board->server_names[5], &addr, 1);
	memset(&board->servers[5].verdict, 0xff, 64);
	cell_set(&board->servers[5].tally.upstream_failures_total, 9);
	atomic_store(&board->server_rows[5].is_drained, 1);
	server_leave(board, 5);
	assert_int_equal(enlist(500), 5);
	assert_int_equal(server_read_names(&board->server_names[5], list), 0);
	assert_int_equal(atomic_load(&board->servers[5].verdict), 0);
	assert_int_equal(cell_get(&board->servers[5].tally.upstream_failures_total), 0);
	assert_int_equal(atomic_load(&board->server_rows[5].is_drained), 0);
	assert_string_equal(board->server_rows[5].address, "10.0.0.1:500");
}

/* It comes back within its generation's life: what is known of it still holds. */
static void server__that_comes_back__has_its_row_with_all_that_is_known(void **state)
{
	int row = enlist(1);

	(void)state;
	cell_set(&board->servers[row].tally.upstream_failures_total, 9);
	atomic_store(&board->server_rows[row].is_drained, 1);
	server_leave(board, (unsigned)row);
	assert_int_equal(enlist(2), row + 1);
	assert_int_equal(enlist(1), row);
	assert_int_equal(cell_get(&board->servers[row].tally.upstream_failures_total), 9);
	assert_int_equal(atomic_load(&board->server_rows[row].is_drained), 1);
}

static void counts__of_all_slots__are_summed_and_bounded(void **state)
{
	int row = enlist(1), other = enlist(2);

	(void)state;
	/* another worker can write what it wants to the cells of slots that have no worker */
	for (unsigned i = 0; i < SCOREBOARD_SLOTS; i++) {
		atomic_store(&board->servers[row].live[i], UINT32_MAX);
		atomic_store(&board->servers[row].waiting[i], UINT32_MAX);
	}
	assert_int_equal(server_live(board, (unsigned)row), 0);
	assert_int_equal(server_waiting(board, (unsigned)row), 0);
	for (unsigned i = 0; i < SCOREBOARD_SLOTS; i++) {
		server_forget_slot(board, i);
		atomic_store(&board->infos[i].is_taken, 1);
	}
	atomic_store(&board->servers[row].live[0], 2);
	atomic_store(&board->servers[row].live[SCOREBOARD_SLOTS - 1], 3);
	atomic_store(&board->servers[row].waiting[4], 7);
	atomic_store(&board->servers[other].live[0], 11);
	assert_int_equal(server_live(board, (unsigned)row), 5);
	assert_int_equal(server_waiting(board, (unsigned)row), 7);
	server_forget_slot(board, 0);
	assert_int_equal(server_live(board, (unsigned)row), 3);
	assert_int_equal(server_live(board, (unsigned)other), 0);
	server_forget_slot(board, 4);
	assert_int_equal(server_waiting(board, (unsigned)row), 0);
	for (unsigned i = 0; i < SCOREBOARD_SLOTS; i++)
		atomic_store(&board->servers[row].live[i], UINT32_MAX);
	assert_int_equal(server_live(board, (unsigned)row), UINT32_MAX);
}

/* Addresses that all hold the same number, so that a mixture shows. */
static void write_number(struct server_names *names, unsigned number)
{
	struct addr list[SERVER_ADDRESSES] = { 0 };
	unsigned count = 1 + number % SERVER_ADDRESSES;

	for (unsigned i = 0; i < count; i++) {
		list[i].len = sizeof(struct sockaddr_in);
		list[i].in.sin_family = AF_INET;
		list[i].in.sin_addr.s_addr = number;
	}
	server_write_names(names, list, count);
}

static _Atomic bool stops; /* the writer of names; set by the reader */

static void *write_on(void *names)
{
	for (unsigned number = 0; !atomic_load(&stops); number++)
		write_number(names, number);
	return NULL;
}

static void names__while_they_are_written__are_read_whole(void **state)
{
	struct server_names *names = &board->server_names[0];
	pthread_t writer;

	(void)state;
	atomic_store(&stops, false);
	write_number(names, 0);
	assert_int_equal(pthread_create(&writer, NULL, write_on, names), 0);
	for (unsigned round = 0; round < 100000; round++) {
		uint32_t seq = atomic_load(&names->seq);
		struct addr list[SERVER_ADDRESSES];
		unsigned count = server_read_names(names, list), number;

		/* a reader that does not find them at rest takes what there is */
		if (seq % 2 != 0 || seq != atomic_load(&names->seq))
			continue;
		number = list[0].in.sin_addr.s_addr;
		assert_int_equal(count, 1 + number % SERVER_ADDRESSES);
		for (unsigned i = 0; i < count; i++)
			assert_int_equal(list[i].in.sin_addr.s_addr, number);
	}
	atomic_store(&stops, true);
	pthread_join(writer, NULL);
}

/* A writer died within: readers and the next writer do not wait for ever. */
static void names__whose_writer_died__can_be_read_and_written(void **state)
{
	struct server_names *names = &board->server_names[0];
	struct addr list[SERVER_ADDRESSES];

	(void)state;
	write_number(names, 4);
	atomic_fetch_add(&names->seq, 1);
	assert_int_equal(server_read_names(names, list), 5);
	write_number(names, 2);
	assert_int_equal(atomic_load(&names->seq) % 2, 0);
	assert_int_equal(server_read_names(names, list), 3);
	assert_int_equal(list[2].in.sin_addr.s_addr, 2);
}

static void names__that_are_garbage__are_read_within_bounds(void **state)
{
	struct server_names *names = &board->server_names[0];
	struct addr list[SERVER_ADDRESSES];

	(void)state;
	memset(names, 0xff, sizeof(*names));
	assert_int_equal(server_read_names(names, list), 0); /* of no family */
	for (unsigned i = 0; i < SERVER_ADDRESSES; i++)
		names->list[i].ss_family = i % 2 == 0 ? AF_INET6 : AF_UNIX;
	assert_int_equal(server_read_names(names, list), SERVER_ADDRESSES / 2);
	assert_int_equal(list[0].len, sizeof(struct sockaddr_in6));
}

static void names__of_too_many_addresses__are_cut(void **state)
{
	struct server_names *names = &board->server_names[0];
	struct addr many[3 * SERVER_ADDRESSES] = { 0 }, list[SERVER_ADDRESSES];

	(void)state;
	for (unsigned i = 0; i < 3 * SERVER_ADDRESSES; i++) {
		many[i].len = sizeof(struct sockaddr_in);
		many[i].in.sin_family = AF_INET;
	}
	server_write_names(names, many, 3 * SERVER_ADDRESSES);
	assert_int_equal(server_read_names(names, list), SERVER_ADDRESSES);
}

static void verdict__of_any_word__has_a_meaning(void **state)
{
	struct server_verdict made = { SERVER_CHECK_FAILED, CLOSE_upstream_timeout, 123456789012 };
	struct server_verdict verdict = server_verdict_of(server_verdict_word(made));

	(void)state;
	assert_int_equal(verdict.health, made.health);
	assert_int_equal(verdict.why, made.why);
	assert_int_equal(verdict.since_ms, made.since_ms);
	verdict = server_verdict_of(UINT64_MAX);
	assert_int_equal(verdict.health, SERVER_HEALTHY);
	assert_int_equal(verdict.why, CLOSE_none);
	assert_true(verdict.since_ms >= 0);
}

#define ONE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ONE(server__of_the_same_upstream_and_address__has_one_row),
		ONE(row__that_a_generation_or_a_connection_has__is_not_given_away),
		ONE(row__that_is_in_force__is_not_given_away),
		ONE(rows__without_a_server__are_not_touched),
		ONE(cells__that_another_worker_wrote__are_put_right),
		ONE(row__of_another_server__begins_anew),
		ONE(server__that_comes_back__has_its_row_with_all_that_is_known),
		ONE(counts__of_all_slots__are_summed_and_bounded),
		ONE(names__while_they_are_written__are_read_whole),
		ONE(names__whose_writer_died__can_be_read_and_written),
		ONE(names__that_are_garbage__are_read_within_bounds),
		ONE(names__of_too_many_addresses__are_cut),
		ONE(verdict__of_any_word__has_a_meaning),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
