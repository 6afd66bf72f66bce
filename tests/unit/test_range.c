/* SPDX-License-Identifier: MIT */
/* File ranges behind bytes: sent whole, cut by a file that shrinks, and kept over a crash. */
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
#include "unit/own_service.h"
#include "unit/paired.h"

enum { SMALL = 1000, LARGE = 8 << 20, SLOW = 50000, OFFSET = 77, FDS_MOST = 256 };

static const char header[] = "header of the answer\n";

/* Set by each test: the file, and what a byte of input asks for. */
static struct {
	struct served *s;
	int file;
	size_t length;
	enum verdict verdict;
} ask;

static enum verdict answer(struct conn *c)
{
	if (conn_in_ended(c))
		return FINISH;
	if (buf_used(&c->in) == 0)
		return MORE;
	buf_drop(&c->in, 1);
	buf_put(&c->out, header, sizeof(header) - 1);
	conn_send_file(c, served_own(ask.s, fcntl(ask.file, F_DUPFD_CLOEXEC, 0)), OFFSET,
		       ask.length);
	return ask.verdict;
}

static const struct service ranger = { .name = "ranger", .input = answer };

static char *content; /* of the file */

static int make_file(void **state)
{
	(void)state;
	content = malloc(OFFSET + LARGE);
	for (size_t i = 0; i < OFFSET + LARGE; i++)
		content[i] = (char)(i * 2654435761U >> 24);
	return 0;
}

static int free_file(void **state)
{
	(void)state;
	free(content);
	return 0;
}

