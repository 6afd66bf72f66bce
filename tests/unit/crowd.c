/* SPDX-License-Identifier: MIT */
/* Shared by the tests of clients beyond a limit. */
#include "unit/crowd.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/sys.h"
#include "unit/paired.h"

enum { OTHER = 1 };

struct crowd crowd;

void crowd_start(const char *service, const char *on_limit)
{
	limited_begin(&crowd.all, "max_per_source", "2", NULL);
	crowd.other = &crowd.all.workers[OTHER];
	*crowd.other = limited_worker(&crowd.all, OTHER);
	crowd.limits = (struct served_limits){ &crowd.all.memory, crowd.all.board, 0 };
	served_limits = &crowd.limits;
	served_start(&crowd.s, service, "max_per_source", "2", "on_limit", on_limit, NULL);
	atomic_store(&crowd.s.slot.state, SLOT_READY);
	crowd.next_port = 1000;
}

void crowd_stop(void)
{
	served_stop(&crowd.s);
	limited_end(&crowd.all);
	served_limits = NULL;
}

int crowd_come(const char *address, const char *text)
{
	struct net net;
	struct addr remote;
	struct err err;
	int ends[2];

	paired_tcp(ends);
	assert_int_equal(send(ends[1], text, strlen(text), 0), strlen(text));
	assert_true(net_read(address, &net, &err));
	remote = net_to_addr(&net, crowd.next_port++);
	served_accept_from(&crowd.s, ends[0], &remote);
	served_settle(&crowd.s);
	return ends[1];
}

uint64_t crowd_ended(enum close_reason reason)
{
	return cell_get(&crowd.s.slot.tally.connections_ended_total[reason]);
}

uint64_t crowd_waiting(void)
{
	return served_metric(&crowd.s, METRIC_connections_waiting);
}
