/* SPDX-License-Identifier: MIT */
/* Connections that do not wait for room of their source: on_limit close and reset. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/sys.h"
#include "unit/limited.h"
#include "unit/paired.h"
#include "unit/served.h"

enum { MOST = 2, OTHER = 1 };

static struct limited all;
static struct limiter other;
static struct served s;
static struct served_limits limits;
static uint16_t next_port;

static void start(const char *service, const char *on_limit)
{
	limited_begin(&all, "max_per_source", "2", NULL);
	other = limited_worker(&all, OTHER);
	limits = (struct served_limits){ &all.memory, all.board, 0 };
	served_limits = &limits;
	served_start(&s, service, "max_per_source", "2", "on_limit", on_limit, NULL);
	atomic_store(&s.slot.state, SLOT_READY);
	next_port = 1000;
}

static void stop(void)
{
	served_stop(&s);
	limiter_stop(&other);
	limited_end(&all);
	served_limits = NULL;
}

/* A client of that source, who sends the text before it is accepted. */
static int come(const char *address, const char *text)
{
	struct net net;
	struct addr remote;
	struct err err;
	int ends[2];

	paired_tcp(ends);
	assert_int_equal(send(ends[1], text, strlen(text), 0), strlen(text));
	assert_true(net_read(address, &net, &err));
	remote = net_to_addr(&net, next_port++);
	served_accept_from(&s, ends[0], &remote);
	served_settle(&s);
	return ends[1];
}

static uint64_t ended(enum close_reason reason)
{
	return cell_get(&s.slot.tally.connections_ended_total[reason]);
}

static uint64_t waiting(void)
{
	return served_metric(&s, METRIC_connections_waiting);
}

static void assert_refused(const char *on_limit, int error)
{
	int clients[MOST + 1];
	char byte;

	start("echo", on_limit);
	for (unsigned i = 0; i < MOST + 1; i++)
		clients[i] = come("192.0.2.1", "on");
	assert_int_equal(recv(clients[MOST], &byte, 1, 0), error ? -1 : 0);
	if (error)
		assert_int_equal(errno, error);
	assert_int_equal(ended(CLOSE_limit_source), 1);
	assert_int_equal(waiting(), 0);
	for (unsigned i = 0; i < MOST + 1; i++)
		close(clients[i]);
	served_settle(&s);
	clients[0] = come("192.0.2.1", "on");
	served_expect(&s, clients[0], "on", false);
	close(clients[0]);
	stop();
}

static void source__at_its_limit__is_closed_or_reset(void **state)
{
	(void)state;
	assert_refused("close", 0);
	assert_refused("reset", ECONNRESET);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(source__at_its_limit__is_closed_or_reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
