/* SPDX-License-Identifier: MIT */
/* max_connections and max_lifetime: exact over all workers, whatever happens to them. */
#include "harness.h"

#include "client.h"
#include "clients.h"
#include "figures.h"
#include "process.h"

enum { CROWD = 60, MOST = 20, WORKERS = 4 };

static struct server *start(const char *listen)
{
	return server_start(
		&(struct plan){ .listen = { listen, "127.0.0.1:0=echo" }, .workers = WORKERS });
}

/* Another listener goes on at any time. */
static void ask_other(struct server *s)
{
	int fd = client_connect(s->addresses[1]);

	client_say(fd, "other");
	client_hear(fd, "other");
	close(fd);
}

/* Those that are served leave one by one, and as many are served in their place. */
static void serve_all(struct clients *c)
{
	while (c->answered < c->count) {
		unsigned before = c->answered;

		clients_leave(c, 1);
		CLIENTS_UNTIL(c, c->answered > before);
	}
}

static void listener__at_its_limit__keeps_clients_in_the_queue(void **state)
{
	struct server *s = start("127.0.0.1:0=echo,max_connections=20");
	struct clients c = { .server = s, .served_most = MOST };

	(void)state;
	clients_open(&c, NULL, FIRST(s), CROWD);
	CLIENTS_UNTIL(&c, c.answered == MOST);
	server_wait_event(s, "limit_reached", "limit=max_connections source=- on_limit=wait");
	for (unsigned i = 0; i < 10; i++)
		ask_other(s);
	clients_exchange(&c);
	clients_look(&c);
	assert_int_equal(c.answered, MOST);
	assert_int_equal(server_count(s, "connection_opened", "listen=127.0.0.1:0 service=echo"),
			 MOST + 10);
	serve_all(&c);
	assert_int_equal(c.ended + c.reset, 0);
	clients_close(&c);
	server_stop(s);
}

static void turn_away(const char *listen, unsigned ended, unsigned reset)
{
	struct server *s = start(listen);
	struct clients c = { .server = s, .served_most = MOST };

	clients_open(&c, NULL, FIRST(s), CROWD);
	CLIENTS_UNTIL(&c, c.answered + c.ended + c.reset == CROWD);
	assert_int_equal(c.answered, MOST);
	assert_int_equal(c.ended, ended);
	assert_int_equal(c.reset, reset);
	ask_other(s);
	clients_exchange(&c);
	clients_close(&c);
	server_stop(s);
}

static void listener__at_its_limit__closes_or_resets(void **state)
{
	(void)state;
	turn_away("127.0.0.1:0=echo,max_connections=20,on_limit=close", CROWD - MOST, 0);
	turn_away("127.0.0.1:0=echo,max_connections=20,on_limit=reset", 0, CROWD - MOST);
}

static void workers__that_die__make_no_room_and_cost_none(void **state)
{
	struct server *s = start("127.0.0.1:0=echo,max_connections=20");
	struct clients c = { .server = s, .served_most = MOST };

	(void)state;
	clients_open(&c, NULL, FIRST(s), CROWD);
	CLIENTS_UNTIL(&c, c.answered == MOST);
	for (unsigned round = 0; round < 3 * WORKERS; round++) {
		kill(server_worker(s, round % WORKERS), SIGKILL);
		server_wait_count(s, round + 1, "connections_recovered", NULL);
		clients_exchange(&c);
		clients_look(&c);
		assert_int_equal(c.served, MOST);
		clients_leave(&c, 2);
		CLIENTS_UNTIL(&c, c.served == MOST);
	}
	serve_all(&c);
	assert_int_equal(c.ended + c.reset, 0);
	clients_close(&c);
	server_stop(s);
}

/* Worker and keeper die: their connections are closed, and count no more. */
static void workers__that_die_with_their_keepers__leave_their_places(void **state)
{
	struct server *s = start("127.0.0.1:0=echo,max_connections=20");
	struct clients c = { .server = s, .served_most = MOST };

	(void)state;
	/* enough for each of the deaths, one after the other, to cost all that are served */
	clients_open(&c, NULL, FIRST(s), 2 * CROWD);
	CLIENTS_UNTIL(&c, c.answered == MOST);
	for (unsigned i = 0; i < WORKERS; i++) {
		pid_t worker = server_worker(s, i);

		kill(server_keeper(s, i), SIGKILL);
		kill(worker, SIGKILL);
	}
	/* some of those that came in their place may have met another one of the dying workers */
	CLIENTS_UNTIL(&c, c.served == MOST && c.ended + c.reset >= MOST);
	assert_int_equal(c.answered, MOST + c.ended + c.reset);
	serve_all(&c);
	clients_close(&c);
	server_stop(s);
}

