/* SPDX-License-Identifier: MIT */
/* Streams in bulk, which pass by the buffers through pipes, over the death of their worker. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/sys.h"
#include "unit/aftermath.h"
#include "unit/own_service.h"
#include "unit/paired.h"

enum { SLOW = 50000, FAST = 1 << 20 };

static const struct service bulk = {
	.name = "bulk", .has_pairs = true, .is_stream = true, .open = paired_attach
};

static void start(struct served *s, struct paired *p)
{
	own_service(&bulk);
	served_start(s, "bulk", "idle_timeout", "off", "linger_timeout", "0", NULL);
	*p = paired_connect_tcp(s);
}

static void stop(struct served *s, const struct paired *p)
{
	paired_close(p);
	served_settle(s);
	assert_nothing_left(s, 0);
	served_stop(s);
}

static bool is_piped(struct served *s)
{
	return record(s, 0)->is_piped || record(s, 1)->is_piped;
}

static void bulk__of_either_side__goes_through_a_pipe(void **state)
{
	enum { SIZE = 8 << 20 };

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		unsigned piped = 0;
		struct stream t;
		struct paired p;
		struct served s;

		start(&s, &p);
		stream_open(&t, i % 2 ? p.client : p.upstream, i % 2 ? p.upstream : p.client, SIZE,
			    i / 2 ? SLOW : FAST);
		while (!stream_is_over(&t)) {
			stream_move(&t);
			served_settle(&s);
			piped += is_piped(&s);
		}
		stream_close(&t);
		assert_false(is_piped(&s));
		assert_true(s.pool.pipes.count > 0);
		if (i / 2)
			assert_true(piped > 0);
		assert_int_equal(record(&s, i % 2 ? 0 : 1)->bytes_in, SIZE);
		assert_int_equal(record(&s, i % 2 ? 1 : 0)->bytes_out, SIZE);
		stop(&s, &p);
	}
}

/* Small messages gain nothing from a pipe. */
static void messages__that_are_small__need_no_pipe(void **state)
{
	struct paired p;
	struct served s;

	(void)state;
	start(&s, &p);
	for (unsigned i = 0; i < 100; i++) {
		served_send(&s, p.client, "question", 8);
		paired_expect(&s, p.upstream, "question");
		served_send(&s, p.upstream, "answer", 6);
		paired_expect(&s, p.client, "answer");
	}
	assert_int_equal(s.pool.pipes.count, 0);
	stop(&s, &p);
}

/* The end comes behind what is in the pipe. */
static void end__behind_a_pipe__is_passed_on_after_it(void **state)
{
	enum { SIZE = 16 << 20 };
	static char got[SIZE];
	struct paired p;
	struct stream t;
	struct served s;
	size_t in = 0;

	(void)state;
	start(&s, &p);
	stream_open(&t, p.upstream, p.client, SIZE, SLOW);
	while (!is_piped(&s)) {
		ssize_t n = send(p.upstream, (char *)t.sent + t.out, SIZE - t.out, MSG_NOSIGNAL);

		assert_true(n > 0);
		t.out += (size_t)n;
		served_settle(&s);
	}
	shutdown(p.upstream, SHUT_WR);
	for (ssize_t n = 1; n != 0;) {
		served_settle(&s);
		n = recv(p.client, got + in, sizeof(got) - in, 0);
		in += n > 0 ? (size_t)n : 0;
	}
	assert_int_equal(in, t.out);
	assert_memory_equal(got, t.sent, in);
	t.in = t.size; /* it was cut on purpose */
	memcpy(t.got, t.sent, t.size);
	stream_close(&t);
	stop(&s, &p);
}

/* Bytes in the pipe belong to the record: the next worker sends them. */
static void pipe__with_bytes__survives_crashes(void **state)
{
	enum { SIZE = 8 << 20 };

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		unsigned piped = 0;
		struct recovery r;
		struct stream t;
		struct paired p;
		struct served s;

		start(&s, &p);
		stream_open(&t, i % 2 ? p.client : p.upstream, i % 2 ? p.upstream : p.client, SIZE,
			    SLOW);
		for (unsigned step = 0; !stream_is_over(&t); step++) {
			stream_move(&t);
			served_settle(&s);
			if (step % 5 != 0)
				continue;
			piped += is_piped(&s);
			s.loses_epoll = i / 2 == 1;
			served_recover(&s, &r);
			recovery_passed(s.pool.arena);
			assert_counts(&r, 1, 0, 0);
		}
		assert_true(piped > 0);
		stream_close(&t);
		stop(&s, &p);
	}
}

/* Fills the way to the client until bytes are left in a pipe. */
static void fill_pipe(struct served *s, const struct paired *p)
{
	static char bytes[FAST];

	while (!is_piped(s)) {
		(void)!send(p->upstream, bytes, sizeof(bytes), MSG_NOSIGNAL);
		served_settle(s);
	}
}

/* The next worker finds another descriptor, or none, in the place of one end. */
static void pipe__that_is_lost_at_a_crash__ends_its_pair_alone(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		struct recovery r;
		struct paired p;
		struct served s;
		struct record *to;
		int fd;

		start(&s, &p);
		fill_pipe(&s, &p);
		to = record(&s, 0);
		assert_true(to->is_piped);
		fd = i % 2 ? to->pipe_end : to->file;
		close(fd);
		if (i / 2)
			assert_int_equal(dup2(p.client, fd), fd);
		served_recover(&s, &r);
		assert_counts(&r, 1, 0, 0);
		dispatch_end_turn(&s.pool);
		served_settle(&s);
		assert_int_equal(s.pool.limit.total, 0);
		assert_int_equal(s.slot.tally.connections_ended_total[CLOSE_recovery_damaged], 1);
		if (i / 2)
			close(fd);
		paired_close(&p);
		served_settle(&s);
		served_stop(&s);
	}
}

/* Another process that had it has taken bytes out: what is left is not waited for. */
static void pipe__that_moved_and_lacks_bytes__ends_its_pair(void **state)
{
	static char bytes[FAST];
	struct paired p;
	struct served s;
	struct record *to;

	(void)state;
	start(&s, &p);
	fill_pipe(&s, &p);
	to = record(&s, 0);
	to->has_moved = to->is_inet = true;
	while (read(to->file, bytes, sizeof(bytes)) > 0)
		;
	while (s.pool.limit.total > 0) {
		served_settle(&s); /* finds an end */
		assert_true(recv(p.client, bytes, sizeof(bytes), MSG_DONTWAIT) != 0);
	}
	assert_int_equal(s.slot.tally.connections_ended_total[CLOSE_system_error], 1);
	stop(&s, &p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bulk__of_either_side__goes_through_a_pipe),
		cmocka_unit_test(messages__that_are_small__need_no_pipe),
		cmocka_unit_test(end__behind_a_pipe__is_passed_on_after_it),
		cmocka_unit_test(pipe__with_bytes__survives_crashes),
		cmocka_unit_test(pipe__that_is_lost_at_a_crash__ends_its_pair_alone),
		cmocka_unit_test(pipe__that_moved_and_lacks_bytes__ends_its_pair),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
