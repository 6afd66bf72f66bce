/* SPDX-License-Identifier: MIT */
/* The health of servers: the window of failures, trials, checks, and foreign writes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "services/proxy/choose.h"
#include "services/proxy/health.h"
#include "stats/report.h"
#include "unit/folder.h"
#include "unit/upstreams.h"

#define TWO "server = {\"10.0.0.1:1\", \"10.0.0.2:1\"}\n"

enum { SECOND = 1000, WINDOW = 10 * SECOND };

static void note_fail(const struct upstreams *u, unsigned index, int64_t at_ms)
{
	health_note_failure(u->upstream, upstreams_server(u, index), CLOSE_upstream_refused,
			    UPSTREAMS_NOW_MS + at_ms);
}

static void succeed(const struct upstreams *u, unsigned index, int64_t at_ms)
{
	health_note_success(u->upstream, upstreams_server(u, index), 1, UPSTREAMS_NOW_MS + at_ms);
}

static bool check(const struct upstreams *u, unsigned index, bool passes)
{
	return health_note_check(u->upstream, upstreams_server(u, index),
				 passes ? CLOSE_none : CLOSE_upstream_unexpected, UPSTREAMS_NOW_MS);
}

static bool takes_trial(const struct upstreams *u, unsigned index, int64_t at_ms)
{
	return health_takes_trial(u->upstream, upstreams_server(u, index),
				  UPSTREAMS_NOW_MS + at_ms);
}

static struct server_verdict verdict(const struct upstreams *u, unsigned index)
{
	return health_of(u->upstream, upstreams_server(u, index));
}

static void failures__within_the_window__mark_the_server(void **state)
{
	struct upstreams u;

	upstreams_make(&u, *state, TWO "max_fails = 3  fail_timeout = 10s");
	note_fail(&u, 0, 0);
	note_fail(&u, 0, 5 * SECOND);
	assert_int_equal(verdict(&u, 0).health, SERVER_HEALTHY);
	note_fail(&u, 0, WINDOW);
	assert_int_equal(verdict(&u, 0).health, SERVER_FAILED);
	assert_int_equal(verdict(&u, 0).why, CLOSE_upstream_refused);
	assert_int_equal(verdict(&u, 0).since_ms, UPSTREAMS_NOW_MS + WINDOW);
	assert_int_equal(cell_get(&upstreams_shared(&u, 0)->tally.upstream_failures_total), 3);
	upstreams_free(&u);
}

/* Each comes a moment before the window of the last one ends. */
static void failures__spaced_just_under_the_window__do_not_add_up(void **state)
{
	struct upstreams u;

	upstreams_make(&u, *state, TWO "max_fails = 3  fail_timeout = 10s");
	for (int64_t i = 0; i < 50; i++) {
		note_fail(&u, 0, i * (WINDOW - 1));
		assert_int_equal(verdict(&u, 0).health, SERVER_HEALTHY);
	}
	upstreams_free(&u);
}

static void failures__of_the_largest_count__fit_the_window(void **state)
{
	struct upstreams u;

	upstreams_make(&u, *state, TWO "max_fails = 16  fail_timeout = 10s");
	for (int64_t i = 0; i < 100; i++) /* 15 within each window */
		note_fail(&u, 0, i * (WINDOW / 15 + 1));
	assert_int_equal(verdict(&u, 0).health, SERVER_HEALTHY);
	for (int64_t i = 0; i < 15; i++)
		note_fail(&u, 0, 1000 * SECOND + i);
	assert_int_equal(verdict(&u, 0).health, SERVER_HEALTHY);
	note_fail(&u, 0, 1000 * SECOND + WINDOW);
	assert_int_equal(verdict(&u, 0).health, SERVER_FAILED);
	upstreams_free(&u);
}

static void failure__that_is_one_too_many__marks_at_once(void **state)
{
	struct upstreams u;

	upstreams_make(&u, *state, TWO "max_fails = 1");
	note_fail(&u, 0, 0);
	assert_int_equal(verdict(&u, 0).health, SERVER_FAILED);
	upstreams_free(&u);
}

static void failures__without_a_limit__mark_nothing(void **state)
{
	struct upstreams u;

	upstreams_make(&u, *state, TWO "max_fails = off");
	for (unsigned i = 0; i < 100; i++)
		note_fail(&u, 0, 0);
	assert_int_equal(verdict(&u, 0).health, SERVER_HEALTHY);
	assert_int_equal(cell_get(&upstreams_shared(&u, 0)->tally.upstream_failures_total), 100);
	upstreams_free(&u);
}

