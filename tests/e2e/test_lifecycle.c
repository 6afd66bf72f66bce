/* SPDX-License-Identifier: MIT */
/*
 * Start and end of the whole server: ready, pid file, daemon, PID 1, signals during the start, a
 * killed master.
 */
#include "harness.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>

#include "client.h"
#include "process.h"

static void start__with_one_listener__serves_and_stops(void **state)
{
	struct server *s = server_start(&(struct plan){ .workers = 2 });

	(void)state;
	client_ask(FIRST(s), "I am client", ACK);
	server_wait_event(s, "server_started", NULL);
	server_stop(s);
	assert_int_equal(server_count(s, "server_stopping", NULL), 1);
	assert_int_equal(server_count(s, "server_stopped", NULL), 1);
}

static void start__ready__all_workers_accept_already(void **state)
{
	struct server *s = server_start(&(struct plan){ .workers = 4 });
	pid_t pids[8];

	(void)state;
	assert_int_equal(server_workers(s, pids, 8), 4);
	for (unsigned i = 0; i < 4; i++)
		assert_true(server_worker(s, i) > 0);
	assert_int_equal(server_count(s, "worker_ready", NULL), 4);
	server_stop(s);
}

static void start__with_port_zero__names_the_port(void **state)
{
	struct server *s =
		server_start(&(struct plan){ .listen = { "127.0.0.1:0=ack", "127.0.0.1:0=echo" } });
	char field[192];

	(void)state;
	assert_int_equal(s->address_count, 2);
	assert_string_not_equal(s->addresses[0], s->addresses[1]);
	for (unsigned i = 0; i < 2; i++) {
		snprintf(field, sizeof(field), "address=%s", s->addresses[i]);
		server_wait_event(s, "listener_opened", field);
		assert_null(strstr(s->addresses[i], ":0\n"));
	}
	client_ask(s->addresses[0], "x", ACK);
	client_ask(s->addresses[1], "echo", "echo");
	server_stop(s);
}

static void start__with_taken_port__exits_69_and_says_so(void **state)
{
	char address[64], listen[96];
	int fd = client_listener(address, sizeof(address));
	struct server *s;

	(void)state;
	snprintf(listen, sizeof(listen), "%s=ack", address);
	s = server_launch(&(struct plan){ .listen = { listen } });
	s->errors[0] = "server_failed";
	server_check(s, server_wait_exit(s), 69);
	server_mark(s);
	assert_non_null(strstr(s->log, address));
	assert_non_null(strstr(s->log, "in use"));
	close(fd);
}

static void worker__of_a_root_server__has_dropped_its_privileges(void **state)
{
	struct server *s = server_start(&(struct plan){ .workers = 1 });
	pid_t worker = server_worker(s, 0);

	(void)state;
	assert_int_equal(process_status(worker, "NoNewPrivs"), 1);
	if (getuid() == 0) {
		assert_true(process_status(worker, "Uid") > 0);
		assert_true(process_status(worker, "Gid") > 0);
		assert_int_equal(process_status(worker, "CapEff"), 0);
	}
	server_stop(s);
}

static void connections__come_and_gone__leave_no_descriptor(void **state)
{
	struct server *s = server_start(&(struct plan){ .workers = 1 });
	pid_t worker = server_worker(s, 0);
	unsigned before = process_descriptors(worker), master = process_descriptors(s->master);

	(void)state;
	assert_true(before > 0);
	for (int i = 0; i < 50; i++)
		client_ask(FIRST(s), "more", ACK);
	server_wait_count(s, 50, "connection_ended", NULL);
	WAIT_UNTIL(s, process_descriptors(worker) == before);
	assert_int_equal(process_descriptors(s->master), master);
	server_stop(s);
}

static void pid_file__while_running__holds_the_master(void **state)
{
	struct server *s = server_start(&(struct plan){ 0 });
	char text[32];
	FILE *file = fopen(s->pid_file, "re");

	(void)state;
	assert_non_null(file);
	assert_non_null(fgets(text, sizeof(text), file));
	fclose(file);
	assert_int_equal(strtol(text, NULL, 10), s->master);
	server_stop(s);
	assert_int_equal(access(s->pid_file, F_OK), -1);
}

static void pid_file__of_a_dead_server__does_not_hinder(void **state)
{
	struct server *s = server_launch(&(struct plan){ .args = { "-h" } }), *next;
	FILE *file;

	(void)state;
	server_wait_exit(s);
	file = fopen(s->pid_file, "we");
	fprintf(file, "1\n");
	fclose(file);
	next = server_start(&(struct plan){ .beside = s });
	client_ask(FIRST(next), "x", ACK);
	server_stop(next);
}

