/* SPDX-License-Identifier: MIT */
#include "unit/hostile.h"

#include "base/clock.h"
#include "base/sys.h"

struct hostile hostile = { .head = (struct door_head *)hostile.message,
			   .first = (struct record *)(hostile.message + sizeof(struct door_head)) };

void hostile_write(void)
{
	*hostile.head = (struct door_head){
		.magic = DOOR_MAGIC,
		.version = DOOR_VERSION,
		.record_size = sizeof(struct record),
		.receiver = 1,
		.generation = HOSTILE_OLD,
		.cause = MOVE_rebalance,
		.batch = 1,
		.key = hostile.to->door.keys[0],
		.conns = 1,
		.fds = 1,
	};
	*hostile.first = (struct record){ .state = CONN_OPEN,
					  .opened_us = clock_us(),
					  .active_ms = clock_ms() };
}

int hostile_set_up(void **state)
{
	(void)state;
	siblings_begin(&hostile.all);
	hostile.from = sibling_start(&hostile.all, 0, HOSTILE_OLD, "echo", NULL);
	hostile.to = sibling_start(&hostile.all, 1, HOSTILE_OLD, "echo", NULL);
	hostile.client = sibling_connect(hostile.to, 0);
	siblings_count_open(&hostile.all);
	hostile_write();
	return 0;
}

int hostile_tear_down(void **state)
{
	(void)state;
	siblings_end(&hostile.all);
	return 0;
}

void hostile_pass(size_t size, const int *fds, unsigned count)
{
	const struct iovec part = { hostile.message, size };

	assert_int_equal(rights_send(hostile.all.doorbells[1], &part, 1, fds, count, MSG_DONTWAIT),
			 size);
}

void hostile_assert_unmoved(void)
{
	char byte;

	siblings_settle(&hostile.all);
	siblings_say(hostile.client, "own");
	siblings_expect(&hostile.all, hostile.client, "own", false);
	assert_int_equal(recv(hostile.to->door.watch.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT), -1);
	assert_int_equal(sibling_metric(hostile.to, METRIC_connections_moved_in_total), 0);
	siblings_assert_open(&hostile.all);
	siblings_assert_sole(&hostile.all, 1);
}
