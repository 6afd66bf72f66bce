/* SPDX-License-Identifier: MIT */
/* The descriptor of a connection that has moved, and what it turns out to be at its first bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/sys.h"
#include "unit/aftermath.h"
#include "unit/paired.h"

static void connection__that_moved__is_looked_at_once(void **state)
{
	struct paired p;
	struct served s;

	(void)state;
	paired_start(&s, NULL);
	p = paired_connect_tcp(&s);
	served_settle(&s);
	record(&s, 0)->has_moved = true;
	for (unsigned i = 0; i < 2; i++) {
		served_send(&s, p.client, "text", 4);
		served_settle(&s);
		assert_true(record(&s, 0)->is_proven);
		assert_int_equal(recv(p.upstream, (char[8]){ 0 }, 8, MSG_DONTWAIT), 4);
	}
	close(p.client);
	close(p.upstream);
	served_settle(&s);
	served_stop(&s);
}

static int open_unix(int ends[2])
{
	return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends);
}

static int open_pipe(int ends[2])
{
	return pipe2(ends, O_CLOEXEC | O_NONBLOCK);
}

/* No byte of it is received: its queue may hold descriptors. */
static void client__that_is_no_tcp_socket__is_ended_before_its_first_byte(void **state)
{
	static int (*const kinds[])(int ends[2]) = { open_unix, open_pipe };

	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		struct served s;
		int ends[2], client;

		served_start(&s, "echo", NULL);
		client = served_connect(&s);
		assert_int_equal(kinds[i](ends), 0);
		assert_int_equal(write(ends[1], "text", 4), 4);
		record(&s, 0)->has_moved = true;
		served_send(&s, client, "wakes it", 8);
		assert_int_equal(dup3(ends[0], record(&s, 0)->fd, O_CLOEXEC), record(&s, 0)->fd);
		dispatch_ready(&s.pool, pool_tag(record(&s, 0)), EPOLLIN);
		assert_int_equal(s.pool.limit.total, 0);
		assert_int_equal(s.slot.tally.connections_ended_total[CLOSE_system_error], 1);
		assert_int_equal(served_metric(&s, METRIC_bytes_in_total), 0);
		close(ends[0]);
		close(ends[1]);
		close(client);
		served_settle(&s);
		served_stop(&s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(connection__that_moved__is_looked_at_once),
		cmocka_unit_test(client__that_is_no_tcp_socket__is_ended_before_its_first_byte),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
