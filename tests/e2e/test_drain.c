/* SPDX-License-Identifier: MIT */
/*
 * Servers that are drained, and servers that come and go by reloads: the connections of all others
 * go on.
 */
#include "harness.h"

#include <poll.h>

#include "client.h"
#include "upstream.h"

enum { SERVERS = 3 };

struct scene {
	struct server *s;
	struct upstream list[SERVERS];
};

/* One connection through the server. */
struct pair {
	int client, server;
};

/* The configuration with these servers, in this order; -1 ends the list. */
static const char *conf_of(const struct scene *x, const int *order)
{
	static char servers[256];
	size_t used = 0;

	servers[0] = '\0';
	for (unsigned i = 0; order[i] >= 0; i++)
		used += (size_t)snprintf(servers + used, sizeof(servers) - used, "%s\"%s\"",
					 i > 0 ? ", " : "", x->list[order[i]].address);
	return upstream_conf_of(servers, "balance = round_robin", "", "workers = 2");
}

#define ORDER(...) ((const int[]){ __VA_ARGS__, -1 })

static void open_scene(struct scene *x, const int *order)
{
	for (unsigned i = 0; i < SERVERS; i++)
		upstream_open(&x->list[i]);
	x->s = server_start(&(struct plan){ .conf = conf_of(x, order) });
}

static void reload_with(struct scene *x, const int *order)
{
	server_configure(x->s, conf_of(x, order));
	upstream_reload(x->s);
}

static void close_scene(struct scene *x)
{
	for (unsigned i = 0; i < SERVERS; i++)
		upstream_close(&x->list[i]);
	server_wait_count(x->s, server_count(x->s, "connection_opened", NULL), "connection_ended",
			  NULL);
	server_stop(x->s);
}

static void order(const struct scene *x, const char *verb, const char *name, int code)
{
	const char *const arguments[] = { "-p", x->s->pid_file, "-s", verb, name, NULL };
	char said[512];

	if (harness_run(said, sizeof(said), arguments) != code)
		server_fail(x->s, "-s %s %s: %s", verb, name, said);
}

/* A new connection; returns the index of the server that gets it. */
static unsigned open_pair(const struct scene *x, struct pair *pair)
{
	struct pollfd fds[SERVERS];
	unsigned at = 0;

	pair->client = client_connect(FIRST(x->s));
	for (unsigned i = 0; i < SERVERS; i++)
		fds[i] = (struct pollfd){ .fd = x->list[i].fd, .events = POLLIN };
	assert_int_equal(poll(fds, SERVERS, WAIT_MS), 1);
	while (!(fds[at].revents & POLLIN))
		at++;
	pair->server = upstream_accept(&x->list[at]);
	return at;
}

static void close_pair(const struct pair *pair)
{
	close(pair->client);
	client_expect_end(pair->server);
	close(pair->server);
}

static void use_pairs(const struct pair *pairs, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		upstream_exchange(pairs[i].client, pairs[i].server);
}

/* So many new connections; returns how many of them the server of that index gets. */
static unsigned count_of(const struct scene *x, unsigned index, unsigned count)
{
	unsigned got = 0;
	struct pair pair;

	for (unsigned i = 0; i < count; i++) {
		got += open_pair(x, &pair) == index;
		close_pair(&pair);
	}
	return got;
}

static bool is_drained(const struct scene *x, unsigned index)
{
	return upstream_is(x->s, x->list[index].address, "\"state\":\"drained\"");
}

/* What it has goes on, and nothing new comes, whatever happens to the workers. */
static void drain__stays_over_a_reload_and_a_crash__until_undrain(void **state)
{
	struct pair pairs[2];
	struct scene x;
	char name[80];

	(void)state;
	open_scene(&x, ORDER(0, 1));
	assert_int_equal(open_pair(&x, &pairs[0]), 0);
	assert_int_equal(open_pair(&x, &pairs[1]), 1);
	order(&x, "drain", x.list[0].address, 0);
	assert_int_equal(count_of(&x, 0, 4), 0);
	upstream_reload(x.s);
	upstream_crash_at_rest(x.s, 0);
	upstream_crash_at_rest(x.s, 1);
	assert_true(is_drained(&x, 0));
	assert_false(is_drained(&x, 1));
	assert_int_equal(count_of(&x, 0, 4), 0);
	use_pairs(pairs, 2);
	snprintf(name, sizeof(name), "u/%s", x.list[0].address);
	order(&x, "undrain", name, 0);
	assert_false(is_drained(&x, 0));
	assert_int_equal(count_of(&x, 0, 4), 2);
	order(&x, "drain", "127.0.0.1:1", 1);
	for (unsigned i = 0; i < 2; i++)
		close_pair(&pairs[i]);
	close_scene(&x);
}

/*
 * The servers that stay change their places in the list. Their connections move; that of the server
 * that is gone goes on where it is, and moves once the server is back.
 */
static void reload__that_adds_and_removes_servers__touches_no_connection(void **state)
{
	struct pair pairs[2];
	struct scene x;

	(void)state;
	open_scene(&x, ORDER(0, 1));
	assert_int_equal(open_pair(&x, &pairs[0]), 0);
	assert_int_equal(open_pair(&x, &pairs[1]), 1);
	reload_with(&x, ORDER(2, 1));
	use_pairs(pairs, 2);
	assert_true(upstream_is(x.s, x.list[0].address, "\"state\":\"gone\""));
	assert_int_equal(count_of(&x, 0, 4), 0);
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(
			upstream_figure(x.s, x.list[i].address, "upstream_connections_live"), 1);
	reload_with(&x, ORDER(2, 0, 1));
	use_pairs(pairs, 2);
	for (unsigned i = 0; i < 2; i++) {
		close_pair(&pairs[i]);
		WAIT_UNTIL(x.s, upstream_figure(x.s, x.list[i].address,
						"upstream_connections_live") == 0);
	}
	close_scene(&x);
}

/* Another list in `to` is the same upstream: what is known of its servers holds. */
static void drain__of_a_server_of_to__stays_when_to_changes(void **state)
{
	static const char conf[] = "workers = 2\nlisten \"127.0.0.1:0\" { service = proxy\n"
				   " to = {\"%s\", \"%s\"%s%s%s} }\n";
	char text[512];
	struct pair pair;
	struct scene x;

	(void)state;
	for (unsigned i = 0; i < SERVERS; i++)
		upstream_open(&x.list[i]);
	snprintf(text, sizeof(text), conf, x.list[0].address, x.list[1].address, "", "", "");
	x.s = server_start(&(struct plan){ .conf = text });
	order(&x, "drain", x.list[1].address, 0);
	assert_int_equal(open_pair(&x, &pair), 0);
	snprintf(text, sizeof(text), conf, x.list[0].address, x.list[1].address, ", \"",
		 x.list[2].address, "\"");
	server_configure(x.s, text);
	upstream_reload(x.s);
	assert_true(is_drained(&x, 1));
	assert_int_equal(count_of(&x, 1, 8), 0);
	use_pairs(&pair, 1);
	server_wait_event(x.s, "reload_finished", "moved=1 staying=0");
	close_pair(&pair);
	close_scene(&x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		E2E(drain__stays_over_a_reload_and_a_crash__until_undrain),
		E2E(drain__of_a_server_of_to__stays_when_to_changes),
		E2E(reload__that_adds_and_removes_servers__touches_no_connection),
	};

	return E2E_RUN(tests);
}
