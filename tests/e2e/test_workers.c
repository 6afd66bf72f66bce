/* SPDX-License-Identifier: MIT */
/* Workers that share the load, die, hang, are replaced, added and removed. */
#include "harness.h"

#include <sys/stat.h>

#include "client.h"
#include "process.h"

enum { CROWD = 400, CROWD_WORKERS = 4, CROWDS = 8, REFILL = 80, REFILL_MOST = 800 };

/* How many connections that worker process has opened, according to the log. */
static unsigned opened_by(struct server *s, pid_t pid)
{
	char field[32];

	snprintf(field, sizeof(field), "pid=%d", pid);
	return server_count(s, "connection_opened", field);
}

/* Opens a crowd of connections and closes it; true when each worker got about its share of it. */
static bool crowd_is_shared(struct server *s)
{
	unsigned before[CROWD_WORKERS], total = 0;
	bool is_shared = true;
	int fds[CROWD];

	for (unsigned i = 0; i < CROWD_WORKERS; i++)
		before[i] = opened_by(s, server_worker(s, i));
	for (int i = 0; i < CROWD; i++)
		fds[i] = client_connect(FIRST(s));
	for (int i = 0; i < CROWD; i++) {
		client_say(fds[i], "x");
		client_hear(fds[i], ACK);
	}
	for (unsigned i = 0; i < CROWD_WORKERS; i++) {
		unsigned share = opened_by(s, server_worker(s, i)) - before[i];

		printf("# worker %u got %u of %d connections\n", i, share, CROWD);
		is_shared &= share >= CROWD / CROWD_WORKERS / 2 &&
			     share <= CROWD / CROWD_WORKERS * 2;
		total += share;
	}
	assert_int_equal(total, CROWD);
	for (int i = 0; i < CROWD; i++)
		close(fds[i]);
	return is_shared;
}

/*
 * A crowd comes within milliseconds. A worker that waits for a processor just then cannot accept,
 * so that one of several crowds has to find all workers at work.
 */
static void workers__under_a_crowd__each_gets_its_share(void **state)
{
	struct server *s = server_start(&(struct plan){ .workers = CROWD_WORKERS });
	bool is_shared = false;

	(void)state;
	for (int i = 0; i < CROWDS && !is_shared; i++)
		is_shared = crowd_is_shared(s);
	if (!is_shared)
		server_fail(s, "no crowd of %d was shared", CROWDS);
	server_stop(s);
}

static void worker__killed__is_replaced(void **state)
{
	struct server *s = server_start(&(struct plan){ .workers = 2 });
	pid_t old = server_worker(s, 1), other = server_worker(s, 0), pids[8];

	(void)state;
	server_mark(s);
	kill(old, SIGKILL);
	server_wait_event(s, "worker_crashed", "worker=1");
	server_wait_event(s, "worker_ready", "worker=1");
	WAIT_UNTIL(s, server_workers(s, pids, 8) == 2);
	assert_int_not_equal(server_worker(s, 1), old);
	assert_int_equal(server_worker(s, 0), other);
	for (int i = 0; i < 20; i++)
		client_ask(FIRST(s), "x", ACK);
	server_stop(s);
}

static int hold_one(struct server *s)
{
	int fd = client_connect(FIRST(s));

	client_say(fd, "x");
	client_hear(fd, ACK);
	return fd;
}

/*
 * Taking turns alone would never close the gap. The time to close it depends on the scheduler: a
 * worker that waits for a processor cannot accept.
 */
static void worker__killed__is_filled_again(void **state)
{
	struct server *s = server_start(
		&(struct plan){ .set = { "keep_connections=no", "rebalance=no" }, .workers = 2 });
	int fds[REFILL_MOST], count = 0;
	unsigned of_old, of_new = 0;

	(void)state;
	while (count < REFILL)
		fds[count++] = hold_one(s);
	kill(server_worker(s, 1), SIGKILL);
	server_wait_count(s, 2, "worker_ready", "worker=1");
	do {
		fds[count++] = hold_one(s);
		of_old = opened_by(s, server_worker(s, 0));
		of_new = opened_by(s, server_worker(s, 1));
	} while (of_new + 4 < of_old && count < REFILL_MOST);
	if (count == REFILL_MOST)
		server_fail(s, "the new worker got %u, the old one has %u", of_new, of_old);
	while (count > 0)
		close(fds[--count]);
	server_stop(s);
}

static void worker__killed__without_keepers__the_others_keep_their_clients(void **state)
{
	struct server *s =
		server_start(&(struct plan){ .set = { "keep_connections=no" }, .workers = 2 });
	pid_t victim = server_worker(s, 0);
	int fds[REFILL_MOST], count = 0, kept;

	(void)state;
	do {
		fds[count++] = hold_one(s);
		kept = count - (int)opened_by(s, victim);
	} while ((kept == 0 || kept == count) && count < REFILL_MOST);
	assert_in_range(kept, 1, count - 1);
	kill(victim, SIGKILL);
	server_wait_event(s, "worker_crashed", NULL);
	for (int i = 0; i < count; i++) {
		if (!client_ended(fds[i], 0)) {
			client_say(fds[i], "y");
			client_hear(fds[i], ACK);
			kept--;
		}
		close(fds[i]);
	}
	assert_int_equal(kept, 0);
	server_stop(s);
}

