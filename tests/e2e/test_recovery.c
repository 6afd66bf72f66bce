/* SPDX-License-Identifier: MIT */
/* A dead worker's clients notice nothing, except the one whose connection was in hand. */
#include "harness.h"

#include "client.h"
#include "process.h"
#include "upstream.h"

enum { CROWD = 60 };

/* CROWD connections, each of which has had one answer. */
static void open_crowd(const struct server *s, int *fds)
{
	for (int i = 0; i < CROWD; i++) {
		fds[i] = client_connect(FIRST(s));
		client_say(fds[i], "x");
		client_hear(fds[i], ACK);
	}
}

static void ask_crowd(const int *fds)
{
	for (int i = 0; i < CROWD; i++) {
		client_say(fds[i], "y");
		client_hear(fds[i], ACK);
	}
}

static void close_crowd(const int *fds)
{
	for (int i = 0; i < CROWD; i++)
		close(fds[i]);
}

/* A worker that waits for the next event has nothing in hand. */
static void kill_idle(struct server *s, unsigned worker, unsigned deaths)
{
	pid_t victim = server_worker(s, worker);

	WAIT_UNTIL(s, process_sleeps(victim));
	kill(victim, SIGKILL);
	server_wait_count(s, deaths, "connections_recovered", NULL);
}

static void worker__killed__again_and_again__costs_no_idle_connection(void **state)
{
	struct server *s = server_start(&(struct plan){ .workers = 2 });
	int fds[CROWD];

	(void)state;
	open_crowd(s, fds);
	for (unsigned i = 0; i < 10; i++) {
		kill_idle(s, i % 2, i + 1);
		ask_crowd(fds);
	}
	assert_int_equal(server_count(s, "arena_emptied", NULL), 0);
	assert_int_equal(server_count(s, "connection_ended", "ending=worker_crash"), 0);
	close_crowd(fds);
	server_wait_count(s, CROWD, "connection_ended", "ending=client_closed");
	server_stop(s);
}

static void message__half_sent__goes_on_in_the_next_worker(void **state)
{
	struct server *s =
		server_start(&(struct plan){ .listen = { "127.0.0.1:0=ack,framing=line" } });
	int fd = client_connect(FIRST(s));

	(void)state;
	client_say(fd, "one\ntw");
	client_hear(fd, ACK "\n");
	kill_idle(s, 0, 1);
	client_say(fd, "o\n");
	client_hear(fd, ACK "\n");
	close(fd);
	server_stop(s);
}

/*
 * The worker drains for the sake of one client, which is in a message, and dies. Returns the
 * client.
 */
static int kill_draining(struct server *s)
{
	int fd = client_connect(FIRST(s));

	client_say(fd, "one\ntw");
	client_hear(fd, ACK "\n");
	server_signal(s, SIGTERM);
	WAIT_UNTIL(s, server_draining(s) == 1);
	WAIT_UNTIL(s, client_try(FIRST(s)) < 0);
	kill(server_drainer(s, 0), SIGKILL);
	server_wait_event(s, "connections_recovered", "kept=1");
	return fd;
}

static void worker__that_drains__stays_draining(void **state)
{
	struct server *s =
		server_start(&(struct plan){ .listen = { "127.0.0.1:0=ack,framing=line" } });
	int fd = kill_draining(s);

	(void)state;
	client_say(fd, "o\n");
	client_hear(fd, ACK "\n");
	client_expect_end(fd);
	close(fd);
	server_end(s, 0, 0);
}

/* The master kills what is left some time later, and those connections count as lost. */
static void worker__that_drains__has_a_successor_with_the_same_time_limit(void **state)
{
	struct server *s = server_start(&(struct plan){
		.listen = { "127.0.0.1:0=ack,framing=line" }, .set = { "shutdown_timeout=1s" } });
	int fd = kill_draining(s);

	(void)state;
	client_expect_end(fd);
	close(fd);
	server_wait_event(s, "connection_ended", "ending=shutdown_timeout");
	server_end(s, 0, 0);
}

