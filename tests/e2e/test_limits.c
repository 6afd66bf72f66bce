/* SPDX-License-Identifier: MIT */
/* Workers without descriptors or without room: they pause, and no client is refused. */
#include "harness.h"

#include <sys/socket.h>

#include "client.h"
#include "process.h"
#include "upstream.h"

enum { CROWD = 80 };

static void descriptors__used_up__pause_and_resume(void **state)
{
	struct server *s = server_start(&(struct plan){ .set = { "rlimit_nofile=100" } });
	int fds[CROWD];

	(void)state;
	for (int i = 0; i < CROWD; i++) {
		fds[i] = client_connect(FIRST(s));
		client_say(fds[i], "x");
	}
	server_wait_event(s, "accept_paused", NULL);
	for (int i = 0; i < CROWD; i++) {
		client_hear(fds[i], ACK);
		close(fds[i]);
	}
	server_wait_event(s, "accept_resumed", NULL);
	server_wait_count(s, CROWD, "connection_ended", "ending=client_closed");
	assert_int_equal(server_count(s, "connection_opened", NULL), CROWD);
	server_stop(s);
}

/* A descriptor becomes free and is taken again all the time. */
static void descriptors__short_for_long__are_said_to_be_once(void **state)
{
	enum { ROUNDS = 5 };
	struct server *s = server_start(&(struct plan){ .set = { "rlimit_nofile=100" } });
	int64_t begun_ms = clock_ms();
	int fds[CROWD];

	(void)state;
	for (int round = 0; round < ROUNDS; round++) {
		for (int i = 0; i < CROWD; i++)
			fds[i] = client_connect(FIRST(s));
		for (int i = 0; i < CROWD; i++) {
			client_say(fds[i], "x");
			client_hear(fds[i], ACK);
			close(fds[i]);
		}
	}
	server_wait_count(s, ROUNDS * CROWD, "connection_ended", NULL);
	assert_in_range(server_count(s, "accept_paused", NULL), 1,
			1 + (clock_ms() - begun_ms) / 1000);
	server_stop(s);
}

/*
 * A connection that is passed on needs a second descriptor. One that has none yet waits for it, and
 * others are left in the queue.
 */
static void descriptors__short_for_upstreams__make_clients_wait(void **state)
{
	struct upstream u;
	struct server *s;
	int fds[CROWD];

	(void)state;
	upstream_open(&u);
	s = server_start(
		&(struct plan){ .conf = upstream_conf(&u, "connect_timeout = 1m", "",
						      "workers = 1\nrlimit_nofile = 100") });
	for (int i = 0; i < CROWD; i++) {
		char number = (char)i;

		fds[i] = client_connect(FIRST(s));
		client_send(fds[i], &number, 1);
	}
	server_wait_event(s, "accept_paused", NULL);
	for (int i = 0; i < CROWD; i++) {
		int fd = upstream_accept(&u);
		char number = -1;

		assert_int_equal(recv(fd, &number, 1, MSG_WAITALL), 1);
		assert_in_range(number, 0, CROWD - 1);
		client_reset(fds[(int)number]);
		close(fd);
	}
	server_wait_count(s, CROWD, "connection_ended", NULL);
	assert_int_equal(server_count(s, "connection_ended", "ending=system_error"), 0);
	upstream_close(&u);
	server_stop(s);
}

static void descriptors__used_up__do_not_hinder_a_stop(void **state)
{
	struct server *s = server_start(&(struct plan){ .set = { "rlimit_nofile=100" } });
	int fds[CROWD];

	(void)state;
	for (int i = 0; i < CROWD; i++)
		fds[i] = client_connect(FIRST(s));
	server_wait_event(s, "accept_paused", NULL);
	server_stop(s);
	for (int i = 0; i < CROWD; i++)
		close(fds[i]);
}

static void worker__that_is_full__leaves_the_others_in_the_queue(void **state)
{
	struct server *s =
		server_start(&(struct plan){ .set = { "worker_connections=2", "make_room=no" } });
	int fds[5];

	(void)state;
	for (int i = 0; i < 5; i++) {
		fds[i] = client_connect(FIRST(s));
		client_say(fds[i], "x");
	}
	client_hear(fds[0], ACK);
	client_hear(fds[1], ACK);
	server_wait_event(s, "worker_full", NULL);
	for (int i = 0; i < 5; i++) {
		client_say(fds[0], "again");
		client_hear(fds[0], ACK);
	}
	assert_int_equal(server_count(s, "connection_opened", NULL), 2);
	assert_false(client_ended(fds[4], 0));
	for (int i = 0; i < 5; i++) {
		if (i > 1)
			client_hear(fds[i], ACK);
		close(fds[i]);
	}
	server_wait_count(s, 5, "connection_ended", NULL);
	server_stop(s);
}

static void worker__that_is_full__the_other_one_takes_over(void **state)
{
	struct server *s =
		server_start(&(struct plan){ .set = { "worker_connections=2" }, .workers = 2 });
	int fds[4];

	(void)state;
	for (int i = 0; i < 4; i++) {
		fds[i] = client_connect(FIRST(s));
		client_say(fds[i], "x");
	}
	for (int i = 0; i < 4; i++)
		client_hear(fds[i], ACK);
	for (int i = 0; i < 4; i++)
		close(fds[i]);
	server_stop(s);
}

