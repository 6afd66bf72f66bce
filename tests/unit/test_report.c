/* SPDX-License-Identifier: MIT */
/* Tests of stats/report, report_worker and tally: the report on a board. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stats/scoreboard.h"
#include "unit/board.h"

static struct scoreboard *board;
static struct report report;

static int set_up(void **state)
{
	(void)state;
	board = board_typical();
	report = board_report(board);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	free(board);
	return 0;
}

static void worker__in_an_empty_slot__is_nobody(void **state)
{
	struct report_worker worker;

	(void)state;
	assert_false(report_worker(&report, 3, &worker));
	assert_false(report_worker(&report, SCOREBOARD_SLOTS - 1, &worker));
}

static void worker__tells_its_life_and_its_numbers_past(void **state)
{
	struct report_worker worker;

	(void)state;
	assert_true(report_worker(&report, 1, &worker));
	assert_int_equal(worker.number, 1);
	assert_int_equal(worker.pid, 5001);
	assert_int_equal(worker.age_s, 60);
	assert_int_equal(worker.silent_ms, 5);
	assert_int_equal(worker.live, 1);
	assert_int_equal(worker.tally.worker_crashes_total, 1);
	assert_int_equal(worker.tally.listeners[1].messages_total, 11);
	assert_string_equal(worker.last_exit, "signal 11 (SEGV), 1m ago");
	assert_string_equal(report_state_name(worker.state), "ready");
	assert_true(report_worker(&report, 0, &worker));
	assert_string_equal(worker.last_exit, "");
	assert_int_equal(worker.exited_s, 0);
}

static void exit__by_code__tells_it_in_the_largest_unit(void **state)
{
	static const struct {
		int64_t ago_s;
		int status;
		const char *text;
	} rows[] = {
		{ 0, 1 << 8, "exit code 1, 0s ago" },
		{ 59, 0, "exit code 0, 59s ago" },
		{ 7199, 100 << 8, "exit code 100, 1h ago" },
		{ 90000, 9, "signal 9 (KILL), 1d ago" },
		{ 1, 64, "signal 64, 1s ago" },
	};
	struct report_worker worker;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		board->past[0].exited_s = report.now_s - rows[i].ago_s;
		board->past[0].exit_status = (uint32_t)rows[i].status;
		assert_true(report_worker(&report, 0, &worker));
		assert_string_equal(worker.last_exit, rows[i].text);
	}
}

static void worker__whose_number_has_a_newer_one__is_former(void **state)
{
	struct report_worker worker;

	(void)state;
	board_live(board, 700, 0, SLOT_READY);
	board->infos[700].generation = 2;
	assert_true(report_worker(&report, 0, &worker));
	assert_true(worker.is_former);
	assert_true(report_worker(&report, 700, &worker));
	assert_false(worker.is_former);
	assert_int_equal(worker.tally.listeners[0].messages_total, 10);
}

static void worker__with_rubbish_in_its_slot__is_told_with_care(void **state)
{
	struct report_worker worker;

	(void)state;
	board->slots[0].state = 77;
	board->infos[0].number = UINT32_MAX;
	board->infos[0].started_ms = INT64_MIN;
	board->slots[0].heartbeat_ms = INT64_MAX;
	assert_true(report_worker(&report, 0, &worker));
	assert_string_equal(report_state_name(worker.state), "unknown");
	assert_int_equal(worker.age_s, 0);
	assert_int_equal(worker.silent_ms, 0);
	assert_string_equal(worker.last_exit, "");
	assert_int_equal(worker.tally.listeners[0].messages_total, 10);
}

static void conns__are_the_oldest_first(void **state)
{
	struct report_conn conns[SLOT_NOTES];

	(void)state;
	assert_int_equal(report_conns(&report, 2, conns, SLOT_NOTES), 2);
	assert_string_equal(conns[0].remote, "192.0.2.1:40001");
	assert_int_equal(conns[0].age_ms, 2000);
	assert_int_equal(conns[1].age_ms, 1000);
	assert_int_equal(conns[1].idle_ms, 250);
	assert_string_equal(conns[1].state, "open");
	assert_string_equal(conns[1].listen, "127.0.0.1:80");
	assert_int_equal(report_conns(&report, 2, conns, 1), 1);
	assert_string_equal(conns[0].remote, "192.0.2.1:40001");
}

static void conns__half_written_or_of_no_listener__are_left_out_or_unnamed(void **state)
{
	struct report_conn conns[SLOT_NOTES];
	struct conn_notes *notes = &board->slots[2].notes;

	(void)state;
	notes->seq = 1;
	assert_int_equal(report_conns(&report, 2, conns, SLOT_NOTES), 0);
	notes->seq = 2;
	notes->count = SLOT_NOTES + 1;
	assert_int_equal(report_conns(&report, 2, conns, SLOT_NOTES), 0);
	notes->count = 2;
	notes->list[0].listener = notes->list[1].listener = METRIC_LISTENERS;
	notes->list[0].state = 200;
	notes->list[1].remote.family = AF_UNIX;
	assert_int_equal(report_conns(&report, 2, conns, SLOT_NOTES), 2);
	assert_string_equal(conns[0].listen, "");
	assert_string_equal(conns[0].remote, "unix:");
	assert_string_equal(conns[1].state, "unknown");
}

static void listener__sums_over_all_workers(void **state)
{
	struct report_listener listener;

	(void)state;
	assert_true(report_listener(&report, 0, &listener));
	assert_int_equal(listener.tally.messages_total, 22);
	assert_false(listener.is_gone);
	board->past[200].tally.listeners[0].messages_total = 5;
	board->listeners[0].life = LISTENER_GONE;
	assert_true(report_listener(&report, 0, &listener));
	assert_int_equal(listener.tally.messages_total, 27);
	assert_true(listener.is_gone);
	assert_true(report_listener(&report, 1, &listener));
	assert_int_equal(listener.queue.accept_queue_length, 9);
	assert_false(report_listener(&report, 2, &listener));
}

static void past__is_read_from_the_newest_on(void **state)
{
	struct crash_note crash;
	struct moment moment;
	struct mark mark;

	(void)state;
	assert_true(report_crash(&report, 0, &crash));
	assert_int_equal(crash.pid, 4999);
	assert_false(report_crash(&report, 1, &crash));
	assert_true(report_moment(&report, 0, &moment));
	assert_int_equal(moment.messages, 8);
	assert_true(report_moment(&report, 1, &moment));
	assert_int_equal(moment.messages, 4);
	assert_false(report_moment(&report, 2, &moment));
	assert_true(report_mark(&report, 0, &mark));
	assert_string_equal(report_mark_name(mark.kind), "crash");
	assert_string_equal(report_mark_name(99), "unknown");
}

static void past__of_a_full_ring__leaves_out_the_place_that_is_written_next(void **state)
{
	struct crash_note crash;

	(void)state;
	board->crash_count = SCOREBOARD_CRASHES + 3;
	memset(board->crash_notes, 'x', sizeof(board->crash_notes));
	for (unsigned i = 0; i < SCOREBOARD_CRASHES; i++)
		board->crash_notes[i].pid = i;
	for (unsigned back = 0; back < SCOREBOARD_CRASHES - 1; back++) {
		assert_true(report_crash(&report, back, &crash));
		assert_int_equal(crash.pid, (2 - back + SCOREBOARD_CRASHES) % SCOREBOARD_CRASHES);
		assert_int_equal(strlen(crash.last_call), sizeof(crash.last_call) - 1);
	}
	assert_false(report_crash(&report, SCOREBOARD_CRASHES - 1, &crash));
}

static void penalty__is_told_while_it_lasts(void **state)
{
	struct report_ban ban;

	(void)state;
	assert_true(report_ban(&report, 3, &ban));
	assert_string_equal(ban.net, "2001:db8::/64");
	assert_int_equal(ban.left_ms, 90000);
	assert_false(report_ban(&report, 2, &ban));
	report.now_ms += 90000;
	assert_false(report_ban(&report, 3, &ban));
}

static void reload__has_an_outcome_once_there_was_one(void **state)
{
	struct outcome outcome;

	(void)state;
	assert_string_equal(report_reload(&report, &outcome), "none");
	assert_int_equal(outcome.at_s, 0);
	scoreboard_begin_request(&board->reload);
	scoreboard_end_request(&board->reload, "no such file", 12, 3, 0, 0);
	assert_string_equal(report_reload(&report, &outcome), "failed");
	assert_string_equal(outcome.message, "no such file");
	scoreboard_begin_request(&board->reload);
	scoreboard_end_request(&board->reload, NULL, 12, 3, 9812, 3);
	assert_string_equal(report_reload(&report, &outcome), "ok");
}

static void state__follows_the_master(void **state)
{
	(void)state;
	assert_string_equal(report_state(&report), "serving");
	assert_int_equal(report_lame_duck_ms(&report), -1);
	board->stop_due_ms = 1;
	board->lame_duck_until_ms = report.now_ms + 1500;
	assert_string_equal(report_state(&report), "lame_duck");
	assert_int_equal(report_lame_duck_ms(&report), 1500);
	board->lame_duck_until_ms = 1;
	assert_int_equal(report_lame_duck_ms(&report), 0);
	board->lame_duck_until_ms = 0;
	assert_string_equal(report_state(&report), "stopping");
	report.is_alive = false;
	assert_string_equal(report_state(&report), "dead");
}

static void quantile__is_the_bound_of_its_bucket(void **state)
{
	struct histogram h = { 0 };

	(void)state;
	assert_int_equal(report_quantile_us(&h, 0.5), -1);
	histogram_add(&h, 100, 99);
	assert_int_equal(report_quantile_us(&h, 0.5), 128);
	assert_int_equal(report_quantile_us(&h, 0), 128);
	histogram_add(&h, 5000000, 1);
	assert_int_equal(report_quantile_us(&h, 0.99), 128);
	assert_int_equal(report_quantile_us(&h, 1), 6291456);
	histogram_add(&h, UINT64_C(1) << 40, 1);
	assert_int_equal(report_quantile_us(&h, 1), 1 << 26);
}

static void says(enum metric metric, uint64_t value, const char *wanted)
{
	char room[64] = "";
	struct strbuf text = strbuf_on(room, sizeof(room) - 1);

	report_value(&text, &metric_rows[metric], value);
	assert_string_equal(room, wanted);
}

static void value__is_in_the_base_unit(void **state)
{
	(void)state;
	says(METRIC_accept_paused_seconds_total, 1500000, "1.5");
	says(METRIC_balance_ratio, 1000001, "1.000001");
	says(METRIC_bytes_in_total, UINT64_MAX, "18446744073709551615");
	says(METRIC_connections_live, (uint64_t)-1, "0");
}

static void one_byte(const struct report *r, unsigned index, bool has_before, struct strbuf *text)
{
	(void)r;
	if (index % 2 == 0)
		strbuf_raw(text, has_before ? ",12345" : "12345");
}

static void pieces__that_do_not_fit__wait_for_the_next_text(void **state)
{
	static const struct piece parts[] = { { .most = 5, .write = one_byte },
					      { .most = 0, .write = one_byte },
					      { .most = 1, .write = one_byte } };
	struct piece_cursor at = { 0 };
	char room[12];
	struct strbuf text = strbuf_on(room, sizeof(room));

	(void)state;
	assert_false(report_pieces(&report, parts, 3, &at, &text));
	assert_int_equal(text.used, 11);
	assert_memory_equal(room, "12345,12345", 11);
	assert_false(text.is_cut);
	assert_false(report_pieces(&report, parts, 3, &at, &text));
	assert_int_equal(text.used, 11);
	text.used = 0;
	assert_true(report_pieces(&report, parts, 3, &at, &text));
	assert_memory_equal(room, ",1234512345", 11);
	text.used = 0;
	assert_true(report_pieces(&report, parts, 3, &at, &text));
	assert_int_equal(text.used, 0);
}

static unsigned times_written;

static void count_one(const struct report *r, unsigned index, bool has_before, struct strbuf *text)
{
	(void)r;
	(void)index;
	(void)has_before;
	(void)text;
	times_written++;
}

/* Of 256 numbers, those that no worker ever had cost nothing. */
static void pieces__by_worker__end_with_the_last_one_that_lived(void **state)
{
	static const struct piece parts[] = { { 1 + 256 * 8, count_one, .of_worker = 8 } };
	struct piece_cursor at = { 0 };
	char room[12];
	struct strbuf text = strbuf_on(room, sizeof(room));
	struct tally crew;

	(void)state;
	tally_look(&crew, board);
	times_written = 0;
	assert_true(report_pieces(&report, parts, 1, &at, &text));
	assert_in_range(crew.numbers, 1, 255);
	assert_int_equal(times_written, 1 + crew.numbers * 8);
	assert_true(crew.has_lived[crew.numbers - 1]);
}