/* Kills the worker as soon as it is there, n times; each death is too early. */
static void crash_loop(struct server *s, unsigned n)
{
	for (unsigned i = 1; i <= n; i++) {
		kill(server_worker(s, 0), SIGKILL);
		server_wait_count(s, i, "worker_crashed", NULL);
		if (i < n)
			server_wait_count(s, i, "worker_ready", NULL);
	}
}

static void worker__in_a_crash_loop__backs_off_and_serves_again(void **state)
{
	struct server *s = server_start(&(struct plan){ 0 });
	char field[32];

	(void)state;
	server_mark(s);
	crash_loop(s, 4);
	for (int delay_ms = 100; delay_ms <= 400; delay_ms *= 2) {
		snprintf(field, sizeof(field), "delay_ms=%d", delay_ms);
		server_wait_event(s, "worker_respawn_delayed", field);
	}
	client_ask(FIRST(s), "x", ACK);
	server_stop(s);
}

static void worker__waiting_for_its_respawn__does_not_hold_up_a_stop(void **state)
{
	struct server *s = server_start(&(struct plan){ 0 });

	(void)state;
	server_mark(s);
	crash_loop(s, 5);
	server_stop(s);
}

static void worker__that_cannot_work__ends_the_server(void **state)
{
	char root[] = "/tmp/prefork-root-XXXXXX", set[64];
	struct server *s;
	int code;

	(void)state;
	assert_non_null(mkdtemp(root));
	chmod(root, 0755);
	snprintf(set, sizeof(set), "chroot=%s", root);
	s = server_start(&(struct plan){ .set = { set, "keep_connections=no" }, .workers = 2 });
	s->errors[0] = "worker_failed";
	s->errors[1] = "server_failed";
	assert_int_equal(rmdir(root), 0);
	kill(server_worker(s, 0), SIGKILL);
	code = server_wait_exit(s);
	assert_int_not_equal(code, 0);
	server_check(s, code, code);
	assert_true(server_count(s, "worker_failed", NULL) > 0);
	assert_true(server_count(s, "server_failed", NULL) > 0);
}

static void ttin_and_ttou__change_the_number_of_workers(void **state)
{
	struct server *s = server_start(&(struct plan){ .workers = 2 });
	pid_t pids[8];

	(void)state;
	server_signal(s, SIGTTIN);
	server_wait_count(s, 1, "workers_changed", NULL);
	server_wait_event(s, "worker_ready", "worker=2");
	WAIT_UNTIL(s, server_workers(s, pids, 8) == 3);
	server_signal(s, SIGTTOU);
	server_wait_count(s, 2, "workers_changed", NULL);
	WAIT_UNTIL(s, server_workers(s, pids, 8) == 2);
	server_wait_event(s, "worker_exited", "worker=2");
	server_signal(s, SIGTTOU);
	WAIT_UNTIL(s, server_workers(s, pids, 8) == 1);
	client_ask(FIRST(s), "x", ACK);
	server_stop(s);
}

static void ttou__with_one_worker_left__keeps_it(void **state)
{
	struct server *s = server_start(&(struct plan){ 0 });
	pid_t only = server_worker(s, 0);

	(void)state;
	server_signal(s, SIGTTOU);
	server_wait_event(s, "environment_warned",
			  "message=\"no worker was retired: one has to stay\"");
	assert_int_equal(server_count(s, "workers_changed", NULL), 0);
	assert_int_equal(server_worker(s, 0), only);
	client_ask(FIRST(s), "x", ACK);
	server_stop(s);
}

static void ttin_and_ttou__while_the_server_stops__are_refused_as_such(void **state)
{
	struct server *s =
		server_start(&(struct plan){ .listen = { "127.0.0.1:0=ack,framing=line" } });
	int fd = client_connect(FIRST(s));

	(void)state;
	client_begin_message(fd);
	server_signal(s, SIGTERM);
	server_wait_event(s, "server_stopping", NULL);
	server_signal(s, SIGTTIN);
	server_wait_event(s, "environment_warned",
			  "message=\"no worker was added: the server is stopping\"");
	server_signal(s, SIGTTOU);
	server_wait_event(s, "environment_warned",
			  "message=\"no worker was retired: the server is stopping\"");
	client_finish_message(fd);
	client_expect_end(fd);
	close(fd);
	server_end(s, 0, 0);
	assert_int_equal(server_count(s, "workers_changed", NULL), 0);
}