/* Whatever keeps the others from connections. */
static void last__server__is_never_marked(void **state)
{
	static const char *const servers[] = {
		"server = {\"10.0.0.1:1\"}",
		"server = {\"10.0.0.1:1\", \"10.0.0.2:1 down\"}",
		TWO,
		TWO,
		TWO,
	};

	for (unsigned i = 0; i < sizeof(servers) / sizeof(*servers); i++) {
		struct upstreams u;

		upstreams_make(&u, *state, servers[i]);
		if (i == 2)
			upstreams_set_health(&u, 1, SERVER_FAILED);
		if (i == 3)
			upstreams_set_health(&u, 1, SERVER_CHECK_FAILED);
		if (i == 4)
			atomic_store(&u.board->server_rows[upstreams_server(&u, 1)->row].is_drained,
				     1);
		for (unsigned k = 0; k < 20; k++)
			note_fail(&u, 0, k);
		assert_int_equal(verdict(&u, 0).health, SERVER_HEALTHY);
		upstreams_free(&u);
	}
}

static void failure__of_a_server_that_is_not_taken_out__is_kept(void **state)
{
	struct report_server shown;
	struct upstreams u;
	struct report report;

	upstreams_make(&u, *state, "server = {\"10.0.0.1:1\"}\nmax_fails = 1");
	report = (struct report){ .board = u.board, .now_ms = UPSTREAMS_NOW_MS };
	assert_true(report_server(&report, upstreams_server(&u, 0)->row, &shown));
	assert_string_equal(shown.why, "");
	note_fail(&u, 0, 0);
	assert_int_equal(verdict(&u, 0).health, SERVER_HEALTHY);
	assert_true(report_server(&report, upstreams_server(&u, 0)->row, &shown));
	assert_string_equal(shown.why, "upstream_refused");
	check(&u, 0, false);
	assert_true(report_server(&report, upstreams_server(&u, 0)->row, &shown));
	assert_string_equal(shown.why, "upstream_unexpected");
	upstreams_shared(&u, 0)->last_failure = UINT32_MAX; /* of a worker that was taken over */
	assert_true(report_server(&report, upstreams_server(&u, 0)->row, &shown));
	assert_string_equal(shown.why, "");
	upstreams_free(&u);
}

static void backup__that_is_healthy__lets_the_others_be_marked(void **state)
{
	struct upstreams u;

	upstreams_make(&u, *state, "server = {\"10.0.0.1:1\", \"10.0.0.2:1 backup\"}");
	for (unsigned i = 0; i < 3; i++)
		note_fail(&u, 0, 0);
	assert_int_equal(verdict(&u, 0).health, SERVER_FAILED);
	upstreams_free(&u);
}

static void trial__is_due_after_fail_timeout_and_taken_once(void **state)
{
	struct upstreams u;

	upstreams_make(&u, *state, TWO "max_fails = 1  fail_timeout = 10s");
	assert_false(takes_trial(&u, 0, WINDOW)); /* a healthy one needs none */
	note_fail(&u, 0, 0);
	assert_false(takes_trial(&u, 0, 0));
	assert_false(takes_trial(&u, 0, WINDOW - 1));
	assert_true(takes_trial(&u, 0, WINDOW));
	for (unsigned i = 0; i < 10; i++)
		assert_false(takes_trial(&u, 0, WINDOW));
	assert_true(takes_trial(&u, 0, 2 * WINDOW));
	upstreams_free(&u);
}

static void trial__that_fails__puts_the_next_one_off(void **state)
{
	struct upstreams u;

	upstreams_make(&u, *state, TWO "max_fails = 1  fail_timeout = 10s");
	note_fail(&u, 0, 0);
	assert_true(takes_trial(&u, 0, WINDOW));
	note_fail(&u, 0, WINDOW + 5 * SECOND);
	assert_false(takes_trial(&u, 0, 2 * WINDOW));
	assert_true(takes_trial(&u, 0, 2 * WINDOW + 5 * SECOND));
	assert_int_equal(verdict(&u, 0).since_ms, UPSTREAMS_NOW_MS); /* it failed once */
	upstreams_free(&u);
}

