/* SPDX-License-Identifier: MIT */
/* The access log of a whole server: the fields that identify a connection. */
#include "harness.h"

#include <stdio.h>

#include "accessbook.h"
#include "client.h"

/*
 * Asserts that worker, generation and connection together identify each of the first `most` lines.
 */
static void assert_names_differ(struct server *s, unsigned most)
{
	char *at = accessbook_read(accessbook_path), name[64];

	for (unsigned i = 0; i < most; i++) {
		unsigned worker, generation, connection;

		at = strstr(at, " worker=");
		assert_non_null(at);
		assert_int_equal(sscanf(at, " worker=%u generation=%u connection=%u ", &worker,
					&generation, &connection),
				 3);
		snprintf(name, sizeof(name), " worker=%u generation=%u connection=%u ", worker,
			 generation, connection);
		if (accessbook_count(accessbook_read(accessbook_path), name) != 1)
			server_fail(s, "twice \"%s\" in the access log:\n%s", name,
				    accessbook_read(accessbook_path));
		at = strstr(accessbook_read(accessbook_path), name) + 1;
	}
}

static void connections__of_all_generations__have_names_of_their_own(void **state)
{
	static const char conf[] = "listen \"127.0.0.1:0\" { service = ack }\nworkers = 1\n";
	struct server *s;

	(void)state;
	s = accessbook_start((struct plan){ .conf = conf });
	for (unsigned i = 1; i <= 3; i++) {
		client_ask(FIRST(s), "x", ACK);
		server_signal(s, SIGHUP);
		server_wait_count(s, i, "reload_finished", NULL);
	}
	server_stop(s);
	assert_int_equal(accessbook_lines(), 3);
	assert_names_differ(s, 3);
	accessbook_expect(s, " generation=1 connection=1 ");
	accessbook_expect(s, " generation=2 ");
	accessbook_expect(s, " generation=3 ");
}

static void connections__of_replaced_workers__have_names_of_their_own(void **state)
{
	struct server *s = accessbook_start((struct plan){ .set = { "worker_max_connections=1" } });

	(void)state;
	for (unsigned i = 1; i <= 6; i++) {
		client_ask(FIRST(s), "x", ACK);
		server_wait_count(s, i, "worker_exited", NULL);
	}
	server_stop(s);
	assert_int_equal(accessbook_lines(), 6);
	assert_names_differ(s, 6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		E2E(connections__of_all_generations__have_names_of_their_own),
		E2E(connections__of_replaced_workers__have_names_of_their_own),
	};

	return E2E_RUN(tests);
}