/*
 * 2 workers of 20 places, 60 resting clients: the other listener answers, and the oldest clients
 * have been closed.
 */
static void clients__that_rest__make_room__the_oldest_first(void **state)
{
	enum { REST = 60, ROOM = 40 };
	struct server *s = server_start(&(struct plan){
		.set = { "worker_connections=20" },
		.listen = { "127.0.0.1:0=echo", "127.0.0.1:0=status" },
		.workers = 2,
	});
	int fds[REST];
	unsigned gone = 0;

	(void)state;
	for (int i = 0; i < REST; i++) {
		fds[i] = client_connect(FIRST(s));
		client_say(fds[i], "x");
		client_hear(fds[i], "x");
	}
	for (int i = 0; i < REST - ROOM; i++) {
		int fd = client_connect(s->addresses[1]);

		client_say(fd, "GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
		client_hear(fd, "HTTP/1.1 200 OK\r\n");
		close(fd);
	}
	server_wait_count(s, REST - ROOM, "connection_ended", "ending=made_room");
	for (int i = 0; i < REST; i++)
		gone += client_ended(fds[i], 0);
	assert_true(client_ended(fds[0], 0));
	assert_false(client_ended(fds[REST - 1], 0));
	assert_int_equal(gone, server_count(s, "connection_ended", "ending=made_room"));
	assert_in_range(server_count(s, "worker_full", NULL), 1, 2); /* once by each worker */
	for (int i = 0; i < REST; i++)
		close(fds[i]);
	server_stop(s);
}

/* No client rests, so none is closed: the reserved places still serve their listener. */
static void listener__with_a_reserve__serves_while_others_are_full(void **state)
{
	enum { BUSY = 10 };
	struct server *s = server_start(&(struct plan){
		.set = { "worker_connections=6" },
		.listen = { "127.0.0.1:0=ack,framing=line,reply=ok",
			    "127.0.0.1:0=status,reserve=2" },
	});
	int fds[BUSY];

	(void)state;
	for (int i = 0; i < BUSY; i++) {
		fds[i] = client_connect(FIRST(s));
		client_say(fds[i], "begun");
	}
	server_wait_event(s, "worker_full", "listen=127.0.0.1:0");
	for (int i = 0; i < 5; i++) {
		int fd = client_connect(s->addresses[1]);

		client_say(fd, "GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
		client_hear(fd, "HTTP/1.1 200 OK\r\n");
		close(fd);
	}
	for (int i = 0; i < BUSY; i++) {
		client_say(fds[i], "\n");
		client_hear(fds[i], "ok\n");
		close(fds[i]);
	}
	server_stop(s);
}

static void reload__to_more_workers_than_descriptors__changes_nothing(void **state)
{
	struct server *s = server_start(
		&(struct plan){ .conf = "workers = 1\nrlimit_nofile = 100\n"
					"listen \"127.0.0.1:0\" { service = ack }\n" });

	(void)state;
	s->errors[0] = "reload_failed";
	server_configure(s, "workers = 60\nrlimit_nofile = 100\n"
			    "listen \"127.0.0.1:0\" { service = ack }\n");
	server_signal(s, SIGHUP);
	if (!strstr(server_wait_event(s, "reload_failed", NULL),
		    "rlimit_nofile: for 60 workers, room for 16 more"))
		server_fail(s, "the reload failed for another reason");
	client_ask(FIRST(s), "x", ACK);
	server_stop(s);
}

/* It knows the sockets that are open already. */
static void reload__to_fewer_descriptors_than_a_worker_needs__changes_nothing(void **state)
{
	static const char listen[] = "listen \"127.0.0.1:0\" { service = ack }\n";
	enum { LISTENS = 30 };
	char conf[LISTENS * sizeof(listen) + 64] = "workers = 1\n", tight[sizeof(conf) + 32];
	struct server *s;

	(void)state;
	for (unsigned i = 0, at = strlen(conf); i < LISTENS; i++, at += sizeof(listen) - 1)
		memcpy(conf + at, listen, sizeof(listen));
	s = server_start(&(struct plan){ .conf = conf });
	s->errors[0] = "reload_failed";
	snprintf(tight, sizeof(tight), "rlimit_nofile = 90\n%s", conf);
	server_configure(s, tight);
	server_signal(s, SIGHUP);
	if (!strstr(server_wait_event(s, "reload_failed", NULL), "and 30 listening sockets"))
		server_fail(s, "the reload failed for another reason");
	client_ask(FIRST(s), "x", ACK);
	server_stop(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		E2E(descriptors__used_up__pause_and_resume),
		E2E(descriptors__short_for_long__are_said_to_be_once),
		E2E(descriptors__short_for_upstreams__make_clients_wait),
		E2E(descriptors__used_up__do_not_hinder_a_stop),
		E2E(reload__to_fewer_descriptors_than_a_worker_needs__changes_nothing),
		E2E(worker__that_is_full__leaves_the_others_in_the_queue),
		E2E(worker__that_is_full__the_other_one_takes_over),
		E2E(clients__that_rest__make_room__the_oldest_first),
		E2E(listener__with_a_reserve__serves_while_others_are_full),
		E2E(reload__to_more_workers_than_descriptors__changes_nothing),
	};

	return E2E_RUN(tests);
}