/* One failure more after it counts as the first. */
static void recovery__forgets_the_failures_of_before(void **state)
{
	struct upstreams u;

	upstreams_make(&u, *state, TWO "max_fails = 3  fail_timeout = 10s");
	for (unsigned i = 0; i < 3; i++)
		note_fail(&u, 0, 0);
	assert_int_equal(verdict(&u, 0).health, SERVER_FAILED);
	succeed(&u, 0, 1);
	assert_int_equal(verdict(&u, 0).health, SERVER_HEALTHY);
	assert_int_equal(verdict(&u, 0).since_ms, UPSTREAMS_NOW_MS + 1);
	note_fail(&u, 0, 2);
	note_fail(&u, 0, 2);
	assert_int_equal(verdict(&u, 0).health, SERVER_HEALTHY);
	note_fail(&u, 0, 2);
	assert_int_equal(verdict(&u, 0).health, SERVER_FAILED);
	upstreams_free(&u);
}

static void check__that_fails_twice_in_a_row__marks_the_server(void **state)
{
	struct upstreams u;

	upstreams_make(&u, *state, TWO);
	assert_true(check(&u, 0, false));
	assert_false(check(&u, 0, true));
	assert_true(check(&u, 0, false));
	assert_int_equal(verdict(&u, 0).health, SERVER_HEALTHY);
	assert_true(check(&u, 0, false));
	assert_int_equal(verdict(&u, 0).health, SERVER_CHECK_FAILED);
	assert_int_equal(verdict(&u, 0).why, CLOSE_upstream_unexpected);
	assert_true(check(&u, 0, false));
	assert_int_equal(cell_get(&upstreams_shared(&u, 0)->tally.upstream_checks_total), 5);
	assert_int_equal(cell_get(&upstreams_shared(&u, 0)->tally.upstream_checks_failed_total), 4);
	upstreams_free(&u);
}

/* The last one too: the checks say that it is of no use. */
static void check__that_fails__marks_the_last_server(void **state)
{
	struct upstreams u;

	upstreams_make(&u, *state, "server = {\"10.0.0.1:1\"}");
	check(&u, 0, false);
	check(&u, 0, false);
	assert_int_equal(verdict(&u, 0).health, SERVER_CHECK_FAILED);
	upstreams_free(&u);
}

/* Connections that were made before the checks failed say nothing. */
static void connection__to_a_server_whose_checks_fail__changes_nothing(void **state)
{
	struct upstreams u;

	upstreams_make(&u, *state, TWO "max_fails = 1");
	check(&u, 0, false);
	check(&u, 0, false);
	succeed(&u, 0, 1);
	assert_int_equal(verdict(&u, 0).health, SERVER_CHECK_FAILED);
	note_fail(&u, 0, 2);
	assert_int_equal(verdict(&u, 0).health, SERVER_CHECK_FAILED);
	assert_false(takes_trial(&u, 0, 100 * WINDOW));
	upstreams_free(&u);
}

static void check__that_succeeds__brings_a_server_back(void **state)
{
	struct upstreams u;

	upstreams_make(&u, *state, TWO "max_fails = 1");
	check(&u, 0, false);
	check(&u, 0, false);
	check(&u, 0, true);
	assert_int_equal(verdict(&u, 0).health, SERVER_HEALTHY);
	note_fail(&u, 0, 0);
	assert_int_equal(verdict(&u, 0).health, SERVER_FAILED);
	check(&u, 0, true);
	assert_int_equal(verdict(&u, 0).health, SERVER_HEALTHY);
	upstreams_free(&u);
}

static void share__rises_within_slow_start(void **state)
{
	const struct server *server;
	struct upstreams u;

	upstreams_make(&u, *state, TWO "slow_start = 10s");
	server = upstreams_server(&u, 0);
	assert_int_equal(health_share(u.upstream, server, UPSTREAMS_NOW_MS), 1000);
	upstreams_set_health(&u, 0, SERVER_HEALTHY);
	assert_int_equal(health_share(u.upstream, server, UPSTREAMS_NOW_MS), 1);
	assert_in_range(health_share(u.upstream, server, UPSTREAMS_NOW_MS + WINDOW / 2), 499, 501);
	assert_int_equal(health_share(u.upstream, server, UPSTREAMS_NOW_MS + WINDOW), 1000);
	upstreams_free(&u);
}

