/* SPDX-License-Identifier: MIT */
/*
 * Tests of stats/report_metrics: the exposition's grammar, its families, and values that never
 * fall.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unit/board.h"
#include "unit/grammar_of.h"

enum { PIECE_MOST = 8192, SEEDS = 4 };

static char *write_metrics(const struct report *report, size_t chunk)
{
	return board_write(report, report_metrics, report_metrics_count, chunk);
}

static char *write_checked(const struct scoreboard *board)
{
	struct report report = board_report(board);
	char *text = write_metrics(&report, 1 << 16);
	const char *at;

	if (!grammar_of_metrics(text, &at))
		fail_msg("wrong at %zu: %.120s", (size_t)(at - text), at);
	return text;
}

static bool has_line(const char *text, const char *line)
{
	size_t n = strlen(line);
	const char *at = text;

	while ((at = strstr(at, line))) {
		if ((at == text || at[-1] == '\n') && at[n] == '\n')
			return true;
		at += n;
	}
	return false;
}

static void must_have(const char *text, const char *line)
{
	if (!has_line(text, line))
		fail_msg("no line %s in\n%s", line, text);
}

static void metrics__of_a_typical_board__have_their_labels_and_units(void **state)
{
	struct scoreboard *board = board_typical();
	char *text = write_checked(board);

	(void)state;
	must_have(text, "prefork_build_info{version=\"1.2.3\"} 1");
	must_have(text, "prefork_messages_total{worker=\"2\",listener=\"127.0.0.1:80\","
			"service=\"ack\"} 12");
	must_have(text, "prefork_messages_total{worker=\"1\",listener=\"unix:/run/\\\"x\\\\y\\\""
			".sock\",service=\"echo\"} 11");
	must_have(text, "prefork_connections_ended_total{worker=\"2\",ending=\"drained\"} 4");
	must_have(text, "prefork_connections_moved_in_total{worker=\"1\",cause=\"reload\"} 7");
	must_have(text, "prefork_connections_moved_out_total{worker=\"2\",cause=\"rebalance\"} 0");
	must_have(text, "prefork_connections_not_moved_total{worker=\"2\",reason=\"too_large\"} 2");
	assert_null(strstr(text, "ending=\"none\""));
	must_have(text, "prefork_accept_paused_seconds_total{worker=\"0\"} 1.5");
	must_have(text, "prefork_worker_crashes_total{worker=\"1\"} 1");
	must_have(text, "prefork_accept_queue_length{listener=\"unix:/run/\\\"x\\\\y\\\".sock\","
			"service=\"echo\"} 9");
	must_have(text, "prefork_module_counts_total{worker=\"2\",listener=\"unix:/run/"
			"\\\"x\\\\y\\\".sock\",service=\"echo\",counter=\"misses\"} 22");
	assert_null(strstr(text, "service=\"ack\",counter="));
	must_have(text, "prefork_reloads_total 0");
	assert_null(strstr(text, "worker=\"3\""));
	free(text);
	free(board);
}

static void histogram__is_cumulative_and_ends_with_infinity(void **state)
{
	struct scoreboard *board = board_typical();
	char *text = write_checked(board);

	(void)state;
	must_have(text, "# TYPE prefork_message_seconds histogram");
	must_have(text, "prefork_message_seconds_bucket{le=\"0.000002\"} 0");
	must_have(text, "prefork_message_seconds_bucket{le=\"0.000003\"} 5");
	must_have(text, "prefork_message_seconds_bucket{le=\"67.108864\"} 5");
	must_have(text, "prefork_message_seconds_bucket{le=\"+Inf\"} 6");
	must_have(text, "prefork_message_seconds_sum 100.000015");
	must_have(text, "prefork_message_seconds_count 6");
	free(text);
	free(board);
}

static void metrics__have_every_row_of_the_table(void **state)
{
	struct scoreboard *board = board_typical();
	char *text = write_checked(board), line[256];

	(void)state;
	for (unsigned m = 0; m < METRIC_COUNT; m++) {
		const struct metric_row *row = &metric_rows[m];

		snprintf(line, sizeof(line), "# HELP prefork_%s %s", row->name, row->sentence);
		must_have(text, line);
		snprintf(line, sizeof(line), "# TYPE prefork_%s %s", row->name, metric_type(row));
		must_have(text, line);
		snprintf(line, sizeof(line), "\nprefork_%s%s", row->name,
			 row->kind == KIND_IS_HISTOGRAM ? "_count" : "");
		assert_non_null(strstr(text, line));
	}
	free(text);
	free(board);
}

static void sentences__can_stand_behind_help_as_they_are(void **state)
{
	(void)state;
	for (unsigned m = 0; m < METRIC_COUNT; m++)
		assert_null(strpbrk(metric_rows[m].sentence, "\\\n"));
}

static void metrics__in_small_pieces__have_the_same_bytes(void **state)
{
	struct scoreboard *board = board_typical();
	struct report report = board_report(board);
	char *whole = write_metrics(&report, 1 << 20);

	(void)state;
	for (size_t chunk = 4096; chunk < 4096 + 2048; chunk += 307) {
		char *pieces = write_metrics(&report, chunk);

		assert_string_equal(pieces, whole);
		free(pieces);
	}
	free(whole);
	free(board);
}

static void metrics__of_a_full_board__are_right_in_pieces_of_bounded_length(void **state)
{
	struct scoreboard *board = board_full();
	struct report report = board_report(board);
	size_t longest = board_longest(&report, report_metrics, report_metrics_count);

	(void)state;
	free(write_checked(board));
	if (longest > PIECE_MOST)
		fail_msg("a piece of %zu bytes", longest);
	free(board);
}

static void metrics__of_rubbish__keep_their_grammar(void **state)
{
	struct scoreboard *board = board_new();

	(void)state;
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		board_spoil(board, seed);
		free(write_checked(board));
	}
	free(board);
}

/* A worker that was scraped once is scraped again, and with no lower value. */
static void series__of_a_worker_that_died__stay(void **state)
{
	struct scoreboard *board = board_typical();
	char *text;

	(void)state;
	scoreboard_fold(board, &board->slots[2], 2);
	board->infos[2].is_taken = 0;
	text = write_checked(board);
	must_have(text, "prefork_messages_total{worker=\"2\",listener=\"127.0.0.1:80\","
			"service=\"ack\"} 12");
	must_have(text, "prefork_worker_memory_bytes{worker=\"2\"} 0");
	free(text);
	board->listeners[0].life = LISTENER_GONE;
	text = write_checked(board);
	must_have(text, "prefork_messages_total{worker=\"2\",listener=\"127.0.0.1:80\","
			"service=\"ack\"} 12");
	free(text);
	free(board);
}

