/* SPDX-License-Identifier: MIT */
/*
 * Workers that die while they write their access log: the count of connections and the log agree. A
 * file that may not grow kills its writer (SIGXFSZ), at a known place.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "accesslog/accesslog.h"
#include "base/sys.h"
#include "unit/aftermath.h"
#include "unit/folder.h"
#include "unit/logbook.h"

enum { FILE_MOST = 20000 };

/* Shared, so that a worker that dies leaves its state to its successor. */
static struct served *s;

static int set_up(void **state)
{
	s = mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return s == MAP_FAILED ? -1 : logbook_set_up(state);
}

static int tear_down(void **state)
{
	munmap(s, sizeof(*s));
	return logbook_tear_down(state);
}

/* Does the work in a process that dies of its first write beyond the limit. */
static void die_in(void (*work)(void))
{
	struct rlimit limit = { FILE_MOST, FILE_MOST }, core = { 0, 0 };
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		signal(SIGXFSZ, SIG_DFL);
		setrlimit(RLIMIT_CORE, &core);
		setrlimit(RLIMIT_FSIZE, &limit);
		work();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGXFSZ);
	s->fd_count = 0; /* they were the child's own */
}

static void visit_for_ever(void)
{
	for (unsigned i = 0; i < 10000; i++)
		logbook_visit(s);
}

/* Every connection has ended, in the count and in the log. */
static void assert_all_told(unsigned connections)
{
	served_alarm(s, FLUSH_MS);
	assert_int_equal(served_metric(s, METRIC_connections_ended_total), connections);
	assert_int_equal(served_metric(s, METRIC_access_log_lines_total) +
				 served_metric(s, METRIC_access_log_lost_total),
			 connections);
	assert_int_equal(logbook_count(logbook_read(logbook_path), " ending="),
			 served_metric(s, METRIC_access_log_lines_total));
}

static void death__in_a_flush__has_nothing_in_hand_and_loses_nobody(void **state)
{
	struct recovery r;

	(void)state;
	logbook_open(logbook_path, LOG_TEXT);
	served_start(s, "ack", NULL);
	die_in(visit_for_ever);
	assert_int_equal(atomic_load(&head_of(s)->in_hand), 0);
	served_recover(s, &r);
	assert_counts(&r, 0, 0, 0);
	assert_all_told((unsigned)head_of(s)->conn_number);
	served_stop(s);
}

/* Logs more than a turn should write: the lines of the connection in hand use up the room. */
static void tell_of_many_requests(void)
{
	struct conn_request request = { .status = 200 };

	served_connect(s);
	pool_take_in_hand(&s->pool, 0);
	for (unsigned i = 0; i < 10000; i++)
		conn_log_request(served_view(s), &request);
}

static void death__with_the_connection_in_hand__tells_of_it_once(void **state)
{
	struct recovery r;

	(void)state;
	logbook_open(logbook_path, LOG_TEXT);
	served_start(s, "ack", NULL);
	die_in(tell_of_many_requests);
	served_recover(s, &r);
	assert_counts(&r, 0, 1, 0);
	served_alarm(s, FLUSH_MS);
	assert_int_equal(served_metric(s, METRIC_connections_ended_total), 1);
	assert_int_equal(
		logbook_count(logbook_read(logbook_path), " ending=worker_crash state=I-\n"), 1);
	served_stop(s);
}

/* Leaves room for one line, so that the second of the lost connections needs a write. */
static void fill_log(void)
{
	struct arena *arena = s->pool.arena;
	uint32_t end = ACCESSBUF_SIZE - ACCESSLINE_MOST;

	memset(arena->log, 'x', end);
	arena->log[end - 1] = '\n';
	atomic_store(&arena->head->log_span, end);
}

static void recover_and_die(void)
{
	const struct heritage heritage = { .conf = &s->conf,
					   .listeners = &s->set,
					   .peers = &s->slot,
					   .wires = &s->wire,
					   .peer_count = 1,
					   .arena = s->pool.arena,
					   .resumes = true };
	struct recovery r;

	accesslog_start(arena_log(s->pool.arena), &s->slot.tally, &s->loop);
	recovery_survey(&r, &heritage);
}

static void death__in_a_recovery__counts_as_many_as_it_tells_of(void **state)
{
	struct recovery r;
	int clients[3];

	(void)state;
	logbook_open(logbook_path, LOG_TEXT);
	served_start(s, "ack", NULL);
	for (unsigned i = 0; i < 3; i++) {
		clients[i] = served_connect(s);
		record(s, i)->index = 7;
	}
	fill_log();
	die_in(recover_and_die);
	assert_int_equal(served_metric(s, METRIC_connections_lost_total), 1);
	served_recover(s, &r);
	served_alarm(s, FLUSH_MS);
	assert_int_equal(served_metric(s, METRIC_connections_ended_total), 3);
	assert_int_equal(served_metric(s, METRIC_connections_lost_total), 3);
	assert_int_equal(logbook_count(logbook_read(logbook_path), " ending=recovery_damaged "), 3);
	for (unsigned i = 0; i < 3; i++)
		close(clients[i]);
	served_stop(s);
}

/* A connection without a record needs a line as well. */
static void arena__that_is_emptied__has_a_line_for_each_that_is_counted(void **state)
{
	struct recovery r;
	int client;

	(void)state;
	logbook_open(logbook_path, LOG_TEXT);
	served_start(s, "ack", NULL);
	client = served_connect(s);
	head_of(s)->magic = 0;
	s->opened++;
	served_recover(s, &r);
	assert_non_null(r.emptied);
	assert_int_equal(r.lost, 2);
	served_alarm(s, FLUSH_MS);
	logbook_read(logbook_path);
	assert_int_equal(logbook_count(logbook_text, " ending=worker_lost "), r.lost);
	assert_int_equal(logbook_count(logbook_text, " connection=1 listen=test "), 1);
	assert_int_equal(served_metric(s, METRIC_connections_ended_total), r.lost);
	close(client);
	served_stop(s);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(death__in_a_flush__has_nothing_in_hand_and_loses_nobody),
		CASE(death__with_the_connection_in_hand__tells_of_it_once),
		CASE(death__in_a_recovery__counts_as_many_as_it_tells_of),
		CASE(arena__that_is_emptied__has_a_line_for_each_that_is_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
