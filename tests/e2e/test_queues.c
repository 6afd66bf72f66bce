/* SPDX-License-Identifier: MIT */
/* The master's values in the scoreboard: accept queues, seconds, reloads, workers. */
#include "harness.h"

#include <sys/socket.h>

#include "base/addr.h"
#include "client.h"
#include "process.h"
#include "stats/tally.h"

enum { BACKLOG = 8, FULL = BACKLOG + 1, CROWD = 20 };

static const struct scoreboard *view(struct server *s)
{
	const struct scoreboard *board;
	char path[128];
	struct err err;

	board = scoreboard_view(scoreboard_path(s->pid_file, path, sizeof(path)), &err);
	if (!board)
		server_fail(s, "%s", err.text);
	return board;
}

static uint64_t accepted(const struct scoreboard *board)
{
	return tally_sum(board, METRIC_connections_accepted_total);
}

/* Does not wait for an accept; -1 when the connection is refused at once. */
static int knock(const char *address)
{
	struct addr to;
	struct err err;
	int fd;

	assert_int_equal(addr_resolve(address, &to, 1, &err), 1);
	fd = socket(to.sa.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	assert_true(fd >= 0);
	if (connect(fd, &to.sa, to.len) == 0 || errno == EINPROGRESS)
		return fd;
	close(fd);
	return -1;
}

static void signal_workers(struct server *s, unsigned count, int number)
{
	for (unsigned i = 0; i < count; i++)
		assert_int_equal(kill(server_worker(s, i), number), 0);
}

static void expect_advice(struct server *s, const char *advice)
{
	const char *line = server_wait_event(s, "accept_queue_overflowed", NULL);

	if (!strstr(line, advice))
		server_fail(s, "\"%s\" is not the advice of: %s", advice, line);
}

static void queue__with_stopped_workers__is_seen_to_overflow_and_to_empty(void **state)
{
	struct server *s = server_start(&(struct plan){ .listen = { "127.0.0.1:0=ack,backlog=8" },
							.set = { "hang_timeout=off" },
							.workers = 2 });
	const struct scoreboard *board = view(s);
	const struct queue_tally *queue = &board->listeners[0].queue;
	uint64_t overflows;
	int fds[CROWD];

	(void)state;
	WAIT_UNTIL(s, queue->accept_queue_limit == BACKLOG);
	overflows = board->server.host_listen_overflows_total;
	signal_workers(s, 2, SIGSTOP);
	for (int i = 0; i < CROWD; i++)
		fds[i] = knock(FIRST(s));
	WAIT_UNTIL(s, queue->accept_queue_length == FULL);
	expect_advice(s, "the workers do not accept");
	WAIT_UNTIL(s, queue->accept_queue_dropped_segments_total > CROWD - FULL);
	WAIT_UNTIL(s, board->server.host_listen_overflows_total >= overflows + CROWD - FULL);
	signal_workers(s, 2, SIGCONT);
	/* With SYN cookies, some clients are admitted only after they have sent data. */
	WAIT_UNTIL(s, accepted(board) >= FULL && queue->accept_queue_length == 0);
	assert_int_equal(queue->accept_queue_highest, FULL);
	assert_int_equal(queue->accept_queue_peak, FULL);
	assert_int_equal(server_count(s, "accept_queue_overflowed", NULL), 1);
	for (int i = 0; i < CROWD; i++)
		close(fds[i]);
	scoreboard_unview(board);
	server_stop(s);
}

static void queue__of_a_unix_socket__is_seen_and_drops_nothing(void **state)
{
	char listen[128];
	struct server *s;
	const struct scoreboard *board;
	const struct queue_tally *queue;
	int fds[FULL];

	(void)state;
	snprintf(listen, sizeof(listen), "unix:%s/q=ack,backlog=8", harness_folder());
	s = server_start(&(struct plan){ .listen = { listen }, .set = { "hang_timeout=off" } });
	board = view(s);
	queue = &board->listeners[0].queue;
	signal_workers(s, 1, SIGSTOP);
	for (int i = 0; i < FULL; i++)
		fds[i] = knock(FIRST(s));
	assert_int_equal(knock(FIRST(s)), -1);
	WAIT_UNTIL(s, queue->accept_queue_length == FULL && queue->accept_queue_limit == BACKLOG);
	expect_advice(s, "the workers do not accept");
	signal_workers(s, 1, SIGCONT);
	WAIT_UNTIL(s, queue->accept_queue_length == 0 && accepted(board) == FULL);
	assert_int_equal(queue->accept_queue_highest, FULL);
	assert_int_equal(queue->accept_queue_dropped_segments_total, 0);
	for (int i = 0; i < FULL; i++)
		close(fds[i]);
	scoreboard_unview(board);
	server_stop(s);
}

/* One client is served, and the others wait; then the advice is this one. */
static void expect_advice_behind_one(struct server *s, const char *advice)
{
	int fds[CROWD];

	fds[0] = client_connect(FIRST(s));
	client_say(fds[0], "x");
	client_hear(fds[0], ACK);
	for (int i = 1; i < CROWD; i++)
		fds[i] = knock(FIRST(s));
	expect_advice(s, advice);
	for (int i = 0; i < CROWD; i++)
		close(fds[i]);
	server_stop(s);
}

static void queue__before_a_full_worker__overflows_with_its_advice(void **state)
{
	struct server *s =
		server_start(&(struct plan){ .listen = { "127.0.0.1:0=ack,backlog=8" },
					     .set = { "worker_connections=1", "make_room=no" } });

	(void)state;
	expect_advice_behind_one(s, "raise worker_connections (now 1) or workers (now 1)");
}

static void queue__of_a_full_listener__overflows_with_its_advice(void **state)
{
	struct server *s = server_start(
		&(struct plan){ .listen = { "127.0.0.1:0=ack,backlog=8,max_connections=1" } });

	(void)state;
	expect_advice_behind_one(s, "raise max_connections of this listen (now 1)");
}

static void queue__behind_a_rate_that_is_reached__overflows_with_its_advice(void **state)
{
	struct server *s =
		server_start(&(struct plan){ .listen = { "127.0.0.1:0=ack,backlog=8,rate=1" } });

	(void)state;
	expect_advice_behind_one(s, "raise rate (now 1)");
}

/* The master looks after the burst, when the worker has accepted all that had room. */
static void queue__behind_a_rate_that_is_not_reached__has_the_advice_of_its_backlog(void **state)
{
	struct server *s =
		server_start(&(struct plan){ .listen = { "127.0.0.1:0=ack,backlog=8,rate=1000000" },
					     .set = { "hang_timeout=off" } });
	const struct scoreboard *board = view(s);
	int fds[CROWD];

	(void)state;
	WAIT_UNTIL(s, board->listeners[0].queue.accept_queue_limit == BACKLOG);
	server_signal(s, SIGSTOP);
	signal_workers(s, 1, SIGSTOP);
	for (int i = 0; i < CROWD; i++)
		fds[i] = knock(FIRST(s));
	signal_workers(s, 1, SIGCONT);
	WAIT_UNTIL(s, accepted(board) >= FULL);
	server_signal(s, SIGCONT);
	expect_advice(s, "raise backlog of this listen (now 8)");
	for (int i = 0; i < CROWD; i++)
		close(fds[i]);
	scoreboard_unview(board);
	server_stop(s);
}

/* It has room for connections, but no descriptor for one: a longer queue is not the cure. */
static void queue__before_a_worker_without_descriptors__overflows_with_its_advice(void **state)
{
	struct server *s = server_start(&(struct plan){ .listen = { "127.0.0.1:0=ack,backlog=8" },
							.set = { "rlimit_nofile=100" },
							.workers = 1 });
	const struct scoreboard *board = view(s);
	int fds[100 + CROWD], count = 0;

	(void)state;
	while (server_count(s, "accept_paused", NULL) == 0 && count < 100) {
		fds[count++] = client_connect(FIRST(s));
		WAIT_UNTIL(s, accepted(board) == (uint64_t)count ||
				      server_count(s, "accept_paused", NULL) > 0);
	}
	for (int i = 0; i < CROWD; i++)
		fds[count++] = knock(FIRST(s));
	expect_advice(s, "raise rlimit_nofile");
	for (int i = 0; i < count; i++)
		close(fds[i]);
	scoreboard_unview(board);
	server_stop(s);
}

static const struct listener_row *find_row(struct server *s, const struct scoreboard *board,
					   const char *address)
{
	for (unsigned i = 0; i < METRIC_LISTENERS; i++)
		if (strcmp(board->listeners[i].address, address) == 0)
			return &board->listeners[i];
	server_fail(s, "%s is in no row", address);
}

static void reload__without_a_listener__says_that_it_is_gone(void **state)
{
	struct server *s = server_start(
		&(struct plan){ .conf = "listen \"127.0.0.1:0\" { service = ack }\n"
					"listen \"127.0.0.2:0\" { service = ack }\n" });
	const struct scoreboard *board = view(s);
	const struct listener_row *stays = find_row(s, board, s->addresses[0]);
	const struct listener_row *goes = find_row(s, board, s->addresses[1]);
	char out[512];

	(void)state;
	WAIT_UNTIL(s, goes->queue.accept_queue_limit > 0);
	server_configure(s, "listen \"127.0.0.1:0\" { service = ack }\n");
	assert_int_equal(server_verb(s, "reload", out, sizeof(out)), 0);
	WAIT_UNTIL(s, goes->life == LISTENER_GONE);
	assert_int_equal(goes->queue.accept_queue_limit, 0);
	assert_int_equal(stays->life, LISTENER_OPEN);
	assert_true(stays->queue.accept_queue_limit > 0);
	scoreboard_unview(board);
	server_stop(s);
}

static bool has_mark(const struct scoreboard *board, enum mark_kind kind)
{
	for (uint32_t i = 0; i < board->mark_count && i < SCOREBOARD_MARKS; i++)
		if (board->marks[i].kind == kind)
			return true;
	return false;
}

static void reload__good_or_bad__is_counted_and_remembered(void **state)
{
	static const char good[] = "listen \"127.0.0.1:0\" { service = ack }\n";
	struct server *s = server_start(&(struct plan){ .conf = good });
	const struct scoreboard *board = view(s);
	const struct server_tally *server = &board->server;
	char out[512];

	(void)state;
	s->errors[0] = "reload_failed";
	assert_string_equal(board->origin, s->conf);
	assert_true(has_mark(board, MARK_START) && !has_mark(board, MARK_RELOAD));
	assert_int_equal(server->last_reload_succeeded, 1);
	assert_int_equal(server->last_reload_time_seconds, 0);
	assert_int_equal(server_verb(s, "reload", out, sizeof(out)), 0);
	assert_int_equal(server->reloads_total, 1);
	assert_int_equal(server->generation, 2);
	assert_true(server->last_reload_time_seconds >= server->start_time_seconds);
	assert_true(has_mark(board, MARK_RELOAD) && !has_mark(board, MARK_RELOAD_FAILED));
	server_configure(s, "rubbish\n");
	assert_int_equal(server_verb(s, "reload", out, sizeof(out)), 1);
	assert_int_equal(server->reloads_total, 1);
	assert_int_equal(server->reloads_failed_total, 1);
	assert_int_equal(server->last_reload_succeeded, 0);
	assert_int_equal(server->generation, 2);
	assert_true(has_mark(board, MARK_RELOAD_FAILED));
	scoreboard_unview(board);
	server_stop(s);
}

static uint64_t sum_accepted(const struct scoreboard *board)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < board->moment_count && i < SCOREBOARD_MOMENTS; i++)
		sum += board->moments[i].accepted;
	return sum;
}