static void reload__keeps_the_count__and_changes_the_limit(void **state)
{
	static const char conf[] = "workers = 4\nlisten \"127.0.0.1:0\" { service = echo\n"
				   "max_connections = %u }\n";
	char text[256], said[256];
	struct clients c = { .served_most = MOST };
	struct server *s;

	(void)state;
	snprintf(text, sizeof(text), conf, MOST);
	s = c.server = server_start(&(struct plan){ .conf = text });
	clients_open(&c, NULL, FIRST(s), CROWD);
	CLIENTS_UNTIL(&c, c.answered == MOST);
	for (unsigned round = 0; round < 3; round++) {
		assert_int_equal(server_verb(s, "reload", said, sizeof(said)), 0);
		clients_exchange(&c);
		clients_look(&c);
		clients_leave(&c, 2);
		CLIENTS_UNTIL(&c, c.served == MOST);
	}
	snprintf(text, sizeof(text), conf, MOST + 5);
	server_configure(s, text);
	assert_int_equal(server_verb(s, "reload", said, sizeof(said)), 0);
	c.served_most = MOST + 5;
	CLIENTS_UNTIL(&c, c.served == MOST + 5);
	/* a lower limit ends nobody, and lets nobody in */
	snprintf(text, sizeof(text), conf, 5);
	server_configure(s, text);
	assert_int_equal(server_verb(s, "reload", said, sizeof(said)), 0);
	WAIT_UNTIL(s, figures_has_only_new(s));
	clients_exchange(&c);
	assert_int_equal(c.served, MOST + 5);
	clients_leave(&c, MOST);
	c.served_most = 5;
	clients_leave(&c, 1);
	CLIENTS_UNTIL(&c, c.served == 5);
	clients_close(&c);
	server_stop(s);
}

/* Connections that move count twice for a moment: no client must be refused for that. */
static void reload__under_a_limit_that_is_not_reached__refuses_nobody(void **state)
{
	struct server *s = start("127.0.0.1:0=echo,max_connections=105,max_per_source=105,"
				 "on_limit=reset");
	struct clients c = { .server = s }, guests = { .server = s };

	(void)state;
	clients_open(&c, "127.0.0.1", FIRST(s), 100);
	CLIENTS_UNTIL(&c, c.answered == 100);
	for (unsigned round = 1; round <= 5; round++) {
		server_signal(s, SIGHUP);
		while (server_count(s, "reload_finished", NULL) < round) {
			clients_open(&guests, "127.0.0.1", FIRST(s), 1);
			CLIENTS_UNTIL(&guests, guests.served == 1);
			clients_close(&guests);
			server_wait_count(s, guests.answered, "connection_ended", NULL);
		}
	}
	clients_exchange(&c);
	assert_int_equal(guests.ended + guests.reset, 0);
	clients_close(&c);
	server_stop(s);
}

static void listener__of_a_unix_socket__has_a_limit_as_any(void **state)
{
	char listen[128];
	struct server *s;
	struct clients c = { .served_most = MOST };

	(void)state;
	snprintf(listen, sizeof(listen), "unix:%s/x=echo,max_connections=20", harness_folder());
	s = c.server = start(listen);
	clients_open(&c, NULL, FIRST(s), CROWD);
	CLIENTS_UNTIL(&c, c.answered == MOST);
	serve_all(&c);
	clients_close(&c);
	server_stop(s);
}

/* Each worker has a socket of its own, and all of them one limit. */
static void listener__with_a_socket_for_each_worker__has_one_limit(void **state)
{
	struct server *s = start("127.0.0.1:0=echo,max_connections=20,reuse_port=yes");
	struct clients c = { .server = s, .served_most = MOST };

	(void)state;
	clients_open(&c, NULL, FIRST(s), CROWD);
	CLIENTS_UNTIL(&c, c.answered == MOST);
	serve_all(&c);
	clients_close(&c);
	server_stop(s);
}

/* Old between messages: it ends at once. In the middle of one, it is answered first. */
static void connection__that_has_lived_for_long__ends_between_messages(void **state)
{
	struct server *s = server_start(&(struct plan){
		.listen = { "127.0.0.1:0=ack,framing=line,reply=ok,max_lifetime=1s" } });
	int idle = client_connect(FIRST(s)), busy = client_connect(FIRST(s));

	(void)state;
	client_say(idle, "one\n");
	client_hear(idle, "ok\n");
	client_say(busy, "beg");
	client_expect_end(idle);
	assert_false(client_ended(busy, 0));
	client_say(busy, "un\n");
	client_hear(busy, "ok\n");
	client_expect_end(busy);
	close(idle);
	close(busy);
	server_wait_count(s, 2, "connection_ended", "ending=lifetime_reached");
	server_stop(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		E2E(listener__at_its_limit__keeps_clients_in_the_queue),
		E2E(listener__at_its_limit__closes_or_resets),
		E2E(workers__that_die__make_no_room_and_cost_none),
		E2E(workers__that_die_with_their_keepers__leave_their_places),
		E2E(reload__keeps_the_count__and_changes_the_limit),
		E2E(reload__under_a_limit_that_is_not_reached__refuses_nobody),
		E2E(listener__of_a_unix_socket__has_a_limit_as_any),
		E2E(listener__with_a_socket_for_each_worker__has_one_limit),
		E2E(connection__that_has_lived_for_long__ends_between_messages),
	};

	return E2E_RUN(tests);
}