static void crew__after_a_worker_has_gone__counts_it_once(void **state)
{
	struct worker_tally tally;
	struct tally crew;

	(void)state;
	tally_look(&crew, board);
	assert_int_equal(crew.count, 3);
	scoreboard_fold(board, &board->slots[0], 0);
	board->infos[0].is_taken = 0;
	tally_worker(&crew, board, 0, &tally);
	assert_int_equal(metric_sum(&tally, METRIC_messages_total), 10);
	board_live(board, 0, 8, SLOT_READY)->tally.listeners[0].messages_total = 100;
	tally_worker(&crew, board, 0, &tally);
	assert_int_equal(metric_sum(&tally, METRIC_messages_total), 10);
	tally_all(&crew, board, &tally);
	assert_int_equal(metric_sum(&tally, METRIC_messages_total), 133);
	tally_look(&crew, board);
	assert_true(crew.has_lived[0]);
	assert_true(crew.has_lived[8]);
	assert_false(crew.has_lived[9]);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(worker__in_an_empty_slot__is_nobody),
		CASE(worker__tells_its_life_and_its_numbers_past),
		CASE(exit__by_code__tells_it_in_the_largest_unit),
		CASE(worker__whose_number_has_a_newer_one__is_former),
		CASE(worker__with_rubbish_in_its_slot__is_told_with_care),
		CASE(conns__are_the_oldest_first),
		CASE(conns__half_written_or_of_no_listener__are_left_out_or_unnamed),
		CASE(listener__sums_over_all_workers),
		CASE(past__is_read_from_the_newest_on),
		CASE(past__of_a_full_ring__leaves_out_the_place_that_is_written_next),
		CASE(penalty__is_told_while_it_lasts),
		CASE(reload__has_an_outcome_once_there_was_one),
		CASE(state__follows_the_master),
		CASE(quantile__is_the_bound_of_its_bucket),
		CASE(value__is_in_the_base_unit),
		CASE(pieces__that_do_not_fit__wait_for_the_next_text),
		CASE(pieces__by_worker__end_with_the_last_one_that_lived),
		CASE(crew__after_a_worker_has_gone__counts_it_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