static void pid_file__of_a_living_server__refuses_a_second_one(void **state)
{
	struct server *s = server_start(&(struct plan){ 0 }), *second;
	char pid[32];

	(void)state;
	second = server_launch(&(struct plan){ .beside = s });
	second->leaves_pid_file = true;
	second->errors[0] = "server_failed";
	assert_int_not_equal(server_wait_exit(second), 0);
	snprintf(pid, sizeof(pid), "%d", s->master);
	server_mark(second);
	if (!strstr(second->log, pid))
		server_fail(second, "does not say that %s is running", pid);
	client_ask(FIRST(s), "x", ACK);
	server_stop(s);
}

static void pid_file__replaced_by_another__is_left_alone(void **state)
{
	struct server *s = server_start(&(struct plan){ 0 });
	char other[96];
	FILE *file;

	(void)state;
	snprintf(other, sizeof(other), "%s.other", s->pid_file);
	file = fopen(other, "we");
	fprintf(file, "1\n");
	fclose(file);
	assert_int_equal(rename(other, s->pid_file), 0);
	s->leaves_pid_file = true;
	server_stop(s);
	assert_int_equal(access(s->pid_file, F_OK), 0);
}

/* The first of the two servers that is ready wins; the other one must have ended. */
static void race_once(void)
{
	struct server *a = server_launch(&(struct plan){ 0 });
	struct server *b = server_launch(&(struct plan){ .beside = a });
	struct pollfd p[2] = { { .fd = a->ready_fd, .events = POLLIN },
			       { .fd = b->ready_fd, .events = POLLIN } };
	struct server *winner, *loser;

	while (!((p[0].revents | p[1].revents) & POLLIN)) {
		int n = poll(p, 2, WAIT_MS), all = p[0].revents & p[1].revents;

		if (n < 1 || (all & POLLHUP && !((p[0].revents | p[1].revents) & POLLIN)))
			server_fail(a, "neither of the two is ready");
	}
	winner = p[0].revents & POLLIN ? a : b;
	loser = winner == a ? b : a;
	server_wait_ready(winner);
	loser->errors[0] = "server_failed";
	loser->leaves_pid_file = true;
	assert_int_not_equal(server_wait_exit(loser), 0);
	assert_int_equal(access(winner->pid_file, F_OK), 0);
	client_ask(FIRST(winner), "x", ACK);
	server_stop(winner);
}

static void pid_file__two_starts_at_once__one_wins(void **state)
{
	for (int i = 0; i < 10; i++) {
		race_once();
		harness_teardown(state);
	}
}

static void daemon__detaches_when_ready_and_stops(void **state)
{
	struct server *s =
		server_start(&(struct plan){ .args = { "-d" }, .log_file = true, .workers = 2 });
	char out[1024];

	(void)state;
	assert_int_equal(server_wait_exit(s), 0);
	server_follow_daemon(s);
	assert_true(process_lives(s->master));
	assert_int_equal(process_status(s->master, "PPid"), getpid());
	client_ask(FIRST(s), "x", ACK);
	assert_int_equal(server_verb(s, "quit", out, sizeof(out)), 0);
	server_check(s, server_wait_exit(s), 0);
}

static void daemon__with_taken_port__the_starter_says_so(void **state)
{
	char address[64], listen[96];
	int fd = client_listener(address, sizeof(address));
	struct server *s;

	(void)state;
	snprintf(listen, sizeof(listen), "%s=ack", address);
	s = server_launch(
		&(struct plan){ .listen = { listen }, .args = { "-d" }, .log_file = true });
	s->detaches = true;
	s->errors[0] = "server_failed";
	server_check(s, server_wait_exit(s), 69);
	server_follow(s, s->stderr_path);
	server_mark(s);
	assert_non_null(strstr(s->log, address));
	close(fd);
}

/* A SIGTERM to the starter reaches the daemon: both end, or the daemon was ready before. */
static void stop_starter(int after_ms)
{
	struct server *s =
		server_launch(&(struct plan){ .args = { "-d" }, .log_file = true, .workers = 32 });
	char out[1024];
	int code;

	s->detaches = true;
	poll(NULL, 0, after_ms);
	server_signal(s, SIGTERM);
	code = server_wait_exit(s);
	/* The daemon was ready before the signal reached it, and is stopping now. */
	if (code == 0)
		WAIT_UNTIL(s, server_verb(s, "quit", out, sizeof(out)) == 1);
	server_check(s, code, code == 1 || code == 128 + SIGTERM ? code : 0);
}

static void daemon__whose_starter_is_told_to_stop__does_not_stay(void **state)
{
	for (int i = 0; i < 20; i++) {
		stop_starter(i);
		harness_teardown(state);
	}
}

/* A signal during the start ends the server, at whatever stage, and nothing is left behind. */
static void signal_at_start(int number, int after_ms)
{
	struct server *s = server_launch(&(struct plan){ .workers = 2 });
	int code;

	poll(NULL, 0, after_ms);
	server_signal(s, number);
	if (number == SIGHUP) {
		s->errors[0] = "reload_failed"; /* it was told to stop */
		poll(NULL, 0, after_ms);
		server_signal(s, SIGTERM);
	}
	code = server_wait_exit(s);
	server_check(s, code, code == 128 + number ? code : 0);
}

