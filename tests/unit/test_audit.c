/* SPDX-License-Identifier: MIT */
/* The descriptors' kinds after a recovery: checked once, before the first service or soon after. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/sys.h"
#include "unit/aftermath.h"
#include "unit/paired.h"
#include "unit/ranged.h"
#include "worker/recovery/audit.h"

enum { NUMBER = 200 };

static int pipe_fds[2];
static int other_file; /* not the one that connections send */

static int open_others(void **state)
{
	(void)state;
	other_file = memfd_create("other", MFD_CLOEXEC);
	return other_file < 0 ? -1 : pipe2(pipe_fds, O_NONBLOCK | O_CLOEXEC);
}

static int close_others(void **state)
{
	(void)state;
	/* they were no connection's, and nobody else has closed them */
	assert_int_equal(fcntl(pipe_fds[0], F_GETFD), FD_CLOEXEC);
	assert_int_equal(fcntl(other_file, F_GETFD), FD_CLOEXEC);
	close(pipe_fds[0]);
	close(pipe_fds[1]);
	close(other_file);
	return 0;
}

static int get_pipe(void)
{
	return pipe_fds[0];
}

static int get_closed(void)
{
	int fd = dup(pipe_fds[0]);

	close(fd);
	return fd;
}

static int get_other_file(void)
{
	return other_file;
}

static int get_high(void)
{
	return NUMBER;
}

static int (*const kinds[])(void) = { get_pipe, get_closed };

enum { KINDS = sizeof(kinds) / sizeof(*kinds) };

static void assert_lost(struct served *s)
{
	assert_int_equal(s->pool.limit.total, 0);
	assert_int_equal(s->pool.audit.count, 0);
	assert_int_equal(served_metric(s, METRIC_connections_lost_total), 1);
	assert_int_equal(served_metric(s, METRIC_connections_ended_total), 1);
	assert_int_equal(s->slot.tally.connections_ended_total[CLOSE_recovery_damaged], 1);
	assert_int_equal(s->pool.records.count, s->pool.records.high);
	assert_int_equal(s->pool.bufs.count, s->pool.bufs.high);
}

/* Reports the connection as ready at the start of a turn. */
static void report(struct served *s, uint32_t index)
{
	loop_read_clock(&s->loop);
	s->loop.turn_us = s->loop.now_us;
	dispatch_ready(&s->pool, pool_tag(record(s, index)), EPOLLIN);
}

static void record__whose_descriptor_is_no_socket__is_found_in_a_slice(void **state)
{
	(void)state;
	for (size_t i = 0; i < KINDS; i++) {
		struct recovery r;
		struct served s;
		int client;

		served_start(&s, "echo", NULL);
		client = served_connect(&s);
		record(&s, 0)->fd = kinds[i]();
		served_recover(&s, &r);
		assert_counts(&r, 1, 0, 0);
		assert_int_equal(s.pool.audit.count, 1);
		dispatch_end_turn(&s.pool);
		assert_lost(&s);
		dispatch_end_turn(&s.pool);
		assert_lost(&s);
		close(client);
		served_stop(&s);
	}
}

static void record__whose_descriptor_is_no_socket__is_found_before_it_is_served(void **state)
{
	(void)state;
	for (size_t i = 0; i < KINDS; i++) {
		struct recovery r;
		struct served s;
		int client;

		served_start(&s, "echo", NULL);
		client = served_connect(&s);
		record(&s, 0)->fd = kinds[i]();
		served_recover(&s, &r);
		report(&s, 0);
		assert_lost(&s);
		dispatch_end_turn(&s.pool);
		assert_lost(&s);
		close(client);
		served_stop(&s);
	}
}

/*
 * Its number is given to a new connection before the check: that one, and only that one, goes on.
 */
