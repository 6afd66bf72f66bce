/* SPDX-License-Identifier: MIT */
/* Pools of servers that fail and recover, and the attempts that a client's connection makes. */
#include "harness.h"

#include "accessbook.h"
#include "client.h"
#include "upstream.h"

enum { POOL_MOST = 3 };

struct pool {
	struct server *s;
	struct upstream list[POOL_MOST];
	unsigned count;
};

/* The value of the option server; a suffix for each, such as " down". */
static const char *servers_of(const struct pool *p, const char *const *suffixes)
{
	static char text[512];
	size_t used = 0;

	for (unsigned i = 0; i < p->count; i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s\"%s%s\"",
					 i > 0 ? ", " : "", p->list[i].address,
					 suffixes ? suffixes[i] : "");
	return text;
}

/* For each server what opens it, such as upstream_refuse. */
typedef void open_fn(struct upstream *u);
#define SERVERS(...) ((open_fn *const[POOL_MOST + 1]){ __VA_ARGS__ })

static void open_pool(struct pool *p, open_fn *const *servers, const char *const *suffixes,
		      const char *lines)
{
	for (p->count = 0; servers[p->count]; p->count++)
		servers[p->count](&p->list[p->count]);
	p->s = accessbook_start((struct plan){
		.conf = upstream_conf_of(servers_of(p, suffixes), lines, "", "workers = 2") });
}

static void close_pool(struct pool *p)
{
	unsigned opened = server_count(p->s, "connection_opened", NULL);

	for (unsigned i = 0; i < p->count; i++)
		upstream_close(&p->list[i]);
	server_wait_count(p->s, opened, "connection_ended", NULL);
	server_stop(p->s);
}

/* A connection that finds no server. */
static void use_in_vain(struct pool *p)
{
	int client = client_connect(FIRST(p->s));

	if (!client_ended(client, WAIT_MS))
		server_fail(p->s, "the client was not refused");
	close(client);
}

/* The access log has that line once, at the latest a second after the connection's end. */
static void expect_line(struct pool *p, const char *what)
{
	WAIT_UNTIL(p->s, accessbook_count(accessbook_read(accessbook_path), what) == 1);
}

static void server__that_is_alone_or_the_last__goes_on_being_tried(void **state)
{
	static const char *const suffixes[] = { "", " down" };

	(void)state;
	for (unsigned count = 1; count <= 2; count++) {
		struct pool p;

		open_pool(&p, SERVERS(upstream_refuse, count == 2 ? upstream_open : NULL), suffixes,
			  "max_fails = 1  fail_timeout = 1h");
		for (unsigned i = 0; i < 5; i++)
			use_in_vain(&p);
		server_wait_count(p.s, 5, "connection_ended", "ending=upstream_refused");
		assert_int_equal(server_count(p.s, "upstream_failed", NULL), 0);
		upstream_listen(&p.list[0]);
		upstream_use(p.s, &p.list[0]); /* at once, without a reload */
		if (count == 2)
			assert_false(upstream_has(&p.list[1], 0));
		close_pool(&p);
	}
}

/* Two are marked, the last one never is; when they listen again, trials bring them back. */
static void servers__that_all_fail__recover_without_a_reload(void **state)
{
	struct pool p;

	(void)state;
	open_pool(&p, SERVERS(upstream_refuse, upstream_refuse, upstream_refuse), NULL,
		  "max_fails = 1  fail_timeout = 300ms  balance = round_robin");
	use_in_vain(&p);
	server_wait_count(p.s, 1, "connection_ended", "ending=upstream_refused");
	assert_int_equal(server_count(p.s, "upstream_failed", "reason=upstream_refused"), 2);
	for (unsigned i = 0; i < 3; i++)
		upstream_listen(&p.list[i]);
	while (server_count(p.s, "upstream_recovered", "reason=connected") < 2) {
		int client = client_connect(FIRST(p.s));

		client_half_close(client);
		while (!client_ended(client, 1))
			for (unsigned i = 0; i < 3; i++)
				while (upstream_has(&p.list[i], 0))
					close(upstream_accept(&p.list[i]));
		close(client);
	}
	for (unsigned i = 0; i < 3; i++)
		assert_true(upstream_is(p.s, p.list[i].address, "\"state\":\"up\""));
	close_pool(&p);
}

/* The hiccup of the only live server costs the connections of that moment, no more. */
static void one_refusal__of_the_only_live_server__takes_nothing_away(void **state)
{
	struct pool p;

	(void)state;
	open_pool(&p, SERVERS(upstream_refuse, upstream_refuse), NULL,
		  "max_fails = 3  fail_timeout = 1h");
	use_in_vain(&p);
	upstream_listen(&p.list[0]);
	for (unsigned i = 0; i < 6; i++)
		upstream_use(p.s,
			     &p.list[0]); /* also when the other one has its turn, and refuses */
	close_pool(&p);
}