static void signals__while_starting__end_it_and_leave_nothing(void **state)
{
	static const int numbers[] = { SIGTERM, SIGINT, SIGQUIT, SIGHUP };

	for (int i = 0; i < 80; i++) {
		signal_at_start(numbers[i % 4], i / 4);
		harness_teardown(state);
	}
}

static void master__killed__workers_end_and_a_new_one_binds(void **state)
{
	struct server *s = server_start(&(struct plan){ .workers = 2 }), *next;
	char listen[192];
	pid_t pids[8];
	int busy = client_connect(FIRST(s));

	(void)state;
	client_say(busy, "x");
	client_hear(busy, ACK);
	assert_int_equal(server_workers(s, pids, 8), 2);
	server_signal(s, SIGKILL);
	assert_int_equal(server_wait_exit(s), 128 + SIGKILL);
	server_wait_count(s, 2, "master_died", NULL);
	snprintf(listen, sizeof(listen), "%s=ack", FIRST(s));
	next = server_start(&(struct plan){ .listen = { listen }, .beside = s });
	client_ask(FIRST(next), "y", ACK);
	WAIT_UNTIL(s, !process_lives(pids[0]) && !process_lives(pids[1]));
	client_expect_end(busy);
	close(busy);
	server_signal(next, SIGTERM);
	assert_int_equal(server_wait_exit(next), 0);
}

static void master__killed__a_message_in_flight_is_finished(void **state)
{
	struct server *s =
		server_start(&(struct plan){ .listen = { "127.0.0.1:0=ack,framing=line" } });
	int busy = client_connect(FIRST(s));
	pid_t worker = server_worker(s, 0);

	(void)state;
	client_say(busy, "one\ntw");
	client_hear(busy, ACK "\n");
	server_signal(s, SIGKILL);
	server_wait_exit(s);
	server_wait_event(s, "master_died", NULL);
	client_say(busy, "o\n");
	client_hear(busy, ACK "\n");
	client_expect_end(busy);
	close(busy);
	WAIT_UNTIL(s, !process_lives(worker));
}

/*
 * A shell starts a process that waits at a pipe, then becomes the server: the server inherits a
 * child that it did not start.
 */
static void pid_1__reaps_strangers_and_stops_on_term(void **state)
{
	char fifo[96], env[128];
	struct server *s;

	(void)state;
	snprintf(fifo, sizeof(fifo), "%s/fifo", harness_folder());
	snprintf(env, sizeof(env), "FIFO=%s", fifo);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	s = server_launch(
		&(struct plan){ .env = { env },
				.workers = 2,
				.prefix = { "unshare", "-pf", "--mount-proc", "sh", "-c",
					    "(read -r x <\"$FIFO\" &); exec \"$@\"", "sh" } });
	server_wait_event(s, "server_started", NULL);
	close(open(fifo, O_WRONLY));
	server_wait_event(s, "stranger_reaped", NULL);
	server_wait_ready(s);
	s->master = process_child(s->pid);
	assert_true(s->master > 0);
	client_ask(FIRST(s), "x", ACK);
	server_stop(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		E2E(start__with_one_listener__serves_and_stops),
		E2E(start__ready__all_workers_accept_already),
		E2E(start__with_port_zero__names_the_port),
		E2E(start__with_taken_port__exits_69_and_says_so),
		E2E(worker__of_a_root_server__has_dropped_its_privileges),
		E2E(connections__come_and_gone__leave_no_descriptor),
		E2E(pid_file__while_running__holds_the_master),
		E2E(pid_file__of_a_dead_server__does_not_hinder),
		E2E(pid_file__of_a_living_server__refuses_a_second_one),
		E2E(pid_file__replaced_by_another__is_left_alone),
		E2E(pid_file__two_starts_at_once__one_wins),
		E2E(daemon__detaches_when_ready_and_stops),
		E2E(daemon__whose_starter_is_told_to_stop__does_not_stay),
		E2E(daemon__with_taken_port__the_starter_says_so),
		E2E(signals__while_starting__end_it_and_leave_nothing),
		E2E(master__killed__workers_end_and_a_new_one_binds),
		E2E(master__killed__a_message_in_flight_is_finished),
	};
	const struct CMUnitTest as_root[] = { E2E(pid_1__reaps_strangers_and_stops_on_term) };
	int failed = E2E_RUN(tests);

	if (getuid() == 0 && system("unshare -pf --mount-proc true 2>/dev/null") == 0)
		failed += E2E_RUN(as_root);
	else
		printf("# left out, needs root and namespaces: pid_1__reaps_strangers\n");
	return failed;
}