static void record__whose_descriptor_is_used_again__is_found_at_once(void **state)
{
	struct recovery r;
	struct served s;
	int client, ends[2];

	(void)state;
	served_start(&s, "echo", NULL);
	client = served_connect(&s);
	record(&s, 0)->fd = NUMBER;
	served_recover(&s, &r);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends),
			 0);
	assert_int_equal(dup3(ends[0], NUMBER, O_CLOEXEC), NUMBER);
	close(ends[0]);
	served_accept(&s, NUMBER);
	assert_int_equal(record(&s, 0)->fd, -1);
	dispatch_end_turn(&s.pool);
	assert_int_equal(served_metric(&s, METRIC_connections_lost_total), 1);
	assert_int_equal(s.pool.audit.count, 0);
	assert_int_equal(s.pool.limit.total, 1);
	served_send(&s, ends[1], "text", 4);
	served_expect(&s, ends[1], "text", false);
	close(ends[1]);
	close(client);
	served_settle(&s);
	served_stop(&s);
}

static void start_range(struct served *s, struct ranged_download *d)
{
	ranged_start(s, RANGED_LARGE, MORE);
	*d = ranged_ask(s, served_connect(s));
	assert_true(record(s, 0)->file_left > 0);
}

static void recover_one(struct served *s)
{
	struct recovery r;

	served_recover(s, &r);
	assert_counts(&r, 1, 0, 0);
}

/* A download with a descriptor of that number as its file, in a new worker. */
static void start_damaged_range(struct served *s, struct ranged_download *d, int (*get_file)(void))
{
	start_range(s, d);
	record(s, 0)->file = get_file();
	recover_one(s);
}

static void end_damaged_range(struct served *s, struct ranged_download *d)
{
	free(d->got);
	close(d->client);
	served_settle(s);
	ranged_stop(s);
}

static void range__whose_file_is_none_or_another__is_lost(void **state)
{
	static int (*const files[])(void) = { get_pipe, get_closed, get_other_file };

	(void)state;
	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		struct ranged_download d;
		struct served s;

		start_damaged_range(&s, &d, files[i]);
		dispatch_end_turn(&s.pool);
		assert_lost(&s);
		end_damaged_range(&s, &d);
	}
}

/* No file has that id: zeros in the record do not switch the check off. */
static void range__whose_file_id_is_zero__is_lost(void **state)
{
	struct ranged_download d;
	struct served s;

	(void)state;
	start_range(&s, &d);
	record(&s, 0)->file = get_other_file();
	record(&s, 0)->file_id = 0;
	recover_one(&s);
	dispatch_end_turn(&s.pool);
	assert_lost(&s);
	end_damaged_range(&s, &d);
}

/* Its end closes no descriptor of the connection to which the number was given. */
static void range__whose_file_is_used_again__is_lost_alone(void **state)
{
	struct ranged_download d;
	struct served s;
	int ends[2];

	(void)state;
	start_damaged_range(&s, &d, get_high);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends),
			 0);
	assert_int_equal(dup3(ends[0], NUMBER, O_CLOEXEC), NUMBER);
	close(ends[0]);
	served_accept(&s, NUMBER);
	dispatch_end_turn(&s.pool);
	assert_int_equal(served_metric(&s, METRIC_connections_lost_total), 1);
	assert_int_equal(s.pool.limit.total, 1);
	assert_true(fcntl(NUMBER, F_GETFD) >= 0);
	close(ends[1]);
	end_damaged_range(&s, &d);
}

/* The service opens the file of another answer, which gets the number. */
static void range__whose_file_a_service_opens__is_lost_alone(void **state)
{
	struct ranged_download damaged, whole;
	struct served s;
	int ends[2], lowest;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends),
			 0);
	start_damaged_range(&s, &damaged, get_high);
	served_accept(&s, ends[0]);
	lowest = get_closed();
	record(&s, 0)->file = lowest;
	assert_int_equal(s.pool.audit.count, 1);
	assert_int_equal(send(ends[1], "x", 1, MSG_NOSIGNAL), 1);
	loop_turn(&s.loop, 0);
	assert_int_equal(record(&s, 1)->file, lowest);
	assert_int_equal(record(&s, 0)->file, -1);
	dispatch_end_turn(&s.pool);
	assert_int_equal(served_metric(&s, METRIC_connections_lost_total), 1);
	whole = damaged;
	whole.client = ends[1];
	whole.got = malloc(whole.size);
	ranged_finish(&whole);
	close(ends[1]);
	end_damaged_range(&s, &damaged);
}