/* Another worker, taken over, has written anything; it can mislead the others, no more. */
static void garbage__in_what_is_shared__harms_nobody(void **state)
{
	uint64_t seed = 99;
	struct upstreams u;

	upstreams_make(&u, *state,
		       "server = {\"10.0.0.1:1 weight=100\", \"10.0.0.2:1\", \"10.0.0.3:1\"}\n"
		       "slow_start = 10s  max_connections = 5");
	for (unsigned round = 0; round < 20000; round++) {
		int64_t at_ms = (int64_t)(upstreams_random(&seed) % (100 * WINDOW));
		unsigned index = round % 3;
		struct choice c = upstreams_choice(&u);

		for (unsigned i = 0; i < 3; i++) {
			uint64_t *words = (uint64_t *)upstreams_shared(&u, i);

			for (size_t k = 0; k < sizeof(struct server_shared) / 8; k += 1 + k / 16)
				words[k] = upstreams_random(&seed);
		}
		c.random = upstreams_random(&seed);
		c.now_ms += at_ms;
		assert_in_range(health_share(u.upstream, upstreams_server(&u, index), c.now_ms), 1,
				1000);
		assert_in_range(upstreams_choose(&c) + 1, 0, 3);
		note_fail(&u, index, at_ms);
		succeed(&u, index, at_ms);
		check(&u, index, round % 2 == 0);
		(void)takes_trial(&u, index, at_ms);
		assert_true(verdict(&u, index).health < SERVER_HEALTHS);
		assert_true(verdict(&u, index).why < CLOSE_COUNT);
	}
	upstreams_free(&u);
}

/* Without checks no check would ever bring it back. */
static void failed_check__without_checks__is_a_failure_that_a_connection_ends(void **state)
{
	static const struct server_verdict failed = { SERVER_CHECK_FAILED, CLOSE_none, 0 };
	struct upstreams u;

	upstreams_make(&u, *state, TWO "fail_timeout = 10s");
	u.conf->upstreams[0].check = CHECK_OFF;
	atomic_store(&upstreams_shared(&u, 0)->verdict, server_verdict_word(failed));
	assert_int_equal(verdict(&u, 0).health, SERVER_FAILED);
	assert_true(takes_trial(&u, 0, 0));
	succeed(&u, 0, 0);
	assert_int_equal(verdict(&u, 0).health, SERVER_HEALTHY);
	upstreams_free(&u);
}

/* A due time from the far future would keep the trial away for ever. */
static void trial__with_a_time_that_nobody_can_have_set__is_taken(void **state)
{
	static const int64_t times[] = { INT64_MAX, INT64_MIN, -1,
					 UPSTREAMS_NOW_MS + 3600 * SECOND };
	struct upstreams u;

	upstreams_make(&u, *state, TWO "fail_timeout = 10s");
	upstreams_set_health(&u, 0, SERVER_FAILED);
	for (unsigned i = 0; i < sizeof(times) / sizeof(*times); i++) {
		atomic_store(&upstreams_shared(&u, 0)->trial_ms, times[i]);
		assert_true(takes_trial(&u, 0, 0));
		assert_false(takes_trial(&u, 0, 0));
	}
	upstreams_free(&u);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(failures__within_the_window__mark_the_server),
		cmocka_unit_test(failures__spaced_just_under_the_window__do_not_add_up),
		cmocka_unit_test(failures__of_the_largest_count__fit_the_window),
		cmocka_unit_test(failure__that_is_one_too_many__marks_at_once),
		cmocka_unit_test(failures__without_a_limit__mark_nothing),
		cmocka_unit_test(last__server__is_never_marked),
		cmocka_unit_test(failure__of_a_server_that_is_not_taken_out__is_kept),
		cmocka_unit_test(backup__that_is_healthy__lets_the_others_be_marked),
		cmocka_unit_test(trial__is_due_after_fail_timeout_and_taken_once),
		cmocka_unit_test(trial__that_fails__puts_the_next_one_off),
		cmocka_unit_test(recovery__forgets_the_failures_of_before),
		cmocka_unit_test(check__that_fails_twice_in_a_row__marks_the_server),
		cmocka_unit_test(check__that_fails__marks_the_last_server),
		cmocka_unit_test(connection__to_a_server_whose_checks_fail__changes_nothing),
		cmocka_unit_test(check__that_succeeds__brings_a_server_back),
		cmocka_unit_test(share__rises_within_slow_start),
		cmocka_unit_test(garbage__in_what_is_shared__harms_nobody),
		cmocka_unit_test(failed_check__without_checks__is_a_failure_that_a_connection_ends),
		cmocka_unit_test(trial__with_a_time_that_nobody_can_have_set__is_taken),
	};

	return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
