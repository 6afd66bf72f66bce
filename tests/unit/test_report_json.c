/* SPDX-License-Identifier: MIT */
/* Tests of stats/report_json and stats/json: complete, and valid whatever the board holds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stats/json.h"
#include "unit/board.h"
#include "unit/grammar_of.h"

enum { PIECE_MOST = 12288, SEEDS = 8 };

static char *write_json(const struct report *report, size_t chunk)
{
	return board_write(report, report_json, report_json_count, chunk);
}

static void must_be_json(const char *json)
{
	const char *at;

	if (!grammar_of_json(json, &at))
		fail_msg("wrong at %zu: %.60s", (size_t)(at - json), at);
}

/* Writes and checks the report, and expects the text after the name of its list. */
static void says(struct scoreboard *board, const char *after, const char *wanted)
{
	struct report report = board_report(board);
	char *json = write_json(&report, 1 << 16);
	const char *from = strstr(json, after);

	must_be_json(json);
	if (!from || !strstr(from, wanted))
		fail_msg("no %s behind %s in %s", wanted, after, json);
	free(json);
}

static void json__of_an_empty_board__has_every_list(void **state)
{
	struct scoreboard *board = board_new();

	(void)state;
	says(board, "{\"server\":{\"version\":\"1.2.3\",\"pid\":4711,\"alive\":true,",
	     "\"state\":\"serving\",\"configuration\":\"/etc/prefork-srv.conf\","
	     "\"now\":1700000000,\"uptime_seconds\":90.5,"
	     "\"lame_duck_left_seconds\":null,");
	says(board, "\"last_reload\":{\"outcome\":\"none\",\"at\":0,\"took_ms\":0,",
	     "\"workers\":[],\n\"listeners\":[],\n\"totals\":{");
	says(board, "\"crashes\":[],", "\"penalties\":[],\n\"moments\":[],\n\"marks\":[]}\n");
	says(board, "\"message_seconds\":", "{\"count\":0,\"sum_seconds\":0,\"p50_seconds\":null,");
	free(board);
}

static void json__of_a_typical_board__says_what_is_there(void **state)
{
	struct scoreboard *board = board_typical();

	(void)state;
	says(board, "{\"worker\":1,\"slot\":1,\"pid\":5001,\"generation\":1,\"state\":\"ready\",",
	     "\"last_exit\":\"signal 11 (SEGV), 1m ago\",\"is_former\":false,");
	says(board, "{\"worker\":2,", "\"connections_ended_total\":{\"client_closed\":0,");
	says(board, "{\"worker\":2,", "\"drained\":4,");
	says(board, "{\"worker\":1,",
	     "\"connections_moved_in_total\":{\"reload\":7,\"retirement\":0,\"rebalance\":0},");
	says(board, "{\"worker\":2,",
	     "\"connections_moved_out_total\":{\"reload\":7,\"retirement\":0,\"rebalance\":0},"
	     "\"connections_not_moved_total\":{\"listener_gone\":0,");
	says(board, "{\"worker\":2,",
	     "\"stay_reasons\":{\"listener_gone\":0,\"options_changed\":0,\"not_movable\":0,"
	     "\"encrypted\":0,"
	     "\"server_gone\":0,\"no_room\":0,\"no_descriptors\":0,\"damaged\":0,"
	     "\"too_large\":2,\"unanswered\":0,\"in_flight_limit\":0},");
	says(board, "{\"worker\":2,",
	     "\"waits_for\":[{\"remote\":\"192.0.2.1:40001\",\"listen\":\"127.0.0.1:80\","
	     "\"service\":\"ack\",\"state\":\"open\",\"age_seconds\":2,\"idle_seconds\":0.25,"
	     "\"bytes_in\":3,\"bytes_out\":0},{");
	says(board, "\"listeners\":[\n{\"address\":\"127.0.0.1:80\",\"service\":\"ack\",",
	     "{\"address\":\"unix:/run/\\\"x\\\\y\\\".sock\"");
	says(board, "\"totals\":{", "\"messages_total\":33,");
	says(board, "\"totals\":{",
	     "\"message_seconds\":{\"count\":6,\"sum_seconds\":100.000015,"
	     "\"p50_seconds\":0.000003,\"p90_seconds\":67.108864,");
	says(board,
	     "\"crashes\":[\n{\"at\":1699999940,\"worker\":1,\"pid\":4999,\"cause\":\"SIGSEGV\","
	     "\"signal\":11,",
	     "\"last_call\":\"recv\",\"age_seconds\":1.5,\"bytes_in\":0,");
	says(board, "\"penalties\":[\n{\"address\":\"2001:db8::/64\",\"crashes\":3,",
	     "\"left_seconds\":90}]");
	says(board, "\"moments\":[\n[1699999998,1,2,3,4],[1699999999,5,6,7,8]],",
	     "\"marks\":[\n{\"at\":1699999940,\"kind\":\"crash\",\"worker\":1}]}\n");
	free(board);
}