static void winch__retires_the_workers_and_hup_brings_them_back(void **state)
{
	struct server *s = server_start(&(struct plan){ .workers = 2 });
	pid_t pids[8];
	int waiting;

	(void)state;
	server_signal(s, SIGWINCH);
	server_wait_event(s, "workers_retired", NULL);
	server_wait_count(s, 2, "worker_exited", NULL);
	WAIT_UNTIL(s, server_workers(s, pids, 8) == 0);
	server_signal(s, SIGTTOU);
	server_wait_event(s, "environment_warned",
			  "message=\"no worker was retired: all are retired already (HUP starts "
			  "them again)\"");
	assert_true(process_lives(s->master));
	waiting = client_connect(FIRST(s));
	client_say(waiting, "x");
	server_mark(s);
	server_signal(s, SIGHUP);
	server_wait_event(s, "reload_finished", NULL);
	client_hear(waiting, ACK);
	close(waiting);
	assert_int_equal(server_workers(s, pids, 8), 2);
	server_stop(s);
}

static void worker__that_hangs__is_replaced(void **state)
{
	struct server *s = server_start(&(struct plan){ .set = { "hang_timeout=300ms" } });
	pid_t old = server_worker(s, 0);

	(void)state;
	server_mark(s);
	kill(old, SIGSTOP);
	server_wait_event(s, "worker_hung", "worker=0");
	server_wait_event(s, "worker_ready", "worker=0");
	assert_int_not_equal(server_worker(s, 0), old);
	client_ask(FIRST(s), "x", ACK);
	server_signal(s, SIGTERM);
	server_check(s, server_wait_exit(s), 0);
}

/*
 * The kernel chooses the worker for each connection; a worker with its number of connections
 * leaves.
 */
static bool has_asked_and_recycled(struct server *s, unsigned workers)
{
	client_ask(FIRST(s), "x", ACK);
	return server_count(s, "worker_recycled", NULL) >= workers;
}

static void worker__after_its_connections__is_recycled_without_loss(void **state)
{
	struct server *s = server_start(
		&(struct plan){ .workers = 2, .set = { "worker_max_connections=10" } });

	(void)state;
	WAIT_UNTIL(s, has_asked_and_recycled(s, 2));
	server_wait_count(s, 2, "worker_exited", NULL);
	client_ask(FIRST(s), "x", ACK);
	assert_int_equal(server_count(s, "worker_crashed", NULL), 0);
	assert_int_equal(server_count(s, "worker_respawn_delayed", NULL), 0);
	server_stop(s);
}

static void worker__of_its_age__is_recycled(void **state)
{
	struct server *s = server_start(&(struct plan){ .set = { "worker_max_age=1s" } });
	pid_t old = server_worker(s, 0);

	(void)state;
	server_wait_event(s, "worker_recycled", "worker=0");
	WAIT_UNTIL(s, !process_lives(old));
	assert_int_not_equal(server_worker(s, 0), old);
	client_ask(FIRST(s), "x", ACK);
	assert_int_equal(server_count(s, "worker_crashed", NULL), 0);
	server_stop(s);
}

static void titles__tell_master_and_workers(void **state)
{
	struct server *s = server_start(
		&(struct plan){ .workers = 2, .listen = { "127.0.0.1:0=ack,framing=line" } });
	int fd = client_connect(FIRST(s));
	char title[256];

	(void)state;
	process_title(s->master, title, sizeof(title));
	assert_memory_equal(title, "prefork-srv: master", 19);
	process_title(server_worker(s, 1), title, sizeof(title));
	assert_string_equal(title, "prefork-srv: worker 1");
	client_begin_message(fd);
	server_signal(s, SIGTERM);
	WAIT_UNTIL(s, server_draining(s) == 1);
	client_finish_message(fd);
	close(fd);
	server_end(s, 0, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		E2E(workers__under_a_crowd__each_gets_its_share),
		E2E(worker__killed__is_replaced),
		E2E(worker__killed__is_filled_again),
		E2E(worker__killed__without_keepers__the_others_keep_their_clients),
		E2E(worker__in_a_crash_loop__backs_off_and_serves_again),
		E2E(worker__waiting_for_its_respawn__does_not_hold_up_a_stop),
		E2E(ttin_and_ttou__change_the_number_of_workers),
		E2E(ttou__with_one_worker_left__keeps_it),
		E2E(ttin_and_ttou__while_the_server_stops__are_refused_as_such),
		E2E(winch__retires_the_workers_and_hup_brings_them_back),
		E2E(worker__that_hangs__is_replaced),
		E2E(worker__after_its_connections__is_recycled_without_loss),
		E2E(worker__of_its_age__is_recycled),
		E2E(titles__tell_master_and_workers),
	};
	const struct CMUnitTest as_root[] = { E2E(worker__that_cannot_work__ends_the_server) };
	int failed = E2E_RUN(tests);

	if (getuid() == 0)
		failed += E2E_RUN(as_root);
	else
		printf("# left out, needs root: worker__that_cannot_work\n");
	return failed;
}