/* The side that is served is not the damaged one. */
static void pair__with_a_descriptor_that_is_no_socket__is_found_and_counted_once(void **state)
{
	(void)state;
	for (size_t i = 0; i < KINDS; i++) {
		for (unsigned k = 0; k < 6; k++) {
			uint32_t damaged = k % 2, served = k / 2 % 2;
			struct recovery r;
			struct paired p;
			struct served s;

			paired_start(&s, NULL);
			p = paired_connect(&s);
			record(&s, damaged)->fd = kinds[i]();
			served_recover(&s, &r);
			assert_counts(&r, 1, 0, 0);
			assert_int_equal(s.pool.audit.count, 2);
			if (k < 4)
				report(&s, served);
			else
				dispatch_end_turn(&s.pool);
			assert_int_equal(s.pool.limit.total, 0);
			dispatch_end_turn(&s.pool);
			assert_lost(&s);
			served_expect(&s, damaged == 0 ? p.upstream : p.client, "", true);
			paired_close(&p);
			served_stop(&s);
		}
	}
}

static void connections__that_are_sound__pass_once(void **state)
{
	struct recovery r;
	struct paired p;
	struct served s;

	(void)state;
	paired_start(&s, NULL);
	p = paired_connect(&s);
	served_recover(&s, &r);
	assert_int_equal(s.pool.audit.count, 2);
	served_send(&s, p.client, "up", 2);
	served_expect(&s, p.upstream, "up", false);
	assert_int_equal(s.pool.audit.count, 0);
	assert_false(s.pool.audit.waits[0] || s.pool.audit.waits[1]);
	paired_close(&p);
	served_settle(&s);
	assert_nothing_left(&s, 0);
	served_stop(&s);
}

/* The record is free, or belongs to a later connection, before its turn has come. */
static void record__that_ended_before_its_check__is_not_lost(void **state)
{
	(void)state;
	for (unsigned again = 0; again < 2; again++) {
		struct recovery r;
		struct served s;
		int client;

		served_start(&s, "echo", NULL);
		client = served_connect(&s);
		served_recover(&s, &r);
		conn_end(&s.pool, record(&s, 0), CLOSE_made_room);
		close(client);
		client = again ? served_connect(&s) : -1;
		assert_int_equal(s.pool.audit.count, 0);
		dispatch_end_turn(&s.pool);
		assert_int_equal(s.pool.audit.count, 0);
		assert_int_equal(s.pool.limit.total, again);
		assert_int_equal(served_metric(&s, METRIC_connections_lost_total), 0);
		if (again)
			close(client);
		served_settle(&s);
		assert_nothing_left(&s, 0);
		served_stop(&s);
	}
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, open_others, close_others)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(record__whose_descriptor_is_no_socket__is_found_in_a_slice),
		CASE(record__whose_descriptor_is_no_socket__is_found_before_it_is_served),
		CASE(record__whose_descriptor_is_used_again__is_found_at_once),
		CASE(range__whose_file_is_none_or_another__is_lost),
		CASE(range__whose_file_id_is_zero__is_lost),
		CASE(range__whose_file_is_used_again__is_lost_alone),
		CASE(range__whose_file_a_service_opens__is_lost_alone),
		CASE(pair__with_a_descriptor_that_is_no_socket__is_found_and_counted_once),
		CASE(connections__that_are_sound__pass_once),
		CASE(record__that_ended_before_its_check__is_not_lost),
	};

	return cmocka_run_group_tests(tests, ranged_make_file, ranged_free_file);
}
