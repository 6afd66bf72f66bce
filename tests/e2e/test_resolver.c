/* SPDX-License-Identifier: MIT */
/* Servers of upstreams that have names, whose addresses change, go away, or never come. */
#include "harness.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "client.h"
#include "nameserver.h"
#include "process.h"
#include "upstream.h"

enum { HOSTS = 12, FIRST_HOST = 2 };

#define NAME "db.example"

/* Hosts 127.0.0.2 and the following, with one port. */
struct scene {
	struct nameserver names;
	struct upstream hosts[HOSTS];
	struct server *s;
	char server[64];
};

static void open_host(struct upstream *u, unsigned number, in_port_t port)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_port = port,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK + number - 1) };

	*u = (struct upstream){ .fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0),
				.filling = { -1, -1 } };
	assert_int_equal(bind(u->fd, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(u->fd, SOMAXCONN), 0);
	snprintf(u->address, sizeof(u->address), "127.0.0.%u:%u", number, ntohs(port));
}

static void open_hosts(struct scene *x)
{
	struct sockaddr_in at;
	socklen_t len = sizeof(at);

	open_host(&x->hosts[0], FIRST_HOST, 0);
	assert_int_equal(getsockname(x->hosts[0].fd, (struct sockaddr *)&at, &len), 0);
	for (unsigned i = 1; i < HOSTS; i++)
		open_host(&x->hosts[i], FIRST_HOST + i, at.sin_port);
	snprintf(x->server, sizeof(x->server), NAME ":%u", ntohs(at.sin_port));
}

static bool is_isolated; /* set before the tests */

/* A name server that is silent keeps a lookup longer than a process may hang. */
static void open_scene_with(struct scene *x, const char *lines, enum nameserver_mood mood,
			    unsigned first, unsigned count)
{
	char servers[80];

	if (!is_isolated)
		skip();
	open_hosts(x);
	nameserver_start(&x->names);
	nameserver_say(&x->names, mood, first, count);
	snprintf(servers, sizeof(servers), "\"%s\"", x->server);
	x->s = server_start(&(struct plan){
		.conf = upstream_conf_of(servers, lines, "", "workers = 2\nhang_timeout = 2s") });
}

static void open_scene(struct scene *x, enum nameserver_mood mood, unsigned first, unsigned count)
{
	open_scene_with(x, "resolve_interval = 1s", mood, first, count);
}

static void close_scene(struct scene *x)
{
	unsigned opened = server_count(x->s, "connection_opened", NULL);

	for (unsigned i = 0; i < HOSTS; i++)
		close(x->hosts[i].fd);
	server_wait_count(x->s, opened, "connection_ended", NULL);
	assert_int_equal(server_count(x->s, "helper_hung", NULL), 0);
	nameserver_stop(&x->names);
	server_stop(x->s);
}

/* A connection that reaches that host. */
static void use_host(const struct scene *x, unsigned number)
{
	upstream_use(x->s, &x->hosts[number - FIRST_HOST]);
}

static void address__that_changes__is_used_and_live_connections_stay(void **state)
{
	struct scene x;
	int client, server;

	(void)state;
	open_scene(&x, NAMESERVER_ANSWERS, 2, 1);
	client = client_connect(FIRST(x.s));
	server = upstream_accept(&x.hosts[0]);
	upstream_exchange(client, server);
	nameserver_say(&x.names, NAMESERVER_ANSWERS, 3, 1);
	server_wait_count(x.s, 2, "upstream_resolved", NULL);
	use_host(&x, 3);
	upstream_exchange(client, server);
	assert_false(upstream_has(&x.hosts[0], 0));
	close(client);
	close(server);
	close_scene(&x);
}

/* What was found last stays in use, and the status says so; the workers never wait. */
static void name__that_is_found_no_more__keeps_its_addresses(void **state)
{
	static const enum nameserver_mood moods[] = { NAMESERVER_KNOWS_NONE, NAMESERVER_FAILS,
						      NAMESERVER_IS_SILENT };

	(void)state;
	for (unsigned i = 0; i < sizeof(moods) / sizeof(*moods); i++) {
		unsigned queries;
		struct scene x;

		open_scene(&x, NAMESERVER_ANSWERS, 2, 1);
		use_host(&x, 2);
		nameserver_say(&x.names, moods[i], 2, 1);
		queries = nameserver_queries(&x.names);
		WAIT_UNTIL(x.s, nameserver_queries(&x.names) > queries);
		for (unsigned k = 0; k < 5; k++)
			use_host(&x, 2);
		server_wait_event(x.s, "upstream_unresolved", "addresses=1");
		assert_true(upstream_figure(x.s, x.server, "unresolved_seconds") >= 0);
		assert_int_equal(upstream_figure(x.s, x.server, "addresses"), 1);
		use_host(&x, 2);
		nameserver_say(&x.names, NAMESERVER_ANSWERS, 4, 1);
		server_wait_count(x.s, 2, "upstream_resolved", NULL);
		use_host(&x, 4);
		assert_int_equal(server_count(x.s, "upstream_unresolved", NULL), 1);
		close_scene(&x);
	}
}