static void moments__come_each_second_and_add_up(void **state)
{
	enum { CLIENTS = 5, SECONDS = 4 };
	struct server *s = server_start(&(struct plan){ 0 });
	const struct scoreboard *board = view(s);
	int64_t begun_ms = clock_ms(), took_ms;

	(void)state;
	for (int i = 0; i < CLIENTS; i++)
		client_ask(FIRST(s), "x", ACK);
	WAIT_UNTIL(s, board->moment_count >= SECONDS);
	took_ms = clock_ms() - begun_ms;
	assert_true(took_ms >= (SECONDS - 1) * 1000 - 200);
	for (uint32_t i = 1; i < SECONDS; i++)
		assert_true(board->moments[i].at_s > board->moments[i - 1].at_s);
	assert_int_equal(sum_accepted(board), CLIENTS);
	scoreboard_unview(board);
	server_stop(s);
}

static void read_worker(const struct scoreboard *board, unsigned number, struct worker_tally *tally)
{
	struct tally crew;

	tally_look(&crew, board);
	tally_worker(&crew, board, number, tally);
}

static void worker__at_work__has_its_processor_time_and_memory_counted(void **state)
{
	struct server *s = server_start(&(struct plan){ .workers = 2 });
	const struct scoreboard *board = view(s);
	struct worker_tally tally;
	uint64_t before;

	(void)state;
	WAIT_UNTIL(s, (read_worker(board, 1, &tally), tally.worker_cpu_seconds_total > 0));
	assert_true(tally.worker_memory_bytes > 0);
	WAIT_UNTIL(s, board->server.workers_ready == 2 && board->server.workers == 2);
	before = tally.worker_cpu_seconds_total;
	kill(server_worker(s, 1), SIGKILL);
	server_wait_event(s, "worker_crashed", NULL);
	for (int i = 0; i < 3; i++) {
		uint32_t moments = board->moment_count;

		WAIT_UNTIL(s, board->moment_count > moments);
		read_worker(board, 1, &tally);
		assert_true(tally.worker_cpu_seconds_total >= before);
		before = tally.worker_cpu_seconds_total;
	}
	scoreboard_unview(board);
	server_stop(s);
}

