/* SPDX-License-Identifier: MIT */
/* File ranges behind bytes: sent whole, or cut by a file that shrinks. */
#include <linux/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/sys.h"
#include "unit/aftermath.h"
#include "unit/logbook.h"
#include "unit/paired.h"
#include "unit/ranged.h"

enum { SMALL = 1000 };

static void range__small_and_large__comes_whole_behind_its_header(void **state)
{
	static const size_t lengths[] = { 1, SMALL, RANGED_LARGE };

	(void)state;
	for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
		struct served s;
		struct ranged_download d;
		int client;
		unsigned fds;

		ranged_start(&s, lengths[i], MORE);
		client = served_connect(&s);
		fds = ranged_fds();
		for (unsigned n = 0; n < 2; n++) {
			d = ranged_ask(&s, client);
			ranged_finish(&d);
			assert_int_equal(ranged_fds(), fds); /* each range's descriptor is closed */
			assert_int_equal(record(&s, 0)->file, 0);
			assert_true(s.pool.bufs.high <= 2);
		}
		assert_int_equal(served_metric(&s, METRIC_bytes_out_total), 2 * d.size);
		close(client);
		served_settle(&s);
		ranged_assert_ended(&s, CLOSE_client_closed);
		ranged_stop(&s);
	}
}

/* Both requests are read before the first answer has gone out. */
static void request__behind_the_first__is_answered_after_its_range(void **state)
{
	struct ranged_download first, second;
	struct served s;
	int client;

	(void)state;
	ranged_start(&s, RANGED_LARGE, MORE);
	client = served_connect(&s);
	assert_int_equal(send(client, "x", 1, 0), 1);
	first = ranged_ask(&s, client);
	second = first;
	ranged_finish(&first);
	second.got = malloc(second.size);
	ranged_finish(&second);
	shutdown(client, SHUT_WR);
	served_expect(&s, client, "", true);
	ranged_assert_ended(&s, CLOSE_client_closed);
	close(client);
	ranged_stop(&s);
}

static void finish__with_a_range__sends_all_of_it(void **state)
{
	struct ranged_download d;
	struct served s;
	int client;

	(void)state;
	ranged_start(&s, RANGED_LARGE, FINISH);
	client = served_connect(&s);
	d = ranged_ask(&s, client);
	ranged_finish(&d);
	served_expect(&s, client, "", true);
	ranged_assert_ended(&s, CLOSE_service_finished);
	close(client);
	ranged_stop(&s);
}

static void file__that_shrinks__ends_it_without_a_further_byte(void **state)
{
	static const off_t lengths[] = { RANGED_OFFSET + RANGED_LARGE / 2, 0 };

	(void)state;
	logbook_set_up(state);
	for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
		struct ranged_download d;
		struct served s;
		struct err err;
		unsigned fds;
		int client;

		assert_true(log_open(logbook_events, LEVEL_DEBUG, LOG_TEXT, (uid_t)-1, &err));
		ranged_start(&s, RANGED_LARGE, MORE);
		fds = ranged_fds();
		client = served_connect(&s);
		assert_int_equal(send(client, "xx", 2, 0), 2);
		d = ranged_ask(&s, client);
		assert_int_equal(ftruncate(ranged.file, lengths[i]), 0);
		while (s.pool.limit.total > 0)
			ranged_receive(&d);
		for (ssize_t n; (n = recv(client, d.got + d.in, d.size - d.in, 0)) > 0;)
			d.in += (size_t)n;
		assert_true(d.in < d.size);
		assert_memory_equal(d.got + sizeof(RANGED_HEADER) - 1,
				    ranged_content + RANGED_OFFSET,
				    d.in - (sizeof(RANGED_HEADER) - 1));
		ranged_assert_ended(&s, CLOSE_file_shrank);
		assert_non_null(strstr(logbook_read(logbook_events), " ending=file_shrank"));
		close(client);
		assert_int_equal(ranged_fds(), fds);
		free(d.got);
		ranged_stop(&s);
	}
	logbook_tear_down(state);
}

/* Another process that has the socket may have made it blocking. */
static void socket__that_moved_and_blocks__does_not_block_the_worker(void **state)
{
	enum { BOUND_S = 20 };
	struct ranged_download d;
	struct served s;
	int client;

	(void)state;
	ranged_start(&s, 16 * RANGED_SLOW, MORE);
	client = served_connect(&s);
	record(&s, 0)->has_moved = record(&s, 0)->is_inet = true;
	assert_int_equal(fcntl(record(&s, 0)->fd, F_SETFL, 0), 0);
	setsockopt(record(&s, 0)->fd, SOL_SOCKET, SO_SNDBUF, &(int){ RANGED_SLOW }, sizeof(int));
	alarm(BOUND_S);
	d = ranged_ask(&s, client);
	ranged_finish(&d);
	alarm(0);
	close(client);
	served_settle(&s);
	ranged_assert_ended(&s, CLOSE_client_closed);
	ranged_stop(&s);
}

static unsigned count_segments(int fd)
{
	struct tcp_info info = { 0 };
	socklen_t len = sizeof(info);

	assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len), 0);
	return info.tcpi_data_segs_in;
}

static void header__and_the_start_of_the_file__are_one_segment(void **state)
{
	struct served s;
	struct ranged_download d;
	unsigned before;
	int ends[2];

	(void)state;
	ranged_start(&s, SMALL, MORE);
	paired_tcp(ends);
	served_accept(&s, ends[0]);
	for (unsigned i = 0; i < 3; i++) {
		before = count_segments(ends[1]);
		d = ranged_ask(&s, ends[1]);
		ranged_finish(&d);
		assert_int_equal(count_segments(ends[1]), before + 1);
	}
	close(ends[1]);
	served_settle(&s);
	ranged_assert_ended(&s, CLOSE_client_closed);
	ranged_stop(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(range__small_and_large__comes_whole_behind_its_header),
		cmocka_unit_test(request__behind_the_first__is_answered_after_its_range),
		cmocka_unit_test(finish__with_a_range__sends_all_of_it),
		cmocka_unit_test(file__that_shrinks__ends_it_without_a_further_byte),
		cmocka_unit_test(header__and_the_start_of_the_file__are_one_segment),
		cmocka_unit_test(socket__that_moved_and_blocks__does_not_block_the_worker),
	};

	return cmocka_run_group_tests(tests, ranged_make_file, ranged_free_file);
}