/* An alert on upstream_healthy == 0 would go on for ever. */
static void gauges__of_what_is_gone__are_left_out(void **state)
{
	static const char *const gauges[] = {
		"prefork_upstream_healthy{",    "prefork_upstream_drained{",
		"prefork_program_copies{",      "prefork_upstream_connections_live{",
		"prefork_accept_queue_length{",
	};
	struct scoreboard *board = board_typical();
	char *text = write_checked(board);

	(void)state;
	for (size_t i = 0; i < sizeof(gauges) / sizeof(*gauges); i++)
		assert_non_null(strstr(text, gauges[i]));
	free(text);
	board->server_rows[0].life = SERVER_GONE;
	for (unsigned i = 0; i < METRIC_LISTENERS; i++)
		if (board->listeners[i].life != LISTENER_NEVER)
			board->listeners[i].life = LISTENER_GONE;
	for (unsigned i = 0; i < SCOREBOARD_PROGRAMS; i++)
		if (board->programs[i].life != PROGRAM_NEVER)
			board->programs[i].life = PROGRAM_GONE;
	text = write_checked(board);
	for (size_t i = 0; i < sizeof(gauges) / sizeof(*gauges); i++)
		assert_null(strstr(text, gauges[i]));
	assert_non_null(strstr(text, "prefork_upstream_failures_total{"));
	assert_non_null(strstr(text, "prefork_upstream_connect_seconds_count{"));
	assert_non_null(strstr(text, "prefork_program_starts_total{"));
	assert_non_null(strstr(text, "prefork_accept_queue_dropped_segments_total{"));
	free(text);
	free(board);
}

static void series__of_a_worker_that_did_nothing_and_left__stay(void **state)
{
	struct scoreboard *board = board_new();
	char *text;

	(void)state;
	board->past[9].exited_s = 1;
	text = write_checked(board);
	must_have(text, "prefork_worker_crashes_total{worker=\"9\"} 0");
	assert_null(strstr(text, "worker=\"8\""));
	free(text);
	free(board);
}

static void checker__refuses_what_is_no_exposition(void **state)
{
	static const char *const head = "# HELP a b\n# TYPE a counter\n";
	static const char *const wrong[] = { "a 1",
					     "b 1\n",
					     "a\n",
					     "a {x=\"\"} 1\n",
					     "a{x=\"\n\"} 1\n",
					     "a{x=\"\\t\"} 1\n",
					     "a{x=1} 1\n",
					     "a NaN1\n",
					     "# HELP a b\n",
					     "# TYPE a counter\n" };
	const char *at;
	char text[128];

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		snprintf(text, sizeof(text), "%s%s", head, wrong[i]);
		assert_false(grammar_of_metrics(text, &at));
	}
	assert_true(
		grammar_of_metrics("# HELP a b\n# TYPE a counter\na{x=\"\\n\\\\\"} 1.5\n", &at));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(metrics__of_a_typical_board__have_their_labels_and_units),
		cmocka_unit_test(histogram__is_cumulative_and_ends_with_infinity),
		cmocka_unit_test(metrics__have_every_row_of_the_table),
		cmocka_unit_test(sentences__can_stand_behind_help_as_they_are),
		cmocka_unit_test(metrics__in_small_pieces__have_the_same_bytes),
		cmocka_unit_test(metrics__of_a_full_board__are_right_in_pieces_of_bounded_length),
		cmocka_unit_test(metrics__of_rubbish__keep_their_grammar),
		cmocka_unit_test(series__of_a_worker_that_died__stay),
		cmocka_unit_test(series__of_a_worker_that_did_nothing_and_left__stay),
		cmocka_unit_test(gauges__of_what_is_gone__are_left_out),
		cmocka_unit_test(checker__refuses_what_is_no_exposition),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