static unsigned count_fds(void)
{
	unsigned count = 0;

	for (int fd = 0; fd < FDS_MOST; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

static void start(struct served *s, size_t length, enum verdict verdict)
{
	ask.s = s;
	ask.length = length;
	ask.verdict = verdict;
	ask.file = memfd_create("range", MFD_CLOEXEC);
	assert_int_equal(write(ask.file, content, OFFSET + length), OFFSET + length);
	own_service(&ranger);
	served_start(s, "ranger", "linger_timeout", "0", NULL);
}

static void stop(struct served *s)
{
	served_stop(s);
	close(ask.file);
}

/* An answer as its client receives it, piece by piece. */
struct download {
	struct served *s;
	int client;
	char *got;
	size_t in, size;
	unsigned idle; /* receives in a row without a byte */
};

static struct download ask_for(struct served *s, int client)
{
	size_t size = sizeof(header) - 1 + ask.length;

	assert_int_equal(send(client, "x", 1, MSG_NOSIGNAL), 1);
	served_settle(s);
	return (struct download){ .s = s, .client = client, .got = malloc(size), .size = size };
}

static void receive(struct download *d)
{
	size_t room = d->size - d->in;
	ssize_t n = recv(d->client, d->got + d->in, room < SLOW ? room : SLOW, 0);

	d->in += n > 0 ? (size_t)n : 0;
	d->idle = n > 0 ? 0 : d->idle + 1;
	assert_true(d->idle < 2);
	served_settle(d->s);
}

static void finish_download(struct download *d)
{
	size_t head = sizeof(header) - 1;

	while (d->in < d->size)
		receive(d);
	assert_memory_equal(d->got, header, head);
	assert_memory_equal(d->got + head, content + OFFSET, d->size - head);
	free(d->got);
}

static void assert_ended(struct served *s, enum close_reason reason)
{
	assert_nothing_left(s, 0);
	assert_int_equal(s->slot.tally.connections_ended_total[reason], 1);
}

static void range__small_and_large__comes_whole_behind_its_header(void **state)
{
	static const size_t lengths[] = { 1, SMALL, LARGE };

	(void)state;
	for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
		struct served s;
		struct download d;
		int client;
		unsigned fds;

		start(&s, lengths[i], MORE);
		client = served_connect(&s);
		fds = count_fds();
		for (unsigned n = 0; n < 2; n++) {
			d = ask_for(&s, client);
			finish_download(&d);
			assert_int_equal(count_fds(), fds); /* each range's descriptor is closed */
			assert_int_equal(record(&s, 0)->file, 0);
			assert_true(s.pool.bufs.high <= 2);
		}
		assert_int_equal(served_metric(&s, METRIC_bytes_out_total), 2 * d.size);
		close(client);
		served_settle(&s);
		assert_ended(&s, CLOSE_client_closed);
		stop(&s);
	}
}

/* Both requests are read before the first answer has gone out. */
static void request__behind_the_first__is_answered_after_its_range(void **state)
{
	struct download first, second;
	struct served s;
	int client;

	(void)state;
	start(&s, LARGE, MORE);
	client = served_connect(&s);
	assert_int_equal(send(client, "x", 1, 0), 1);
	first = ask_for(&s, client);
	second = first;
	finish_download(&first);
	second.got = malloc(second.size);
	finish_download(&second);
	shutdown(client, SHUT_WR);
	served_expect(&s, client, "", true);
	assert_ended(&s, CLOSE_client_closed);
	close(client);
	stop(&s);
}

static void finish__with_a_range__sends_all_of_it(void **state)
{
	struct download d;
	struct served s;
	int client;

	(void)state;
	start(&s, LARGE, FINISH);
	client = served_connect(&s);
	d = ask_for(&s, client);
	finish_download(&d);
	served_expect(&s, client, "", true);
	assert_ended(&s, CLOSE_service_finished);
	close(client);
	stop(&s);
}

static void file__that_shrinks__ends_it_without_a_further_byte(void **state)
{
	static const off_t lengths[] = { OFFSET + LARGE / 2, 0 };

	(void)state;
	logbook_set_up(state);
	for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
		struct download d;
		struct served s;
		struct err err;
		unsigned fds;
		int client;

		assert_true(log_open(logbook_events, LEVEL_DEBUG, LOG_TEXT, (uid_t)-1, &err));
		start(&s, LARGE, MORE);
		fds = count_fds();
		client = served_connect(&s);
		assert_int_equal(send(client, "xx", 2, 0), 2);
		d = ask_for(&s, client);
		assert_int_equal(ftruncate(ask.file, lengths[i]), 0);
		while (s.pool.limit.total > 0)
			receive(&d);
		for (ssize_t n; (n = recv(client, d.got + d.in, d.size - d.in, 0)) > 0;)
			d.in += (size_t)n;
		assert_int_equal(recv(client, d.got, 1, 0), 0);
		assert_true(d.in < d.size);
		assert_memory_equal(d.got + sizeof(header) - 1, content + OFFSET,
				    d.in - (sizeof(header) - 1));
		assert_ended(&s, CLOSE_system_error);
		assert_non_null(strstr(logbook_read(logbook_events), " error=ENODATA"));
		close(client);
		assert_int_equal(count_fds(), fds);
		free(d.got);
		stop(&s);
	}
	logbook_tear_down(state);
}

static void end_of_the_connection__with_a_range_left__closes_its_descriptor(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		struct recovery r;
		struct download d;
		struct served s;
		unsigned fds;
		int client;

		start(&s, LARGE, MORE);
		fds = count_fds();
		client = served_connect(&s);
		d = ask_for(&s, client);
		free(d.got);
		assert_true(record(&s, 0)->file_left > 0);
		assert_int_equal(count_fds(), fds + 3);
		if (i == 0) {
			close(client);
			served_settle(&s);
		} else if (i == 1) {
			dispatch_end_all(&s.pool, CLOSE_stopped);
		} else {
			pool_take_in_hand(&s.pool, 0);
			served_recover(&s, &r);
			assert_counts(&r, 0, 1, 0);
		}
		if (i > 0)
			close(client);
		assert_int_equal(s.pool.limit.total, 0);
		assert_int_equal(count_fds(), fds);
		stop(&s);
	}
}

static void crash__at_every_step_of_a_range__loses_no_byte(void **state)
{
	struct recovery r;
	struct download d;
	struct served s;
	int client;

	(void)state;
	start(&s, LARGE, MORE);
	client = served_connect(&s);
	d = ask_for(&s, client);
	while (d.in < d.size) {
		served_recover(&s, &r);
		recovery_passed(s.pool.arena);
		assert_counts(&r, 1, 0, 0);
		receive(&d);
	}
	finish_download(&d);
	close(client);
	served_settle(&s);
	assert_ended(&s, CLOSE_client_closed);
	stop(&s);
}

