/* SPDX-License-Identifier: MIT */
/* The access log when a worker dies, when a file or pipe takes no lines, and at the end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "accesslog/accesslog.h"
#include "base/sys.h"
#include "unit/aftermath.h"
#include "unit/folder.h"
#include "unit/logbook.h"
#include "worker/recovery/record_check.h"

static void lines__of_a_dead_worker__are_written_by_the_next(void **state)
{
	struct recovery r;
	struct served s;

	(void)state;
	logbook_open(logbook_path, LOG_TEXT);
	served_start(&s, "ack", NULL);
	logbook_visit(&s);
	s.fd_count = 0;
	served_recover(&s, &r);
	logbook_visit(&s);
	served_alarm(&s, FLUSH_MS);
	logbook_read(logbook_path);
	assert_int_equal(logbook_count(logbook_text, "\n"), 2);
	assert_int_equal(logbook_count(logbook_text, " connection=1 "), 1);
	assert_int_equal(logbook_count(logbook_text, " connection=2 "), 1);
	served_stop(&s);
}

static void connection__in_hand_at_the_death__has_its_line(void **state)
{
	struct recovery r;
	struct served s;
	int client;

	(void)state;
	logbook_open(logbook_path, LOG_TEXT);
	served_start(&s, "ack", "framing", "line", NULL);
	client = served_connect(&s);
	served_send(&s, client, "half", 4);
	pool_take_in_hand(&s.pool, 0);
	served_recover(&s, &r);
	assert_counts(&r, 0, 1, 0);
	logbook_expect(&s, " service=ack remote=unix: bytes_in=4 ",
		       " ending=worker_crash state=IR\n", NULL);
	close(client);
	served_stop(&s);
}

static void record__that_is_damaged__is_told_as_far_as_it_can_be(void **state)
{
	struct recovery r;
	struct served s;
	int client;

	(void)state;
	logbook_open(logbook_path, LOG_TEXT);
	served_start(&s, "ack", NULL);
	client = served_connect(&s);
	memset(record(&s, 0), 0xa5, s.pool.arena->record_stride);
	served_recover(&s, &r);
	assert_counts(&r, 0, 0, 1);
	logbook_expect(&s, " listen=unknown service=unknown remote=unknown bytes_in=0 ",
		       " ending=recovery_damaged state=I-\n", NULL);
	close(client);
	served_stop(&s);
}

/*
 * Recovery reads nothing beyond the buffer and no half line, whatever a worker has written there.
 */
static void span__that_is_damaged__is_not_believed(void **state)
{
	static const uint64_t spans[] = { UINT64_MAX, (uint64_t)ACCESSBUF_SIZE + 1,
					  UINT64_C(200) << 32 | 100, UINT64_C(1) << 32,
					  ACCESSBUF_SIZE };

	(void)state;
	for (size_t i = 0; i < sizeof(spans) / sizeof(*spans); i++) {
		struct recovery r;
		struct served s;

		unlink(logbook_path);
		logbook_open(logbook_path, LOG_TEXT);
		served_start(&s, "ack", NULL);
		memset(s.pool.arena->log, 'x', ACCESSBUF_SIZE);
		atomic_store(&head_of(&s)->log_span, spans[i]);
		served_recover(&s, &r);
		logbook_visit(&s);
		logbook_expect(&s, " ending=client_closed ", NULL);
		assert_int_equal(logbook_text[0], 't');
		served_stop(&s);
	}
}

static void half_line__of_a_dead_worker__is_cut_off(void **state)
{
	static const char whole[] = "a whole line\n", half[] = "half a l";
	struct recovery r;
	struct served s;

	(void)state;
	logbook_open(logbook_path, LOG_TEXT);
	served_start(&s, "ack", NULL);
	snprintf(s.pool.arena->log, ACCESSBUF_SIZE, "%s%s", whole, half);
	atomic_store(&head_of(&s)->log_span, sizeof(whole) + sizeof(half) - 2);
	served_recover(&s, &r);
	served_alarm(&s, FLUSH_MS);
	assert_string_equal(logbook_read(logbook_path), whole);
	served_stop(&s);
}

