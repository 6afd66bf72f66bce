/* SPDX-License-Identifier: MIT */
/*
 * bind_source: an address that goes away, or from which no way leads to the server. In a network
 * namespace of the test's own.
 */
#include "harness.h"

#include <sched.h>

#include "accessbook.h"
#include "client.h"
#include "upstream.h"

#define SOURCE "192.0.2.77"

/* Makes a network beside the loopback device. */
#define OUTSIDE                                                          \
	"ip link add v0 type veth peer name v1 && ip link set v0 up && " \
	"ip link set v1 up && ip addr add 192.0.2.1/24 dev v0"

static void command(const char *text)
{
	if (system(text) != 0)
		fail_msg("%s has failed", text);
}

/* One for each test: what another one has made is not there. */
static void enter_network(void)
{
	if (geteuid() != 0 || unshare(CLONE_NEWNET) < 0 || system("ip -V > /dev/null 2>&1") != 0)
		skip();
	command("ip link set lo up && ip addr add " SOURCE "/32 dev lo");
}

/* The nth client that ends so. */
static void expect_ending(struct server *s, unsigned nth)
{
	int client = client_connect(FIRST(s));

	if (!client_ended(client, 1000))
		server_fail(s, "the client was not reset within a second");
	close(client);
	server_wait_count(s, nth, "connection_ended", "ending=upstream_source error=none");
}

/* It was there at the start. Clients end at once, and it is said once. */
static void source__that_goes_away__ends_clients_at_once(void **state)
{
	struct upstream u;
	struct server *s;

	(void)state;
	enter_network();
	upstream_open(&u);
	s = accessbook_start((struct plan){
		.conf = upstream_conf(&u, "bind_source = " SOURCE "  queue_timeout = 1h", "",
				      "") });
	upstream_use(s, &u);
	command("ip addr del " SOURCE "/32 dev lo");
	for (unsigned i = 1; i <= 3; i++)
		expect_ending(s, i);
	assert_int_equal(server_count(s, "upstream_unbound", NULL), 1);
	WAIT_UNTIL(s, accessbook_count(accessbook_read(accessbook_path),
				       "ending=upstream_source") == 3);
	assert_null(strstr(accessbook_read(accessbook_path), "tries=2"));
	assert_int_equal(server_count(s, "upstream_failed", NULL), 0);
	assert_int_equal(upstream_figure(s, u.address, "upstream_failures_total"), 0);
	command("ip addr add " SOURCE "/32 dev lo");
	upstream_use(s, &u);
	command("ip addr del " SOURCE "/32 dev lo");
	expect_ending(s, 4);
	assert_int_equal(server_count(s, "upstream_unbound", NULL), 2);
	upstream_close(&u);
	server_stop(s);
}

/* From an address of loopback none is reached outside (EINVAL). */
static void source__that_does_not_lead_to_the_server__is_no_fault_of_the_server(void **state)
{
	struct server *s;

	(void)state;
	enter_network();
	command(OUTSIDE);
	s = accessbook_start((struct plan){
		.conf = upstream_conf_of("\"192.0.2.9:9\"",
					 "bind_source = 127.0.0.1  max_fails = 1", "", "") });
	expect_ending(s, 1);
	expect_ending(s, 2);
	assert_int_equal(upstream_figure(s, "192.0.2.9:9", "upstream_failures_total"), 0);
	server_stop(s);
}

/* Those that it does not lead to use no try up: they are not asked. */
static void source__that_leads_to_the_last_server_alone__finds_it(void **state)
{
	char servers[128];
	struct upstream u;
	struct server *s;

	(void)state;
	enter_network();
	command(OUTSIDE);
	upstream_open(&u);
	snprintf(servers, sizeof(servers),
		 "\"192.0.2.7:9\", \"192.0.2.8:9\", \"192.0.2.9:9\", \"%s\"", u.address);
	s = server_start(&(struct plan){
		.conf = upstream_conf_of(servers, "bind_source = 127.0.0.1  retries = off", "",
					 "") });
	for (unsigned i = 0; i < 4; i++)
		upstream_use(s, &u);
	upstream_close(&u);
	server_stop(s);
}