static void json__after_a_reload__says_what_moved(void **state)
{
	struct scoreboard *board = board_new();

	(void)state;
	scoreboard_end_request(&board->reload, NULL, 12, 4, 9812, 3);
	says(board, "\"last_reload\":{\"outcome\":\"ok\",",
	     "\"took_ms\":12,\"workers\":4,\"moved\":9812,\"staying\":3,\"message\":\"\"}");
	free(board);
}

static void json__has_every_row_of_the_metrics(void **state)
{
	struct scoreboard *board = board_typical();
	char name[80];

	(void)state;
	for (unsigned m = 0; m < METRIC_COUNT; m++) {
		snprintf(name, sizeof(name), "\"%s\":", metric_rows[m].name);
		if (metric_rows[m].scope == SCOPE_SERVER)
			says(board, "{\"server\":{", name);
		else
			says(board, "\"listeners\":[", name);
		if (metric_rows[m].scope == SCOPE_LISTENER || metric_rows[m].scope == SCOPE_WORKER)
			says(board, "\"totals\":{", name);
	}
	free(board);
}

static void json__in_small_pieces__has_the_same_bytes(void **state)
{
	struct scoreboard *board = board_typical();
	struct report report = board_report(board);
	char *whole = write_json(&report, 1 << 20);

	(void)state;
	for (size_t chunk = 6144; chunk < 6144 + 2048; chunk += 307) {
		char *pieces = write_json(&report, chunk);

		assert_string_equal(pieces, whole);
		free(pieces);
	}
	free(whole);
	free(board);
}

static void json__of_a_full_board__is_valid_in_pieces_of_bounded_length(void **state)
{
	struct scoreboard *board = board_full();
	struct report report = board_report(board);
	char *json = write_json(&report, PIECE_MOST);
	size_t longest = board_longest(&report, report_json, report_json_count);

	(void)state;
	must_be_json(json);
	if (longest > PIECE_MOST)
		fail_msg("a piece of %zu bytes", longest);
	free(json);
	free(board);
}

static void json__of_rubbish__is_valid(void **state)
{
	struct scoreboard *board = board_new();
	struct report report = board_report(board);

	(void)state;
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		char *json;

		board_spoil(board, seed);
		json = write_json(&report, PIECE_MOST);
		must_be_json(json);
		free(json);
	}
	free(board);
}

static void string__of_rubbish__ends_after_twice_its_length(void **state)
{
	char room[64] = "", rubbish[8];
	struct strbuf text = strbuf_on(room, sizeof(room) - 1);

	(void)state;
	memset(rubbish, 1, sizeof(rubbish));
	json_string(&text, "a", rubbish, sizeof(rubbish));
	assert_string_equal(room, "\"a\":\"\\u0001\\u0001\"");
	assert_false(text.is_cut);
	json_string(&text, "b", "x\"\n", 3);
	assert_string_equal(room, "\"a\":\"\\u0001\\u0001\",\"b\":\"x\\\"\\n\"");
	text = strbuf_on(room, 7);
	json_string(&text, "a", "xyz", 3);
	assert_true(text.is_cut);
}

static void checker__refuses_what_is_no_json(void **state)
{
	static const char *const wrong[] = { "",        "{",         "{}x",        "[1,]",
					     "{\"a\"}", "[01]",      "[1.]",       "[\"\t\"]",
					     "[nan]",   "[\"\\x\"]", "[\"\xff\"]", "{\"a\":1,}",
					     "[1 2]",   "[\"a]",     "[-]" };
	const char *at;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		assert_false(grammar_of_json(wrong[i], &at));
	must_be_json(" {\"a\" : [ 1.5e+3, -0, \"\\u00e9\\n\", true,{},[] ,null]} ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(json__of_an_empty_board__has_every_list),
		cmocka_unit_test(json__of_a_typical_board__says_what_is_there),
		cmocka_unit_test(json__after_a_reload__says_what_moved),
		cmocka_unit_test(json__has_every_row_of_the_metrics),
		cmocka_unit_test(json__in_small_pieces__has_the_same_bytes),
		cmocka_unit_test(json__of_a_full_board__is_valid_in_pieces_of_bounded_length),
		cmocka_unit_test(json__of_rubbish__is_valid),
		cmocka_unit_test(string__of_rubbish__ends_after_twice_its_length),
		cmocka_unit_test(checker__refuses_what_is_no_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
