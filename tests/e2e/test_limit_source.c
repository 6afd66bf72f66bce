/* SPDX-License-Identifier: MIT */
/* Limits of each source: who is served, who waits, and that no event loses anyone. */
#include "harness.h"

#include "client.h"
#include "clients.h"
#include "figures.h"
#include "process.h"

enum { CROWD = 200, MOST = 50, WORKERS = 4 };

static struct server *start(const char *set)
{
	char listen[128];

	snprintf(listen, sizeof(listen), "127.0.0.1:0=echo,max_per_source=50%s", set);
	return server_start(&(struct plan){ .listen = { listen }, .workers = WORKERS });
}

/* One from the other address, at any time. */
static void ask_from_elsewhere(struct server *s)
{
	int fd = client_try_from("127.0.0.2", FIRST(s));

	assert_true(fd >= 0);
	client_say(fd, "far");
	client_hear(fd, "far");
	close(fd);
}

/* Those that are served leave a few at a time, until all have been served. */
static void serve_all(struct clients *c)
{
	while (c->answered < c->count) {
		unsigned before = c->answered, leave = c->served < 7 ? c->served : 7;
		unsigned left = c->count - c->answered;

		clients_leave(c, leave);
		CLIENTS_UNTIL(c, c->answered >= before + (left < leave ? left : leave));
		ask_from_elsewhere(c->server);
	}
}

/* All that came are served, and none is lost. */
static void serve_whole_crowd(struct clients *c)
{
	serve_all(c);
	assert_int_equal(c->answered, CROWD);
	assert_int_equal(c->ended + c->reset, 0);
}

static void source__at_its_limit__waits__and_all_are_served_in_the_end(void **state)
{
	struct server *s = start("");
	struct clients c = { .server = s, .served_most = MOST };

	(void)state;
	clients_open(&c, "127.0.0.1", FIRST(s), CROWD);
	ask_from_elsewhere(s);
	CLIENTS_UNTIL(&c, c.answered == MOST);
	ask_from_elsewhere(s);
	clients_exchange(&c);
	assert_int_equal(c.ended + c.reset, 0);
	serve_whole_crowd(&c);
	server_wait_event(s, "limit_reached",
			  "limit=max_per_source source=127.0.0.1 on_limit=wait");
	clients_close(&c);
	server_stop(s);
}

static void turn_away(const char *set, unsigned ended, unsigned reset, const char *ending)
{
	struct server *s = start(set);
	struct clients c = { .server = s, .served_most = MOST };

	clients_open(&c, "127.0.0.1", FIRST(s), CROWD);
	CLIENTS_UNTIL(&c, c.answered == MOST && c.ended == ended && c.reset == reset);
	ask_from_elsewhere(s);
	clients_exchange(&c);
	server_wait_count(s, CROWD - MOST, "connection_ended", ending);
	/* those who leave make room */
	clients_leave(&c, 10);
	server_wait_count(s, 10, "connection_ended", "ending=client_closed");
	clients_open(&c, "127.0.0.1", FIRST(s), 10);
	CLIENTS_UNTIL(&c, c.answered == MOST + 10);
	clients_close(&c);
	server_stop(s);
}

static void source__at_its_limit__is_closed_with_an_end(void **state)
{
	(void)state;
	turn_away(",on_limit=close", CROWD - MOST, 0, "ending=limit_source");
}

static void source__at_its_limit__is_reset(void **state)
{
	(void)state;
	turn_away(",on_limit=reset", 0, CROWD - MOST, "ending=limit_source");
}

/* Ten of those that are served leave, for the nth time, and ten that wait are served. */
static void replace_ten(struct clients *c, unsigned round)
{
	clients_exchange(c);
	clients_look(c);
	clients_leave(c, 10);
	CLIENTS_UNTIL(c, c->answered == MOST + round * 10);
}

static void kill_all_workers(struct server *s)
{
	for (unsigned i = 0; i < WORKERS; i++)
		kill(server_worker(s, i), SIGKILL);
}

/* None is lost, and no count is wrong afterwards: clients_look would see more than the limit. */
static void workers__killed_while_clients_wait__lose_none(void **state)
{
	struct server *s = start("");
	struct clients c = { .server = s, .served_most = MOST };

	(void)state;
	clients_open(&c, "127.0.0.1", FIRST(s), CROWD);
	CLIENTS_UNTIL(&c, c.answered == MOST);
	for (unsigned round = 1; round <= 3; round++) {
		kill_all_workers(s);
		server_wait_count(s, round * WORKERS, "connections_recovered", NULL);
		replace_ten(&c, round);
	}
	serve_whole_crowd(&c);
	clients_close(&c);
	server_stop(s);
}

static void reload__while_clients_wait__moves_them(void **state)
{
	struct server *s = start("");
	struct clients c = { .server = s, .served_most = MOST };
	char said[256];

	(void)state;
	clients_open(&c, "127.0.0.1", FIRST(s), CROWD);
	CLIENTS_UNTIL(&c, c.answered == MOST);
	for (unsigned round = 1; round <= 3; round++) {
		assert_int_equal(server_verb(s, "reload", said, sizeof(said)), 0);
		replace_ten(&c, round);
	}
	serve_whole_crowd(&c);
	figures_check(s);
	clients_close(&c);
	server_stop(s);
}