/*
 * The worker hangs when it is told to leave, and the log is reopened meanwhile: its successor
 * passes the connections on and leaves.
 */
static void worker__that_hangs_while_it_retires__has_a_successor_that_leaves(void **state)
{
	struct server *s = server_start(&(struct plan){ .set = { "hang_timeout=1s" } });
	pid_t victim = server_worker(s, 0);
	int fds[CROWD];

	(void)state;
	open_crowd(s, fds);
	WAIT_UNTIL(s, process_sleeps(victim));
	kill(victim, SIGSTOP);
	server_signal(s, SIGHUP);
	server_wait_event(s, "worker_retired", NULL);
	server_signal(s, SIGUSR1);
	server_wait_event(s, "connections_recovered", NULL);
	server_wait_event(s, "worker_exited", NULL);
	ask_crowd(fds);
	close_crowd(fds);
	client_ask(FIRST(s), "x", ACK);
	server_stop(s);
}

static void keeper__killed__the_worker_goes_on(void **state)
{
	struct server *s = server_start(&(struct plan){ 0 });
	int fds[CROWD];
	char lost[32];

	(void)state;
	open_crowd(s, fds);
	kill(server_keeper(s, 0), SIGKILL);
	server_wait_event(s, "keeper_died", "worker=0");
	ask_crowd(fds);
	kill(server_worker(s, 0), SIGKILL);
	snprintf(lost, sizeof(lost), "worker=0 lost=%d", CROWD);
	server_wait_event(s, "connections_lost", lost);
	server_wait_count(s, 2, "worker_ready", NULL);
	for (int i = 0; i < CROWD; i++)
		assert_true(client_ended(fds[i], WAIT_MS));
	close_crowd(fds);
	client_ask(FIRST(s), "x", ACK); /* the slot has a new pair */
	assert_true(server_keeper(s, 0) > 0);
	server_stop(s);
}

static void worker__that_hangs__costs_no_idle_connection(void **state)
{
	struct server *s = server_start(&(struct plan){ .set = { "hang_timeout=300ms" } });
	int fds[CROWD];

	(void)state;
	open_crowd(s, fds);
	WAIT_UNTIL(s, process_sleeps(server_worker(s, 0)));
	kill(server_worker(s, 0), SIGSTOP);
	server_wait_event(s, "worker_hung", NULL);
	server_wait_event(s, "connections_recovered", NULL);
	ask_crowd(fds);
	close_crowd(fds);
	server_stop(s);
}

/*
 * Another process tells the worker to leave: it leaves nothing to take over, not even listening
 * sockets.
 */
static void worker__told_to_leave_by_a_stranger__is_replaced(void **state)
{
	struct server *s = server_start(&(struct plan){ 0 });
	int fd = client_connect(FIRST(s));

	(void)state;
	client_say(fd, "x");
	client_hear(fd, ACK);
	kill(server_worker(s, 0), SIGTERM);
	client_expect_end(fd);
	close(fd);
	server_wait_count(s, 2, "worker_ready", NULL);
	client_ask(FIRST(s), "x", ACK);
	assert_int_equal(server_count(s, "keeper_died", NULL), 0);
	server_stop(s);
}

static void keeper__signalled_by_a_stranger__does_not_hear_it(void **state)
{
	struct server *s = server_start(&(struct plan){ 0 });
	pid_t keeper = server_keeper(s, 0), pids[8];
	int fd = client_connect(FIRST(s));

	(void)state;
	/* stopped, so that it gets all of them before the master's */
	kill(keeper, SIGSTOP);
	kill(keeper, SIGUSR1);
	kill(keeper, SIGTERM);
	kill(keeper, SIGRTMIN);
	kill(keeper, SIGRTMIN + 1);
	client_say(fd, "x");
	client_hear(fd, ACK);
	kill_idle(s, 0, 1);
	assert_int_equal(server_workers(s, pids, 8), 1);
	assert_int_equal(server_keeper(s, 0), keeper);
	client_say(fd, "y");
	client_hear(fd, ACK);
	close(fd);
	server_stop(s);
}

