/* SPDX-License-Identifier: MIT */
/* A server with max_connections, whose last place several workers take at the same time. */
#include "harness.h"

#include <sys/socket.h>

#include "client.h"
#include "upstream.h"

enum { ROUNDS = 1000, CLIENTS = 12 };

/* All come at once, and leave at once, whether they were served or not. */
static void run_round(const struct server *s)
{
	int fds[CLIENTS];

	for (unsigned i = 0; i < CLIENTS; i++)
		fds[i] = client_connect(FIRST(s));
	for (unsigned i = 0; i < CLIENTS; i++)
		close(fds[i]);
}

/* It is healthy all the time: that another worker was faster does not hide it. */
static void server__whose_last_place_many_want__is_full_and_no_more(void **state)
{
	struct upstream u;
	struct server *s;

	(void)state;
	upstream_open(&u);
	s = server_start(&(struct plan){
		.conf = upstream_conf(&u, "max_connections = 3", "", "workers = 8") });
	for (unsigned i = 0; i < ROUNDS; i++) {
		run_round(s);
		while (upstream_has(&u, 0))
			close(upstream_accept(&u));
	}
	upstream_close(&u);
	server_wait_count(s, ROUNDS * CLIENTS, "connection_ended", NULL);
	assert_true(server_count(s, "connection_ended", "ending=upstream_full") > 0);
	assert_int_equal(server_count(s, "connection_ended", "ending=upstream_none"), 0);
	server_stop(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		E2E(server__whose_last_place_many_want__is_full_and_no_more),
	};

	return E2E_RUN(tests);
}