/* The old workers serve those that wait as their sources have room, counting with the new ones. */
static void reload__without_moving__serves_those_that_wait_in_the_old_workers(void **state)
{
	struct server *s =
		server_start(&(struct plan){ .listen = { "127.0.0.1:0=echo,max_per_source=50" },
					     .set = { "move_connections=no" },
					     .workers = WORKERS });
	struct clients c = { .server = s, .served_most = MOST };
	char said[256];

	(void)state;
	clients_open(&c, "127.0.0.1", FIRST(s), CROWD);
	CLIENTS_UNTIL(&c, c.answered == MOST);
	assert_int_equal(server_verb(s, "reload", said, sizeof(said)), 0);
	/* a stopping worker ends the connections that are between messages, and has room then */
	CLIENTS_UNTIL(&c, c.answered == CROWD);
	CLIENTS_UNTIL(&c, c.ended == CROWD);
	assert_int_equal(c.reset, 0);
	clients_close(&c);
	server_stop(s);
}

/* A limit that a reload brings counts the connections that have moved. */
static void reload__that_brings_a_limit__counts_what_is_there(void **state)
{
	struct server *s = server_start(&(struct plan){
		.conf = "workers = 4\nlisten \"127.0.0.1:0\" { service = echo }\n" });
	struct clients c = { .server = s };
	char said[256];

	(void)state;
	clients_open(&c, "127.0.0.1", FIRST(s), MOST + 10);
	CLIENTS_UNTIL(&c, c.answered == MOST + 10);
	server_configure(s, "workers = 4\nlisten \"127.0.0.1:0\" { service = echo\n"
			    "max_per_source = 50 }\n");
	assert_int_equal(server_verb(s, "reload", said, sizeof(said)), 0);
	WAIT_UNTIL(s, figures_has_only_new(s));
	clients_exchange(&c);
	clients_open(&c, "127.0.0.1", FIRST(s), 1);
	clients_leave(&c, 10);
	ask_from_elsewhere(s);
	clients_exchange(&c);
	clients_look(&c);
	assert_int_equal(c.answered, MOST + 10);
	clients_leave(&c, 1);
	CLIENTS_UNTIL(&c, c.answered == MOST + 11);
	clients_close(&c);
	server_stop(s);
}

/* The worker has given its socket away; it counts until its program has ended. */
static void program__of_a_connection__counts_while_it_runs(void **state)
{
	struct server *s = server_start(&(struct plan){
		.listen = { "127.0.0.1:0=exec,command=/bin/cat,max_per_source=3" }, .workers = 2 });
	struct clients c = { .server = s, .served_most = 3 };

	(void)state;
	clients_open(&c, "127.0.0.1", FIRST(s), 8);
	CLIENTS_UNTIL(&c, c.answered == 3);
	clients_exchange(&c);
	for (unsigned i = 3; i < 8; i++) {
		clients_leave(&c, 1);
		CLIENTS_UNTIL(&c, c.answered == i + 1);
	}
	assert_int_equal(c.ended + c.reset, 0);
	clients_close(&c);
	server_stop(s);
}

static void status__lists_the_sources_at_their_limit(void **state)
{
	struct server *s = start("");
	struct clients c = { .server = s };
	char out[8192];

	(void)state;
	clients_open(&c, "127.0.0.1", FIRST(s), MOST + 3);
	clients_open(&c, "127.0.0.9", FIRST(s), MOST);
	clients_open(&c, "127.0.0.8", FIRST(s), MOST - 1);
	CLIENTS_UNTIL(&c, c.answered == 3 * MOST - 1);
	/* the master looks once a second */
	WAIT_UNTIL(s, server_verb(s, "status", out, sizeof(out)) == 0 && strstr(out, "SOURCES") &&
			      strstr(out, "127.0.0.9 "));
	if (!strstr(out, "max_per_source     50        3        3  wait") ||
	    !strstr(out, "127.0.0.1  127") || strstr(out, "127.0.0.8"))
		server_fail(s, "the status says: %s", out);
	clients_leave(&c, 2 * MOST - 1);
	WAIT_UNTIL(s, server_verb(s, "status", out, sizeof(out)) == 0 &&
			      !strstr(out, "127.0.0.1  127"));
	clients_close(&c);
	server_stop(s);
}

static void stop__while_clients_wait__ends_all(void **state)
{
	struct server *s = start("");
	struct clients c = { .server = s };

	(void)state;
	clients_open(&c, "127.0.0.1", FIRST(s), CROWD);
	CLIENTS_UNTIL(&c, c.answered == MOST);
	server_wait_count(s, CROWD, "connection_opened", NULL); /* none is in the kernel's queue */
	server_signal(s, SIGTERM);
	/* each that waits with a message is answered, as those that were served go */
	CLIENTS_UNTIL(&c, c.answered == CROWD && c.ended == CROWD);
	server_end(s, 0, 0);
	clients_close(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		E2E(source__at_its_limit__waits__and_all_are_served_in_the_end),
		E2E(source__at_its_limit__is_closed_with_an_end),
		E2E(source__at_its_limit__is_reset),
		E2E(workers__killed_while_clients_wait__lose_none),
		E2E(reload__while_clients_wait__moves_them),
		E2E(reload__without_moving__serves_those_that_wait_in_the_old_workers),
		E2E(reload__that_brings_a_limit__counts_what_is_there),
		E2E(program__of_a_connection__counts_while_it_runs),
		E2E(status__lists_the_sources_at_their_limit),
		E2E(stop__while_clients_wait__ends_all),
	};

	return E2E_RUN(tests);
}
