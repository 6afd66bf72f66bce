/* SPDX-License-Identifier: MIT */
/*
 * A worker and its keeper die together: their connections are lost, and each of them is counted and
 * logged, whatever the timing of the two deaths.
 */
#include "harness.h"

#include "accessbook.h"
#include "client.h"
#include "damage.h"
#include "figures.h"
#include "process.h"

enum { CROWD = 20, ROUNDS = 4 };

static void open_crowd(const struct server *s, int *fds, const char *word)
{
	for (int i = 0; i < CROWD; i++) {
		fds[i] = client_connect(FIRST(s));
		client_say(fds[i], word);
		client_hear(fds[i], ACK "\n");
	}
}

static void close_crowd(const int *fds)
{
	for (int i = 0; i < CROWD; i++)
		close(fds[i]);
}

/* Waits in microseconds: a clock of milliseconds would miss the moments between. */
static void kill_two(pid_t first, pid_t second, int64_t pause_us)
{
	int64_t until_us;

	kill(first, SIGKILL);
	until_us = clock_us() + pause_us;
	while (clock_us() < until_us)
		;
	kill(second, SIGKILL);
}

static bool is_at_rest(struct server *s)
{
	struct figures now;

	figures_read(s, &now);
	return now.of[METRIC_connections_live] == 0 &&
	       now.of[METRIC_connections_accepted_total] == now.of[METRIC_connections_ended_total];
}

static void reload(struct server *s, unsigned times)
{
	server_signal(s, SIGHUP);
	server_wait_count(s, times, "reload_finished", NULL);
}

static bool is_alone(const struct server *s)
{
	pid_t pids[4];

	return process_children(s->master, pids, 4) == 2;
}

static void assert_all_told(struct server *s)
{
	struct figures now;
	const char *lines;

	WAIT_UNTIL(s, is_at_rest(s));
	figures_read(s, &now);
	WAIT_UNTIL(s, accessbook_lines() == now.of[METRIC_connections_ended_total]);
	lines = accessbook_read(accessbook_path);
	assert_true(now.of[METRIC_connections_lost_total] ==
		    accessbook_count(lines, " ending=worker_lost ") +
			    accessbook_count(lines, " ending=worker_crash "));
	server_stop(s);
}

static void pair__killed_with_any_pause__has_all_its_connections_counted(void **state)
{
	static const int64_t pauses_us[] = { 0, 50, 1000 };
	struct server *s =
		accessbook_start((struct plan){ .listen = { "127.0.0.1:0=ack,framing=line" } });
	unsigned rounds = 0;
	int fds[CROWD];

	(void)state;
	for (unsigned i = 0; i < ROUNDS * 6; i++) {
		pid_t worker = server_worker(s, 0), keeper = server_keeper(s, 0);

		open_crowd(s, fds, "x\n");
		if (i % 2 == 0)
			kill_two(worker, keeper, pauses_us[i / 2 % 3]);
		else
			kill_two(keeper, worker, pauses_us[i / 2 % 3]);
		WAIT_UNTIL(s, !process_lives(worker) && !process_lives(keeper));
		server_wait_count(s, ++rounds, "keeper_died", NULL);
		close_crowd(fds);
		reload(s, rounds); /* makes a new keeper, whatever is left */
		WAIT_UNTIL(s, is_at_rest(s) && is_alone(s));
	}
	assert_all_told(s);
}

/* Half a message keeps each connection open during the drain. */
static void pair__killed_while_it_drains__has_all_its_connections_counted(void **state)
{
	struct server *s = accessbook_start((struct plan){
		.listen = { "127.0.0.1:0=ack,framing=line" }, .set = { "move_connections=no" } });
	int fds[CROWD];

	(void)state;
	for (unsigned i = 0; i < ROUNDS; i++) {
		pid_t worker = server_worker(s, 0), keeper = server_keeper(s, 0);

		open_crowd(s, fds, "one\ntw");
		reload(s, i + 1);
		WAIT_UNTIL(s, server_drainer(s, 0) == worker);
		if (i % 2 == 0)
			kill_two(worker, keeper, 0);
		else
			kill_two(keeper, worker, 0);
		close_crowd(fds); /* lets a successor end that was faster than the second kill */
		WAIT_UNTIL(s, is_at_rest(s) && is_alone(s));
	}
	assert_all_told(s);
}

/* The master's SIGKILL reaches the worker first, and the keeper once it is told to leave. */
static void connections__held_at_a_stop_by_force__are_counted(void **state)
{
	struct server *s =
		accessbook_start((struct plan){ .listen = { "127.0.0.1:0=ack,framing=line" },
						.set = { "shutdown_timeout=200ms" } });
	int fds[CROWD];

	(void)state;
	open_crowd(s, fds, "one\ntw");
	kill(server_worker(s, 0), SIGSTOP);
	server_signal(s, SIGTERM);
	assert_int_equal(server_wait_exit(s), 0);
	server_check(s, 0, 0);
	assert_int_equal(accessbook_count(accessbook_read(accessbook_path), " ending=worker_lost "),
			 CROWD);
	close_crowd(fds);
}

/* The limit of descriptors is high, and no process looks at each of them. */
static void arena__that_is_damaged__is_emptied_at_once_and_counted(void **state)
{
	struct server *s = accessbook_start(
		(struct plan){ .listen = { "127.0.0.1:0=ack,framing=line" },
			       .set = { "rlimit_nofile=1000000", "hang_timeout=200ms" } });
	pid_t worker = server_worker(s, 0);
	int fds[CROWD];

	(void)state;
	open_crowd(s, fds, "x\n");
	WAIT_UNTIL(s, process_sleeps(worker));
	if (!damage_head(worker))
		skip();
	kill(worker, SIGKILL);
	server_wait_event(s, "arena_emptied", "lost=20");
	for (int i = 0; i < CROWD; i++)
		assert_true(client_ended(fds[i], WAIT_MS));
	close_crowd(fds);
	server_wait_count(s, 2, "worker_ready", NULL);
	assert_int_equal(server_count(s, "worker_hung", NULL), 0);
	assert_all_told(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		E2E(pair__killed_with_any_pause__has_all_its_connections_counted),
		E2E(pair__killed_while_it_drains__has_all_its_connections_counted),
		E2E(connections__held_at_a_stop_by_force__are_counted),
		E2E(arena__that_is_damaged__is_emptied_at_once_and_counted),
	};

	return E2E_RUN(tests);
}