/* A server that it leads to has no place now: the client waits for that one. */
static void source__that_leads_to_a_full_server_alone__lets_clients_wait(void **state)
{
	char servers[128];
	struct upstream u;
	struct server *s;
	int first, place, second;

	(void)state;
	enter_network();
	command(OUTSIDE);
	upstream_open(&u);
	snprintf(servers, sizeof(servers), "\"192.0.2.9:9\", \"%s max_connections=1\"", u.address);
	s = server_start(&(struct plan){
		.conf = upstream_conf_of(servers, "bind_source = 127.0.0.1  queue_timeout = 1h", "",
					 "") });
	first = client_connect(FIRST(s));
	place = upstream_accept(&u);
	second = client_connect(FIRST(s));
	WAIT_UNTIL(s, upstream_figure(s, "192.0.2.9:9", "upstream_connections_waiting") == 1 ||
			      server_count(s, "connection_ended", NULL) > 0);
	assert_int_equal(server_count(s, "connection_ended", NULL), 0);
	close(first);
	close(place);
	place = upstream_accept(&u);
	upstream_exchange(second, place);
	close(second);
	close(place);
	upstream_close(&u);
	server_stop(s);
}

/* It is tried first, refuses, and may come back within queue_timeout. */
static void source__that_leads_to_a_refusing_server_alone__lets_clients_wait(void **state)
{
	char servers[128];
	struct upstream u;
	struct server *s;
	int client, server;

	(void)state;
	enter_network();
	command(OUTSIDE);
	upstream_refuse(&u);
	snprintf(servers, sizeof(servers), "\"%s\", \"192.0.2.9:9\"", u.address);
	s = server_start(&(struct plan){
		.conf = upstream_conf_of(servers, "bind_source = 127.0.0.1  queue_timeout = 1h", "",
					 "") });
	client = client_connect(FIRST(s));
	WAIT_UNTIL(s, upstream_figure(s, u.address, "upstream_connections_waiting") == 1 ||
			      server_count(s, "connection_ended", NULL) > 0);
	assert_int_equal(server_count(s, "connection_ended", NULL), 0);
	upstream_listen(&u);
	server = upstream_accept(&u);
	upstream_exchange(client, server);
	close(client);
	close(server);
	upstream_close(&u);
	server_stop(s);
}

/* Checks come from where the connections come from: a server is not to blame. */
static void checks__from_an_address_that_is_missing__say_nothing(void **state)
{
	enum { WHILE_MS = 1000 };
	struct upstream u;
	struct server *s;

	(void)state;
	enter_network();
	upstream_open(&u);
	s = server_start(&(struct plan){
		.conf = upstream_conf(
			&u, "check = connect  check_interval = 100ms  bind_source = " SOURCE, "",
			"") });
	close(upstream_accept(&u));
	command("ip addr del " SOURCE "/32 dev lo");
	server_wait_event(s, "upstream_unchecked", "message=\"Cannot assign requested address\"");
	while (upstream_has(&u, 0))
		close(upstream_accept(&u));
	assert_false(upstream_has(&u, WHILE_MS));
	assert_int_equal(server_count(s, "upstream_unchecked", NULL), 1);
	assert_int_equal(upstream_figure(s, u.address, "upstream_checks_failed_total"), 0);
	assert_int_equal(server_count(s, "upstream_failed", NULL), 0);
	upstream_close(&u);
	server_stop(s);
}

/* At the start, and in a reload, which changes nothing then. */
static void source__that_no_interface_has__is_refused(void **state)
{
	char out[1024], conf[1024];
	struct upstream u;
	struct server *s;

	(void)state;
	enter_network();
	upstream_open(&u);
	s = server_start(&(struct plan){ .conf = upstream_conf(&u, "", "", "") });
	s->errors[0] = "reload_failed";
	snprintf(conf, sizeof(conf), "%s", upstream_conf(&u, "bind_source = 192.0.2.78", "", ""));
	server_configure(s, conf);
	assert_int_equal(server_verb(s, "reload", out, sizeof(out)), 1);
	if (!strstr(out, ": upstream.bind_source: cannot bind 192.0.2.78") ||
	    !strstr(out, "(no interface of this machine has it"))
		fail_msg("%s", out);
	upstream_use(s, &u);
	upstream_close(&u);
	server_stop(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		E2E(source__that_goes_away__ends_clients_at_once),
		E2E(source__that_does_not_lead_to_the_server__is_no_fault_of_the_server),
		E2E(source__that_leads_to_the_last_server_alone__finds_it),
		E2E(source__that_leads_to_a_full_server_alone__lets_clients_wait),
		E2E(source__that_leads_to_a_refusing_server_alone__lets_clients_wait),
		E2E(checks__from_an_address_that_is_missing__say_nothing),
		E2E(source__that_no_interface_has__is_refused),
	};

	return E2E_RUN(tests);
}