static void stop__under_way__is_seen(void **state)
{
	struct server *s = server_start(&(struct plan){ 0 });
	const struct scoreboard *board = view(s);
	int fd = client_connect(FIRST(s));

	(void)state;
	client_say(fd, "x");
	client_hear(fd, ACK);
	assert_int_equal(board->server.stopping, 0);
	server_signal(s, SIGTERM);
	WAIT_UNTIL(s, board->server.stopping == 1);
	close(fd);
	server_end(s, 0, 0);
	scoreboard_unview(board);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		E2E(queue__with_stopped_workers__is_seen_to_overflow_and_to_empty),
		E2E(queue__of_a_unix_socket__is_seen_and_drops_nothing),
		cmocka_unit_test(
			queue__before_a_worker_without_descriptors__overflows_with_its_advice),
		cmocka_unit_test(queue__of_a_full_listener__overflows_with_its_advice),
		E2E(queue__behind_a_rate_that_is_reached__overflows_with_its_advice),
		E2E(queue__behind_a_rate_that_is_not_reached__has_the_advice_of_its_backlog),
		E2E(queue__before_a_full_worker__overflows_with_its_advice),
		E2E(reload__without_a_listener__says_that_it_is_gone),
		E2E(reload__good_or_bad__is_counted_and_remembered),
		E2E(moments__come_each_second_and_add_up),
		E2E(worker__at_work__has_its_processor_time_and_memory_counted),
		E2E(stop__under_way__is_seen),
	};

	return E2E_RUN(tests);
}
