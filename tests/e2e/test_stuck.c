/* SPDX-License-Identifier: MIT */
/*
 * A server whose log is not read works like any other, and logs in the end how many lines are
 * missing.
 */
#include "harness.h"

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "client.h"
#include "figures.h"
#include "process.h"

enum { RELOADS = 25, MESSAGES = 500, WORKERS = 2 };

/* The target of stdout and stderr, and its other end. */
struct outlet_under_test {
	int inner, outer; /* the server's end, and the test's */
	bool is_terminal;
	char path[96]; /* copy of the bytes read: the log that the harness follows */
};

static struct outlet_under_test out;

static void name_copy(void)
{
	snprintf(out.path, sizeof(out.path), "%s/copy", harness_folder());
}

static void make_fifo(void)
{
	char fifo[96];

	snprintf(fifo, sizeof(fifo), "%s/fifo", harness_folder());
	assert_int_equal(mkfifo(fifo, 0600), 0);
	out.outer = open(fifo, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	out.inner = open(fifo, O_WRONLY | O_CLOEXEC);
}

static void make_socket(void)
{
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	out.inner = fds[0];
	out.outer = fds[1];
}

/* Makes a terminal that is stopped, as by Ctrl-S. */
static void make_terminal(void)
{
	assert_int_equal(openpty(&out.outer, &out.inner, NULL, NULL, NULL), 0);
	fcntl(out.outer, F_SETFD, FD_CLOEXEC);
	fcntl(out.inner, F_SETFD, FD_CLOEXEC);
	assert_int_equal(tcflow(out.inner, TCOOFF), 0);
	out.is_terminal = true;
}

/* Fills the output through a file description that the server does not have. */
static void fill(void)
{
	struct pollfd ready = { .fd = out.inner, .events = POLLOUT };
	static const char line[] = "a line of another program\n";

	while (!out.is_terminal && poll(&ready, 1, 0) == 1)
		if (send(out.inner, line, sizeof(line) - 1, MSG_DONTWAIT) < 0 &&
		    (errno != ENOTSOCK || write(out.inner, line, sizeof(line) - 1) < 0))
			break;
}

/* Copies the bytes that can be read now. */
static void read_on(void)
{
	int copy = open(out.path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	struct pollfd ready = { .fd = out.outer, .events = POLLIN };
	char bytes[4096];
	ssize_t n = 1;

	while (n > 0 && poll(&ready, 1, 0) == 1) {
		n = read(out.outer, bytes, sizeof(bytes));
		assert_true(n <= 0 || write(copy, bytes, (size_t)n) == n);
	}
	close(copy);
}

static void let_go(void)
{
	close(out.inner);
	close(out.outer);
}

static void reload_often(struct server *s)
{
	char said[1024];

	for (int i = 0; i < RELOADS; i++)
		if (server_verb(s, "reload", said, sizeof(said)) != 0)
			server_fail(s, "reload %d: %s", i, said);
}

/* The workers are replaced, though no process reads the log. */
static void kill_workers(struct server *s, int number)
{
	for (unsigned i = 0; i < WORKERS; i++) {
		pid_t old = server_worker(s, i);

		kill(old, number);
		WAIT_UNTIL(s, server_worker(s, i) != old);
	}
}

/* Each connection costs the log two lines and delays no process. */
static void ask_often(const struct server *s)
{
	for (int i = 0; i < MESSAGES; i++) {
		int fd = client_connect(FIRST(s));

		client_say(fd, "x");
		client_hear(fd, ACK);
		close(fd);
	}
}

/* The sum of the lost lines that the master has logged; 0: nothing yet. */
static int64_t told(struct server *s)
{
	char role[32];

	read_on();
	server_follow(s, out.path);
	snprintf(role, sizeof(role), "pid=%d", (int)s->master);
	if (server_count(s, "log_lines_lost", role) == 0)
		return 0;
	return line_number(server_wait_event(s, "log_lines_lost", role), "count");
}

static double lost(struct server *s, enum metric metric)
{
	struct figures now;

	figures_read(s, &now);
	return now.of[metric];
}

static bool workers_told(struct server *s)
{
	(void)told(s);
	return server_count(s, "log_lines_lost", "role=worker") >= WORKERS;
}

static void check_silence(struct server *s)
{
	reload_often(s);
	kill_workers(s, SIGKILL);
	kill_workers(s, SIGSTOP); /* they hang */
	ask_often(s);
	assert_true(lost(s, METRIC_log_lines_lost_total) > MESSAGES);
	assert_true(lost(s, METRIC_master_log_lines_lost_total) > RELOADS);
}

static void live_through(void (*make)(void))
{
	struct server *s;

	memset(&out, 0, sizeof(out));
	name_copy();
	make();
	fill();
	/* A terminal may take part of a line, and another process's line may follow it. */
	s = server_start(&(struct plan){
		.workers = WORKERS,
		.output_fd = out.inner,
		.set = { "hang_timeout=300ms",
			 out.is_terminal ? "log.access=off" : "log.access=stderr" } });
	check_silence(s);
	if (out.is_terminal)
		assert_int_equal(tcflow(out.inner, TCOON), 0);
	WAIT_UNTIL(s, told(s) > 0);
	assert_true(told(s) == (int64_t)lost(s, METRIC_master_log_lines_lost_total));
	WAIT_UNTIL(s, workers_told(s));
	server_signal(s, SIGTERM);
	assert_int_equal(server_wait_exit(s), 0);
	read_on();
	server_wait_event(s, "server_stopped", NULL);
	server_check(s, 0, 0);
	let_go();
}

static void fifo__nobody_reads__costs_lines_and_nothing_else(void **state)
{
	(void)state;
	live_through(make_fifo);
}

static void socket__nobody_reads__costs_lines_and_nothing_else(void **state)
{
	(void)state;
	live_through(make_socket);
}

static void terminal__stopped__costs_lines_and_nothing_else(void **state)
{
	(void)state;
	live_through(make_terminal);
}

static void fifo__nobody_ever_reads__does_not_keep_the_server(void **state)
{
	struct server *s;

	(void)state;
	memset(&out, 0, sizeof(out));
	make_fifo();
	fill();
	s = server_start(&(struct plan){ .workers = WORKERS, .output_fd = out.inner });
	client_ask(FIRST(s), "x", ACK);
	server_end(s, SIGTERM, 0);
	let_go();
}

/* A server that fails logs an error, which need not be read. */
static void failure__nobody_reads__ends_all_the_same(void **state)
{
	struct server *s;

	(void)state;
	memset(&out, 0, sizeof(out));
	make_fifo();
	fill();
	s = server_launch(
		&(struct plan){ .listen = { "/nonexistent/socket=ack" }, .output_fd = out.inner });
	assert_true(server_wait_exit(s) > 0);
	let_go();
}

#define CONF(log) \
	"workers = 2\nlisten \"127.0.0.1:0\" { service = ack }\nlog { level = debug\n" log "}\n"

/* The next log says how many lines the one before it lacks. */
static void full_disk__costs_lines_which_the_next_log_tells(void **state)
{
	struct server *s = server_start(&(struct plan){ .conf = CONF("path = \"/dev/full\"") });
	char conf[512], said[1024];

	(void)state;
	reload_often(s);
	kill_workers(s, SIGKILL);
	ask_often(s);
	snprintf(s->log_path, sizeof(s->log_path), "%s/log", s->dir);
	snprintf(conf, sizeof(conf), CONF("path = \"%s\""), s->log_path);
	server_configure(s, conf);
	if (server_verb(s, "reload", said, sizeof(said)) != 0)
		server_fail(s, "%s", said);
	server_wait_event(s, "log_lines_lost", "role=master");
	assert_non_null(strstr(s->log, "message=\"No space left on device\""));
	server_stop(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		E2E(fifo__nobody_reads__costs_lines_and_nothing_else),
		E2E(socket__nobody_reads__costs_lines_and_nothing_else),
		E2E(terminal__stopped__costs_lines_and_nothing_else),
		E2E(fifo__nobody_ever_reads__does_not_keep_the_server),
		E2E(failure__nobody_reads__ends_all_the_same),
		E2E(full_disk__costs_lines_which_the_next_log_tells),
	};

	return E2E_RUN(tests);
}