static void connection__that_a_server_does_not_take__tries_another(void **state)
{
	static const struct {
		open_fn *first;
		const char *lines;
	} rows[] = {
		{ upstream_refuse, "balance = round_robin" },
		/* the kernel drops the SYN: nothing was sent when connect_timeout is over */
		{ upstream_fill, "balance = round_robin  connect_timeout = 300ms" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct pool p;

		open_pool(&p, SERVERS(rows[i].first, upstream_open), NULL, rows[i].lines);
		upstream_use(p.s, &p.list[1]);
		expect_line(&p, "tries=2");
		close_pool(&p);
	}
}

/*
 * Many more than a worker of so few connections has buffers. What refuses at once, as a unix socket
 * does, is no different.
 */
static void refused__connections__use_nothing_up(void **state)
{
	enum { TRIES = 100 };
	struct server *s = server_start(
		&(struct plan){ .conf = upstream_conf_of("\"unix:/nowhere/at/all\"", "", "",
							 "workers = 1\nworker_connections = 4") });

	(void)state;
	for (unsigned i = 0; i < TRIES; i++) {
		int fd = client_connect(FIRST(s));

		assert_true(client_ended(fd, WAIT_MS));
		close(fd);
	}
	server_wait_count(s, TRIES, "connection_ended", "ending=upstream_refused");
	assert_int_equal(server_count(s, "worker_crashed", NULL), 0);
	server_stop(s);
}

static void retries__off__tries_no_other(void **state)
{
	struct pool p;

	(void)state;
	open_pool(&p, SERVERS(upstream_refuse, upstream_open), NULL,
		  "balance = round_robin  retries = off");
	use_in_vain(&p);
	upstream_use(p.s, &p.list[1]);
	expect_line(&p, "ending=upstream_refused");
	assert_null(strstr(accessbook_read(accessbook_path), "tries=2"));
	close_pool(&p);
}

/* Each attempt takes connect_timeout; the client sees the end after retries of them. */
static void dropped__by_all__ends_in_time(void **state)
{
	struct pool p;
	int64_t begun_ms;

	(void)state;
	open_pool(&p, SERVERS(upstream_fill, upstream_fill, upstream_fill), NULL,
		  "connect_timeout = 200ms  retries = 1");
	begun_ms = clock_ms();
	use_in_vain(&p);
	assert_true(clock_ms() - begun_ms >= 400);
	expect_line(&p, "tries=2");
	expect_line(&p, "ending=upstream_timeout");
	close_pool(&p);
}

/* The client has sent nothing yet: the reset is not its business. */
static void reset__before_anything_was_sent__tries_another_server(void **state)
{
	int client, server;
	struct pool p;

	(void)state;
	open_pool(&p, SERVERS(upstream_open, upstream_open), NULL, "balance = round_robin");
	client = client_connect(FIRST(p.s));
	client_reset(upstream_accept(&p.list[0]));
	server = upstream_accept(&p.list[1]);
	upstream_exchange(client, server);
	close(client);
	close(server);
	expect_line(&p, "tries=2");
	close_pool(&p);
}

/* The end of the client's stream is no byte: it is passed on to the next server. */
static void reset__behind_the_end_of_the_client__tries_another_server(void **state)
{
	int client, server;
	struct pool p;

	(void)state;
	open_pool(&p, SERVERS(upstream_open, upstream_open), NULL, "balance = round_robin");
	client = client_connect(FIRST(p.s));
	client_half_close(client);
	server = upstream_accept(&p.list[0]);
	client_expect_end(server);
	client_reset(server);
	server = upstream_accept(&p.list[1]);
	client_expect_end(server);
	client_say(server, "welcome");
	close(server);
	client_hear(client, "welcome");
	client_expect_end(client);
	close(client);
	close_pool(&p);
}

/* One byte is enough: the request may have had its effect. */
static void reset__after_a_byte_was_handed_over__is_the_clients(void **state)
{
	int client, server;
	struct pool p;

	(void)state;
	for (unsigned reads = 0; reads < 2; reads++) {
		open_pool(&p, SERVERS(upstream_open, upstream_open), NULL, "balance = round_robin");
		client = client_connect(FIRST(p.s));
		client_say(client, "x");
		server = upstream_accept(&p.list[0]);
		WAIT_UNTIL(p.s, upstream_figure(p.s, p.list[0].address,
						"upstream_bytes_out_total") == 1);
		if (reads == 1)
			client_hear(server, "x");
		client_reset(server);
		assert_true(client_ended(client, WAIT_MS));
		close(client);
		expect_line(&p, "tries=1");
		expect_line(&p, "ending=upstream_reset");
		assert_false(upstream_has(&p.list[1], 0));
		close_pool(&p);
	}
}

/* So is a byte of the server's. */
static void reset__after_the_server_has_spoken__is_the_clients(void **state)
{
	int client, server;
	struct pool p;

	(void)state;
	open_pool(&p, SERVERS(upstream_open, upstream_open), NULL, "balance = round_robin");
	client = client_connect(FIRST(p.s));
	server = upstream_accept(&p.list[0]);
	client_say(server, "220 ");
	client_hear(client, "220 ");
	client_reset(server);
	assert_true(client_ended(client, WAIT_MS));
	close(client);
	assert_false(upstream_has(&p.list[1], 0));
	expect_line(&p, "tries=1");
	close_pool(&p);
}

/* What a client sends while servers are tried waits, and reaches the one that is found. */
static void bytes__sent_while_servers_are_tried__reach_the_last_one(void **state)
{
	static char bytes[256 * 1024];
	int client, server;
	struct pool p;

	(void)state;
	open_pool(&p, SERVERS(upstream_fill, upstream_open), NULL,
		  "balance = round_robin  connect_timeout = 500ms");
	client = client_connect(FIRST(p.s));
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)(i * 7 / 5);
	client_send(client, bytes, sizeof(bytes));
	client_half_close(client);
	server = upstream_accept(&p.list[1]);
	client_expect(server, bytes, sizeof(bytes));
	client_expect_end(server);
	client_say(server, "taken");
	close(server);
	client_hear(client, "taken");
	client_expect_end(client);
	close(client);
	expect_line(&p, "tries=2");
	close_pool(&p);
}

