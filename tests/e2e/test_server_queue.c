/* SPDX-License-Identifier: MIT */
/* The order in which clients that wait get a place at a server with max_connections. */
#include "harness.h"

#include <sys/socket.h>

#include "client.h"
#include "process.h"
#include "upstream.h"

enum { CLIENTS = 20 };

/* A server with one place, which a client has; the others wait, each with its number. */
struct scene {
	struct server *s;
	struct upstream u;
	int client, place; /* the ends of the connection in the place */
	unsigned worker;   /* that has it */
	int clients[CLIENTS];
};

static unsigned waiting(const struct scene *x)
{
	return (unsigned)upstream_figure(x->s, x->u.address, "upstream_connections_waiting");
}

static void add_client(struct scene *x, unsigned number)
{
	unsigned before = waiting(x);

	x->clients[number] = client_connect(FIRST(x->s));
	client_send(x->clients[number], &(char){ (char)('a' + number) }, 1);
	WAIT_UNTIL(x->s, waiting(x) == before + 1);
}

static void open_scene(struct scene *x, const char *workers, unsigned count)
{
	upstream_open(&x->u);
	x->s = server_start(&(struct plan){
		.conf = upstream_conf(&x->u, "max_connections = 1  queue_timeout = 1h", "",
				      workers) });
	x->client = client_connect(FIRST(x->s));
	x->place = upstream_accept(&x->u);
	x->worker = server_count(x->s, "connection_opened", "worker=1") > 0;
	for (unsigned i = 0; i < count; i++)
		add_client(x, i);
}

static void free_place(const struct scene *x)
{
	close(x->place);
	close(x->client);
}

static void close_scene(struct scene *x)
{
	free_place(x);
	WAIT_UNTIL(x->s, upstream_figure(x->s, x->u.address, "upstream_connections_live") == 0);
	upstream_close(&x->u);
	server_stop(x->s);
}

/* Returns the number of the client that has the place now. */
static unsigned take_place(struct scene *x)
{
	char letter = 0;
	unsigned number;

	x->place = upstream_accept(&x->u);
	assert_int_equal(recv(x->place, &letter, 1, 0), 1);
	number = (unsigned)(letter - 'a');
	assert_in_range(number, 0, CLIENTS - 1);
	x->client = x->clients[number];
	return number;
}

static unsigned pass_on(struct scene *x)
{
	free_place(x);
	return take_place(x);
}

static void clients__of_a_worker__are_served_as_they_came(void **state)
{
	struct scene x;

	(void)state;
	open_scene(&x, "workers = 1", CLIENTS);
	for (unsigned i = 0; i < CLIENTS; i++)
		assert_int_equal(pass_on(&x), i);
	close_scene(&x);
}

/* The next worker makes its line from the records, in whatever order these are. */
static void order__over_a_crash_and_a_reload__stays(void **state)
{
	struct scene x;

	(void)state;
	open_scene(&x, "workers = 1", CLIENTS / 2);
	for (unsigned i = 0; i < 5; i++)
		assert_int_equal(pass_on(&x), i);
	for (unsigned i = CLIENTS / 2; i < CLIENTS; i++)
		add_client(&x, i); /* in records of those that are gone */
	upstream_crash_at_rest(x.s, 0);
	assert_int_equal(waiting(&x), CLIENTS - 5);
	for (unsigned i = 5; i < 10; i++)
		assert_int_equal(pass_on(&x), i);
	upstream_reload(x.s);
	for (unsigned i = 10; i < CLIENTS; i++)
		assert_int_equal(pass_on(&x), i);
	close_scene(&x);
}

/* One that leaves while it waits makes way for the one behind it. */
static void client__that_leaves_the_line__is_passed_over(void **state)
{
	struct scene x;

	(void)state;
	open_scene(&x, "workers = 1", 4);
	client_reset(x.clients[0]);
	client_reset(x.clients[2]);
	WAIT_UNTIL(x.s, waiting(&x) == 2);
	assert_int_equal(pass_on(&x), 1);
	assert_int_equal(pass_on(&x), 3);
	close_scene(&x);
}