static void start__with_a_name_that_is_not_there_yet__does_not_wait_for_it(void **state)
{
	static const enum nameserver_mood moods[] = { NAMESERVER_KNOWS_NONE, NAMESERVER_IS_SILENT };

	(void)state;
	for (unsigned i = 0; i < sizeof(moods) / sizeof(*moods); i++) {
		struct scene x;
		int client;

		open_scene(&x, moods[i], 2, 1); /* ready in WAIT_MS */
		client = client_connect(FIRST(x.s));
		assert_true(client_ended(client, WAIT_MS));
		close(client);
		server_wait_event(x.s, "connection_ended", "ending=upstream_none");
		nameserver_say(&x.names, NAMESERVER_ANSWERS, 2, 1);
		server_wait_event(x.s, "upstream_resolved", NULL);
		use_host(&x, 2);
		close_scene(&x);
	}
}

/* Without an address there is nothing to check: no check fails, and the first one comes soon. */
static void checks__of_a_name_that_is_not_there_yet__wait_for_it(void **state)
{
	unsigned queries;
	struct scene x;

	(void)state;
	open_scene_with(&x, "resolve_interval = 1s  check = connect  check_interval = 1h",
			NAMESERVER_KNOWS_NONE, 2, 1);
	queries = nameserver_queries(&x.names);
	WAIT_UNTIL(x.s, nameserver_queries(&x.names) > queries + 1);
	assert_int_equal(upstream_figure(x.s, x.server, "upstream_checks_total"), 0);
	nameserver_say(&x.names, NAMESERVER_ANSWERS, 2, 1);
	server_wait_event(x.s, "upstream_resolved", NULL);
	close(upstream_accept(&x.hosts[0]));
	assert_int_equal(upstream_figure(x.s, x.server, "upstream_checks_failed_total"), 0);
	use_host(&x, 2);
	close_scene(&x);
}

/* Each has its turn. */
static void addresses__of_one_name__share_its_connections(void **state)
{
	struct scene x;

	(void)state;
	open_scene(&x, NAMESERVER_ANSWERS, 2, 3);
	assert_int_equal(upstream_figure(x.s, x.server, "addresses"), 3);
	for (unsigned i = 0; i < 9; i++)
		close(client_connect(FIRST(x.s)));
	for (unsigned i = 0; i < 9; i++)
		close(upstream_accept(&x.hosts[i % 3]));
	close_scene(&x);
}

/* They fit neither in a datagram nor in the scoreboard; some are used, the same ones each time. */
static void addresses__500_of_one_name__are_used_and_change_nothing_each_time(void **state)
{
	unsigned queries;
	struct scene x;

	(void)state;
	open_scene(&x, NAMESERVER_ANSWERS, 2, 500);
	assert_int_equal(upstream_figure(x.s, x.server, "addresses"), 8);
	queries = nameserver_queries(&x.names);
	WAIT_UNTIL(x.s, nameserver_queries(&x.names) > queries + 10);
	assert_int_equal(server_count(x.s, "upstream_resolved", NULL), 1);
	close_scene(&x);
}

/* The other one has a live address. */
static void address__that_refuses__leaves_the_others_of_its_name(void **state)
{
	struct scene x;

	(void)state;
	open_scene(&x, NAMESERVER_ANSWERS, 2, 2);
	assert_int_equal(shutdown(x.hosts[0].fd, SHUT_RD), 0); /* it listens no more */
	for (unsigned i = 0; i < 4; i++)
		use_host(&x, 3);
	close_scene(&x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		E2E(address__that_changes__is_used_and_live_connections_stay),
		E2E(name__that_is_found_no_more__keeps_its_addresses),
		E2E(start__with_a_name_that_is_not_there_yet__does_not_wait_for_it),
		E2E(checks__of_a_name_that_is_not_there_yet__wait_for_it),
		E2E(addresses__of_one_name__share_its_connections),
		E2E(addresses__500_of_one_name__are_used_and_change_nothing_each_time),
		E2E(address__that_refuses__leaves_the_others_of_its_name),
	};

	is_isolated = nameserver_isolate();
	return E2E_RUN(tests);
}