/* A backup has its turn when the only other server, which is still up, has refused. */
static void backup__is_tried_after_the_others(void **state)
{
	static const char *const suffixes[] = { "", " backup" };
	struct pool p;

	(void)state;
	open_pool(&p, SERVERS(upstream_refuse, upstream_open), suffixes, "max_fails = 16");
	upstream_use(p.s, &p.list[1]);
	expect_line(&p, "tries=2");
	close_pool(&p);
}

/* Those that wait for a place are served in the next worker as well. */
static void client__that_waits_for_a_place__survives_a_crash_and_a_reload(void **state)
{
	int first, server, waiting;
	struct pool p;

	(void)state;
	open_pool(&p, SERVERS(upstream_open), NULL, "max_connections = 1  queue_timeout = 1h");
	first = client_connect(FIRST(p.s));
	server = upstream_accept(&p.list[0]);
	waiting = client_connect(FIRST(p.s));
	client_say(waiting, "early");
	WAIT_UNTIL(p.s,
		   upstream_figure(p.s, p.list[0].address, "upstream_connections_waiting") == 1);
	upstream_crash_at_rest(p.s, 0);
	upstream_crash_at_rest(p.s, 1);
	assert_int_equal(upstream_figure(p.s, p.list[0].address, "upstream_connections_waiting"),
			 1);
	upstream_reload(p.s);
	assert_int_equal(upstream_figure(p.s, p.list[0].address, "upstream_connections_waiting"),
			 1);
	assert_int_equal(upstream_figure(p.s, p.list[0].address, "upstream_connections_live"), 1);
	assert_false(upstream_has(&p.list[0], 0));
	close(first);
	close(server);
	server = upstream_accept(&p.list[0]);
	client_hear(server, "early");
	close(waiting);
	close(server);
	WAIT_UNTIL(p.s,
		   upstream_figure(p.s, p.list[0].address, "upstream_connections_waiting") == 0);
	close_pool(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		E2E(server__that_is_alone_or_the_last__goes_on_being_tried),
		E2E(servers__that_all_fail__recover_without_a_reload),
		E2E(one_refusal__of_the_only_live_server__takes_nothing_away),
		E2E(connection__that_a_server_does_not_take__tries_another),
		E2E(refused__connections__use_nothing_up),
		E2E(retries__off__tries_no_other),
		E2E(dropped__by_all__ends_in_time),
		E2E(reset__before_anything_was_sent__tries_another_server),
		E2E(reset__behind_the_end_of_the_client__tries_another_server),
		E2E(reset__after_a_byte_was_handed_over__is_the_clients),
		E2E(reset__after_the_server_has_spoken__is_the_clients),
		E2E(bytes__sent_while_servers_are_tried__reach_the_last_one),
		E2E(backup__is_tried_after_the_others),
		E2E(client__that_waits_for_a_place__survives_a_crash_and_a_reload),
	};

	return E2E_RUN(tests);
}