static void pipe__that_nobody_reads__blocks_nobody(void **state)
{
	struct served s;
	unsigned lines = 0;
	int reader;

	(void)state;
	assert_int_equal(mkfifo(logbook_path, 0600), 0);
	reader = open(logbook_path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	logbook_open(logbook_path, LOG_TEXT);
	served_start(&s, "ack", NULL);
	for (unsigned i = 0; i < 2000; i++)
		logbook_visit(&s);
	assert_true(served_metric(&s, METRIC_access_log_lost_total) > 0);
	assert_int_equal(logbook_count(logbook_read(logbook_events), " access_log_failed "), 1);
	for (unsigned i = 0; i < 100; i++) {
		ssize_t n = read(reader, logbook_text, sizeof(logbook_text) - 1);

		logbook_text[n > 0 ? n : 0] = '\0';
		lines += logbook_count(logbook_text, "\n");
		assert_true(n <= 0 || logbook_text[n - 1] == '\n');
		served_alarm(&s, FLUSH_MS);
	}
	assert_int_equal(lines, served_metric(&s, METRIC_access_log_lines_total));
	assert_int_equal(lines + served_metric(&s, METRIC_access_log_lost_total), 2000);
	logbook_visit(&s);
	served_alarm(&s, FLUSH_MS);
	served_alarm(&s, FLUSH_MS);
	assert_int_equal(logbook_count(logbook_read(logbook_events), " access_log_resumed "), 1);
	close(reader);
	served_stop(&s);
}

static void full_disk__is_counted_and_said_once(void **state)
{
	struct served s;

	(void)state;
	logbook_open("/dev/full", LOG_TEXT);
	served_start(&s, "ack", NULL);
	for (unsigned i = 0; i < 2000; i++)
		logbook_visit(&s);
	served_alarm(&s, FLUSH_MS);
	served_alarm(&s, FLUSH_MS);
	assert_int_equal(logbook_count(logbook_read(logbook_events), " access_log_failed "), 1);
	assert_non_null(strstr(logbook_text, "No space left on device"));
	assert_int_equal(served_metric(&s, METRIC_access_log_lines_total), 0);
	assert_true(served_metric(&s, METRIC_access_log_lost_total) > 1000);
	assert_true(served_metric(&s, METRIC_access_log_failures_total) >= 2);
	served_stop(&s);
}

static void file__that_is_gone__is_said_once_until_it_is_made_anew(void **state)
{
	struct served s;
	struct err err;

	(void)state;
	logbook_open(logbook_path, LOG_TEXT);
	served_start(&s, "ack", NULL);
	unlink(logbook_path);
	for (unsigned i = 0; i < 3; i++) {
		logbook_visit(&s);
		served_alarm(&s, FLUSH_MS);
	}
	assert_lines(&s, 0, 3, 1);
	assert_int_equal(logbook_count(logbook_read(logbook_events), " access_log_failed "), 1);
	assert_true(accesslog_reopen(true, &err));
	logbook_visit(&s);
	served_alarm(&s, FLUSH_MS);
	served_alarm(&s, FLUSH_MS);
	assert_lines(&s, 1, 3, 1);
	assert_int_equal(logbook_count(logbook_read(logbook_events), " access_log_resumed "), 1);
	assert_non_null(strstr(logbook_text, "lost=3"));
	assert_int_equal(logbook_count(logbook_read(logbook_path), "\n"), 1);
	served_stop(&s);
}

static void rest__of_a_worker_without_a_successor__is_written(void **state)
{
	struct worker_tally tally = { 0 };
	struct conf conf;
	struct served s;
	int client;

	(void)state;
	logbook_open(logbook_path, LOG_TEXT);
	served_start(&s, "ack", NULL);
	logbook_visit(&s);
	client = served_connect(&s);
	conf = s.conf;
	conf.log_access = logbook_path;
	conf.listeners = &s.listen_conf;
	conf.listener_count = 1;
	record_check_log_lost(s.pool.arena, &conf, (uid_t)-1, 5, 7, 1, &tally);
	logbook_read(logbook_path);
	assert_int_equal(logbook_count(logbook_text, "\n"), 2);
	assert_non_null(strstr(logbook_text, " worker=0 generation=3 connection=1 "));
	assert_non_null(strstr(logbook_text,
			       " worker=0 generation=3 connection=2 listen=test service=ack "));
	assert_non_null(strstr(logbook_text, " ending=worker_lost state=I-\n"));
	assert_int_equal(cell_get(&tally.access_log_lines_total), 2);
	record_check_log_lost(s.pool.arena, &conf, (uid_t)-1, 5, 7, 0, &tally);
	assert_int_equal(logbook_count(logbook_read(logbook_path), "\n"), 2);
	record(&s, 0)->magic = RECORD_MAGIC;
	close(client);
	served_stop(&s);
}

/* The master's own file may be that of another configuration, and the arena may hold anything. */
static void rest__of_a_damaged_arena__goes_to_its_own_file(void **state)
{
	struct worker_tally tally = { 0 };
	struct conf conf = { .worker_connections = 4, .log_access = logbook_path };
	struct arena *arena;

	(void)state;
	logbook_open("/dev/null", LOG_TEXT);
	for (unsigned byte = 0; byte < 256; byte += 5) {
		arena = arena_new(&conf, NULL);
		memset(arena->head, (int)byte, sizeof(*arena->head));
		memset(arena->log, '\n', ACCESSBUF_SIZE);
		memset(arena->records, 0xff - (int)byte, arena->conn_most * arena->record_stride);
		record_check_log_lost(arena, &conf, (uid_t)-1, 1, 0, 0, &tally);
		arena_free(arena);
	}
	assert_string_equal(logbook_read(logbook_path), "");
	arena = arena_new(&conf, NULL);
	arena->log[0] = '\n';
	atomic_store(&arena->head->log_span, 1);
	record_check_log_lost(arena, &conf, (uid_t)-1, 1, 0, 0, &tally);
	arena_free(arena);
	assert_string_equal(logbook_read(logbook_path), "\n");
}

/* Each counted connection has a line: with more records than that, or with fewer. */
static void rest__has_a_line_for_each_that_is_counted(void **state)
{
	struct worker_tally tally = { 0 };
	struct conf conf = { .worker_connections = 4, .log_access = logbook_path };
	struct arena *arena;

	(void)state;
	logbook_open("/dev/null", LOG_TEXT);
	for (unsigned lost = 0; lost < 9; lost++) {
		unlink(logbook_path);
		arena = arena_new(&conf, NULL);
		arena->head->record_high = UINT32_MAX;
		for (uint32_t i = 0; i < 3; i++)
			arena_record(arena, i)->magic = RECORD_MAGIC;
		record_check_log_lost(arena, &conf, (uid_t)-1, 1, 0, lost, &tally);
		arena_free(arena);
		logbook_read(logbook_path);
		assert_int_equal(logbook_count(logbook_text, " ending=worker_lost "), lost);
	}
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, logbook_set_up, logbook_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(lines__of_a_dead_worker__are_written_by_the_next),
		CASE(connection__in_hand_at_the_death__has_its_line),
		CASE(record__that_is_damaged__is_told_as_far_as_it_can_be),
		CASE(span__that_is_damaged__is_not_believed),
		CASE(half_line__of_a_dead_worker__is_cut_off),
		CASE(pipe__that_nobody_reads__blocks_nobody),
		CASE(full_disk__is_counted_and_said_once),
		CASE(file__that_is_gone__is_said_once_until_it_is_made_anew),
		CASE(rest__of_a_worker_without_a_successor__is_written),
		CASE(rest__of_a_damaged_arena__goes_to_its_own_file),
		CASE(rest__has_a_line_for_each_that_is_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
