/* SPDX-License-Identifier: MIT */
/* Connections that do not wait for room of their source: on_limit close and reset. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/sys.h"
#include "unit/crowd.h"

static void assert_refused(const char *on_limit, int error)
{
	int clients[CROWD_MOST + 1];
	char byte;

	crowd_start("echo", on_limit);
	for (unsigned i = 0; i < CROWD_MOST + 1; i++)
		clients[i] = crowd_come("192.0.2.1", "on");
	assert_int_equal(recv(clients[CROWD_MOST], &byte, 1, 0), error ? -1 : 0);
	if (error)
		assert_int_equal(errno, error);
	assert_int_equal(crowd_ended(CLOSE_limit_source), 1);
	assert_int_equal(crowd_waiting(), 0);
	for (unsigned i = 0; i < CROWD_MOST + 1; i++)
		close(clients[i]);
	served_settle(&crowd.s);
	clients[0] = crowd_come("192.0.2.1", "on");
	served_expect(&crowd.s, clients[0], "on", false);
	close(clients[0]);
	crowd_stop();
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
