/* SPDX-License-Identifier: MIT */
/* Servers that reset connections on which nothing was passed on yet. */
#include "harness.h"

#include "client.h"
#include "process.h"
#include "upstream.h"

/* What the client has waited adds up, although the server has accepted in between. */
static void reset__by_the_only_server_each_time__ends_within_queue_timeout(void **state)
{
	int64_t due_ms = clock_ms() + WAIT_MS;
	struct upstream u;
	struct server *s;
	int client;

	(void)state;
	upstream_open(&u);
	s = server_start(
		&(struct plan){ .conf = upstream_conf(&u, "queue_timeout = 300ms", "", "") });
	client = client_connect(FIRST(s));
	for (; !client_ended(client, 1); assert_true(clock_ms() < due_ms))
		while (upstream_has(&u, 0))
			client_reset(upstream_accept(&u));
	close(client);
	server_wait_event(s, "connection_ended", "ending=queue_timeout");
	upstream_close(&u);
	server_stop(s);
}

static void signal_workers(struct server *s, int number)
{
	for (unsigned i = 0; i < 2; i++) {
		pid_t pid = server_worker(s, i);

		kill(pid, number);
		if (number == SIGSTOP)
			WAIT_UNTIL(s, process_is_stopped(pid));
	}
}

/*
 * A unix socket refuses the first bytes before it tells that it was reset: they are gone, and the
 * next server must not get those behind them.
 */
static void reset__that_meets_the_first_bytes__is_the_clients(void **state)
{
	struct upstream first, next;
	int client, server;
	struct server *s;
	char servers[256];

	(void)state;
	upstream_open_path(&first);
	upstream_open(&next);
	snprintf(servers, sizeof(servers), "\"%s\", \"%s\"", first.address, next.address);
	s = server_start(&(struct plan){
		.conf = upstream_conf_of(servers, "balance = round_robin  send_proxy = v1", "",
					 "workers = 2") });
	client = client_connect(FIRST(s));
	server = upstream_accept(&first);
	WAIT_UNTIL(s, upstream_figure(s, first.address, "upstream_bytes_out_total") > 0);
	signal_workers(s, SIGSTOP);
	client_say(client, "x");
	close(server); /* a reset: the header is unread */
	signal_workers(s, SIGCONT);
	assert_true(client_ended(client, WAIT_MS));
	close(client);
	server_wait_event(s, "connection_ended", NULL);
	assert_false(upstream_has(&next, 0));
	upstream_close(&first);
	upstream_close(&next);
	server_stop(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		E2E(reset__by_the_only_server_each_time__ends_within_queue_timeout),
		E2E(reset__that_meets_the_first_bytes__is_the_clients),
	};

	return E2E_RUN(tests);
}