static void claim_twice(struct served *s)
{
	record(s, 1)->file = record(s, 0)->file;
}

static void claim_socket(struct served *s)
{
	record(s, 1)->file = record(s, 0)->fd;
}

static void claim_wire(struct served *s)
{
	record(s, 1)->file = s->wire.fds[WIRE_KICKED];
}

/* Nothing is left to send, but a descriptor is named, which the next send would close. */
static void claim_without_range(struct served *s)
{
	record(s, 1)->file_left = 0;
	record(s, 1)->file = record(s, 0)->fd;
}

static void descriptor__that_is_not_the_records_own__is_damage(void **state)
{
	static const struct {
		void (*damage)(struct served *s);
		unsigned lost;
	} rows[] = { { claim_twice, 2 },
		     { claim_socket, 2 },
		     { claim_wire, 1 },
		     { claim_without_range, 1 } };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct download d[2];
		struct recovery r;
		struct served s;
		int clients[2];

		start(&s, LARGE, MORE);
		for (unsigned k = 0; k < 2; k++) {
			clients[k] = served_connect(&s);
			d[k] = ask_for(&s, clients[k]);
		}
		rows[i].damage(&s);
		served_recover(&s, &r);
		assert_counts(&r, 2 - rows[i].lost, 0, rows[i].lost);
		if (rows[i].lost == 1)
			finish_download(&d[0]);
		else
			free(d[0].got);
		free(d[1].got);
		close(clients[0]);
		close(clients[1]);
		served_settle(&s);
		assert_nothing_left(&s, rows[i].lost);
		stop(&s);
	}
}

/* Another process that has the socket may have made it blocking. */
static void socket__that_moved_and_blocks__does_not_block_the_worker(void **state)
{
	enum { BOUND_S = 20 };
	struct download d;
	struct served s;
	int client;

	(void)state;
	start(&s, 16 * SLOW, MORE);
	client = served_connect(&s);
	record(&s, 0)->has_moved = true;
	assert_int_equal(fcntl(record(&s, 0)->fd, F_SETFL, 0), 0);
	setsockopt(record(&s, 0)->fd, SOL_SOCKET, SO_SNDBUF, &(int){ SLOW }, sizeof(int));
	alarm(BOUND_S);
	d = ask_for(&s, client);
	finish_download(&d);
	alarm(0);
	close(client);
	served_settle(&s);
	assert_ended(&s, CLOSE_client_closed);
	stop(&s);
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
	struct download d;
	unsigned before;
	int ends[2];

	(void)state;
	start(&s, SMALL, MORE);
	paired_tcp(ends);
	served_accept(&s, ends[0]);
	for (unsigned i = 0; i < 3; i++) {
		before = count_segments(ends[1]);
		d = ask_for(&s, ends[1]);
		finish_download(&d);
		assert_int_equal(count_segments(ends[1]), before + 1);
	}
	close(ends[1]);
	served_settle(&s);
	assert_ended(&s, CLOSE_client_closed);
	stop(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(range__small_and_large__comes_whole_behind_its_header),
		cmocka_unit_test(request__behind_the_first__is_answered_after_its_range),
		cmocka_unit_test(finish__with_a_range__sends_all_of_it),
		cmocka_unit_test(file__that_shrinks__ends_it_without_a_further_byte),
		cmocka_unit_test(end_of_the_connection__with_a_range_left__closes_its_descriptor),
		cmocka_unit_test(crash__at_every_step_of_a_range__loses_no_byte),
		cmocka_unit_test(descriptor__that_is_not_the_records_own__is_damage),
		cmocka_unit_test(header__and_the_start_of_the_file__are_one_segment),
		cmocka_unit_test(socket__that_moved_and_blocks__does_not_block_the_worker),
	};

	return cmocka_run_group_tests(tests, make_file, free_file);
}