/* Only its keeper can end the worker then. */
static void worker__that_hangs_when_the_master_dies__is_ended(void **state)
{
	struct server *s = server_start(&(struct plan){ .set = { "shutdown_timeout=300ms" } });
	pid_t worker = server_worker(s, 0), keeper = server_keeper(s, 0);

	(void)state;
	kill(worker, SIGSTOP);
	server_signal(s, SIGKILL);
	assert_int_equal(server_wait_exit(s), 128 + SIGKILL);
	WAIT_UNTIL(s, !process_lives(worker) && !process_lives(keeper));
}

static void master__killed__keepers_leave_as_well(void **state)
{
	struct server *s = server_start(&(struct plan){ .workers = 2 });
	pid_t keepers[2] = { server_keeper(s, 0), server_keeper(s, 1) };

	(void)state;
	server_signal(s, SIGKILL);
	assert_int_equal(server_wait_exit(s), 128 + SIGKILL);
	WAIT_UNTIL(s, !process_lives(keepers[0]) && !process_lives(keepers[1]));
}

/*
 * Its listening sockets are closed: what it opens for its clients has their numbers. The client
 * that waits gets its server from a worker that drains. The others have all lower numbers.
 */
static void worker__that_drains__keeps_what_it_has_opened_since(void **state)
{
	enum { OTHERS = 8 };
	int clients[OTHERS], servers[OTHERS], server, waiting;
	struct upstream u;
	struct server *s;

	(void)state;
	upstream_open(&u);
	s = server_start(&(struct plan){
		.conf = upstream_conf(&u, "max_connections = 8  queue_timeout = 1h", "",
				      "workers = 1\nmove_connections = no\n"
				      "shutdown_timeout = 1h") });
	for (unsigned i = 0; i < OTHERS; i++) {
		clients[i] = client_connect(FIRST(s));
		servers[i] = upstream_accept(&u);
	}
	waiting = client_connect(FIRST(s));
	client_say(waiting, "early");
	WAIT_UNTIL(s, upstream_figure(s, u.address, "upstream_connections_waiting") == 1);
	upstream_reload(s);
	close(clients[OTHERS - 1]);
	close(servers[OTHERS - 1]);
	server = upstream_accept(&u);
	client_hear(server, "early");
	for (unsigned i = 0; i < 2; i++) {
		pid_t drainer = server_drainer(s, 0);

		WAIT_UNTIL(s, process_sleeps(drainer));
		server_mark(s);
		kill(drainer, SIGKILL);
		server_wait_event(s, "connections_recovered", "kept=8 in_hand=0 damaged=0");
		client_say(waiting, "late");
		client_hear(server, "late");
		client_say(server, "too");
		client_hear(waiting, "too");
	}
	close(waiting);
	close(server);
	for (unsigned i = 0; i + 1 < OTHERS; i++) {
		close(clients[i]);
		close(servers[i]);
	}
	WAIT_UNTIL(s, server_draining(s) == 0);
	upstream_close(&u);
	server_stop(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		E2E(worker__killed__again_and_again__costs_no_idle_connection),
		E2E(message__half_sent__goes_on_in_the_next_worker),
		E2E(worker__that_drains__stays_draining),
		E2E(worker__that_drains__keeps_what_it_has_opened_since),
		E2E(worker__that_drains__has_a_successor_with_the_same_time_limit),
		E2E(worker__that_hangs_while_it_retires__has_a_successor_that_leaves),
		E2E(keeper__killed__the_worker_goes_on),
		E2E(worker__that_hangs__costs_no_idle_connection),
		E2E(worker__told_to_leave_by_a_stranger__is_replaced),
		E2E(keeper__signalled_by_a_stranger__does_not_hear_it),
		E2E(worker__that_hangs_when_the_master_dies__is_ended),
		E2E(master__killed__keepers_leave_as_well),
	};

	return E2E_RUN(tests);
}