/* It is told so when it sends: it waits for no place any more, whether it leaves or not. */
static void client__whose_access_was_withdrawn__is_passed_over(void **state)
{
	enum { WITHDRAWN = 0 };
	struct scene x;

	(void)state;
	open_scene(&x, "workers = 1", 0);
	x.clients[WITHDRAWN] = client_try_from("127.0.0.2", FIRST(x.s));
	assert_true(x.clients[WITHDRAWN] >= 0);
	WAIT_UNTIL(x.s, waiting(&x) == 1);
	add_client(&x, 1);
	server_configure(x.s, upstream_conf(&x.u, "max_connections = 1  queue_timeout = 1h",
					    "deny = 127.0.0.2", "workers = 1"));
	upstream_reload(x.s);
	client_send(x.clients[WITHDRAWN], "a", 1);
	assert_true(client_ended(x.clients[WITHDRAWN], WAIT_MS));
	WAIT_UNTIL(x.s, waiting(&x) == 1);
	assert_int_equal(pass_on(&x), 1);
	close(x.clients[WITHDRAWN]);
	close_scene(&x);
}

/* Those that wait have no server yet: they get the one that the new configuration has. */
static void reload__that_replaces_the_server__serves_those_that_wait(void **state)
{
	enum { WAITING = 5 };
	struct upstream before;
	struct scene x;

	(void)state;
	open_scene(&x, "workers = 1", WAITING);
	before = x.u;
	upstream_open(&x.u);
	server_configure(x.s, upstream_conf(&x.u, "max_connections = 1  queue_timeout = 1h", "",
					    "workers = 1"));
	upstream_reload(x.s);
	free_place(&x);
	for (unsigned i = 0; i < WAITING; i++) {
		assert_int_equal(take_place(&x), i);
		assert_int_equal(waiting(&x), WAITING - 1 - i);
		if (i < WAITING - 1)
			free_place(&x);
	}
	assert_false(upstream_has(&before, 0));
	upstream_close(&before);
	close_scene(&x);
}

/* Each worker has a line; nobody is far from where one line would have had it. */
static void clients__of_two_workers__are_served_nearly_as_they_came(void **state)
{
	enum { FAR = 3 };
	struct scene x;

	(void)state;
	open_scene(&x, "workers = 2", CLIENTS);
	for (unsigned i = 0; i < CLIENTS; i++) {
		unsigned number = pass_on(&x);

		assert_in_range(number + FAR, i, i + 2 * FAR);
	}
	close_scene(&x);
}

/* A worker that does not look at its line, nor leaves it, keeps nobody else from a place. */
static void worker__that_is_stopped_or_dies__blocks_no_other(void **state)
{
	struct scene x;
	unsigned served = 0;

	(void)state;
	open_scene(&x, "workers = 2\nhang_timeout = off", CLIENTS);
	assert_int_equal(kill(server_worker(x.s, 1 - x.worker), SIGSTOP), 0);
	free_place(&x);
	while (upstream_has(&x.u, 1000)) {
		served++;
		take_place(&x);
		free_place(&x);
	}
	/* the other worker's have all been served, however long those of the stopped one wait */
	assert_in_range(served, 1, CLIENTS - 1);
	assert_int_equal(waiting(&x), CLIENTS - served);
	upstream_crash(x.s, 1 - x.worker);
	for (; served < CLIENTS; served++) {
		take_place(&x);
		if (served < CLIENTS - 1)
			free_place(&x);
	}
	assert_int_equal(waiting(&x), 0);
	close_scene(&x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		E2E(clients__of_a_worker__are_served_as_they_came),
		E2E(order__over_a_crash_and_a_reload__stays),
		E2E(client__that_leaves_the_line__is_passed_over),
		E2E(client__whose_access_was_withdrawn__is_passed_over),
		E2E(reload__that_replaces_the_server__serves_those_that_wait),
		E2E(clients__of_two_workers__are_served_nearly_as_they_came),
		E2E(worker__that_is_stopped_or_dies__blocks_no_other),
	};

	return E2E_RUN(tests);
}
