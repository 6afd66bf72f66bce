/* SPDX-License-Identifier: MIT */
/*
 * The event loop of one process: waits for its connections, for its timers, and for the time at
 * which a message is due, and completes the stats at the end. Must not touch a socket itself.
 */
#include "client/bench/bench_worker.h"

#include <stdlib.h>

#include "base/sys.h"

enum {
	EVENTS_MAX = 256,
	CONNECTING_MAX = 256,     /* connections in progress at a time */
	BURST_SIZE = 32,          /* connections opened at once, by all processes together, */
	BURST_PAUSE_NS = 2000000, /* and the pause after them */
	WAIT_MAX_MS = 50,
	AGE_GROUPS = 1000,
};
#define TICK_TAG UINT32_MAX

/* The next message of the schedule. */
struct cursor {
	int64_t round;
	int connection;
};

/* Each process has a block of connections; the sizes of the blocks differ by at most one. */
static void assign_connections(struct bench_worker *worker, const struct bench_options *options,
			       int process)
{
	int each = options->connections / options->processes;
	int rest = options->connections % options->processes;

	worker->first = each * process + (process < rest ? process : rest);
	worker->count = each + (process < rest);
}

/* The messages are divided alike; those of an open loop belong to their connections. */
static uint64_t count_quota(const struct bench_worker *worker, const struct bench_options *options,
			    int process)
{
	int64_t each = options->count / options->processes;
	int64_t rest = options->count % options->processes;
	uint64_t sum = 0;

	if (options->count == 0)
		return UINT64_MAX;
	if (options->rate == 0)
		return (uint64_t)(each + (process < rest));
	for (int i = worker->first; i < worker->first + worker->count; i++)
		if (i < options->count)
			sum += (uint64_t)((options->count - 1 - i) / options->connections + 1);
	return sum;
}

/* A tick of a timerfd costs no system call under load; a timeout of epoll_wait would cost. */
static bool start_tick_timer(struct bench_worker *worker)
{
	struct timespec tick = { .tv_nsec = BENCH_TICK_MS * 1000000 };
	struct itimerspec each = { .it_interval = tick, .it_value = tick };
	struct epoll_event event = { .events = EPOLLIN, .data.u32 = TICK_TAG };

	worker->tick_fd = sys_timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	return worker->tick_fd >= 0 && sys_timerfd_settime(worker->tick_fd, &each) == 0 &&
	       sys_epoll_ctl(worker->epfd, EPOLL_CTL_ADD, worker->tick_fd, &event) == 0;
}

static bool allocate_memory(struct bench_worker *worker)
{
	size_t count = (size_t)worker->count;

	worker->connections = calloc(count, sizeof(*worker->connections));
	worker->buffer = malloc(BENCH_BUFFER_SIZE);
	if (worker->connections == NULL || worker->buffer == NULL ||
	    !timer_heap_new(&worker->timers, (uint32_t)count))
		return false;
	if (worker->options->context != NULL) {
		worker->tls_streams = calloc(count, sizeof(*worker->tls_streams));
		if (worker->tls_streams == NULL)
			return false;
	}
	if (worker->options->target.is_http)
		worker->http_responses = calloc(count, sizeof(*worker->http_responses));
	return !worker->options->target.is_http || worker->http_responses != NULL;
}

static void init_connection(struct bench_worker *worker, int i)
{
	struct bench_connection *conn = &worker->connections[i];

	conn->fd = -1;
	conn->number = worker->first + i;
	if (worker->tls_streams != NULL)
		conn->tls = &worker->tls_streams[i];
	if (worker->http_responses != NULL)
		conn->response.http = &worker->http_responses[i];
}

bool bench_worker_new(struct bench_worker *worker, const struct bench_options *options, int process,
		      struct bench_stats *stats, struct err *err)
{
	*worker = (struct bench_worker){
		.options = options, .stats = stats, .epfd = -1, .tick_fd = -1
	};
	assign_connections(worker, options, process);
	worker->schedule = (struct bench_schedule){ .rate = options->rate,
						    .connections = options->connections,
						    .count = options->count };
	worker->quota = count_quota(worker, options, process);
	worker->is_blocking = options->rate == 0 && worker->count == 1 && options->context == NULL;
	worker->end_ns = INT64_MAX;
	worker->now_ns = bench_stats_now_ns();
	if (!allocate_memory(worker)) {
		bench_worker_free(worker);
		return err_errno(err, CODE_OSERR, "no memory for %d connection%s", worker->count,
				 worker->count == 1 ? "" : "s");
	}
	for (int i = 0; i < worker->count; i++)
		init_connection(worker, i);
	worker->epfd = sys_epoll_create1(EPOLL_CLOEXEC);
	if (worker->epfd >= 0 && start_tick_timer(worker))
		return true;
	err_errno(err, CODE_OSERR, "epoll");
	bench_worker_free(worker);
	return false;
}

void bench_worker_free(struct bench_worker *worker)
{
	for (int i = 0; worker->connections != NULL && i < worker->count; i++)
		if (worker->connections[i].fd >= 0)
			bench_connection_close(worker, &worker->connections[i]);
	for (int i = 0; worker->tls_streams != NULL && i < worker->count; i++)
		tls_stream_forget(&worker->tls_streams[i]);
	free(worker->connections);
	free(worker->tls_streams);
	free(worker->http_responses);
	free(worker->buffer);
	timer_heap_free(&worker->timers);
	if (worker->tick_fd >= 0)
		sys_close(worker->tick_fd);
	if (worker->epfd >= 0)
		sys_close(worker->epfd);
	worker->connections = NULL;
	worker->epfd = worker->tick_fd = -1;
}

static void handle_events(struct bench_worker *worker, const struct epoll_event *events, int n)
{
	uint64_t ticks;

	for (int i = 0; i < n; i++) {
		if (events[i].data.u32 != TICK_TAG)
			bench_request_handle_events(
				worker, &worker->connections[events[i].data.u32], events[i].events);
		else if (sys_read(worker->tick_fd, &ticks, sizeof(ticks)) < 0)
			continue; /* the next tick follows */
	}
}

static void handle_timers(struct bench_worker *worker)
{
	struct timer_node *node;

	while ((node = timer_pop(&worker->timers, worker->now_ns / 1000000)) != NULL)
		/* the node is the first member of its connection */
		bench_request_handle_timer(worker, (struct bench_connection *)node);
}

/* Waits with the precision of the clock; kernels before 5.11 have milliseconds only. */
static int wait_until(struct bench_worker *worker, struct epoll_event *events, int64_t until_ns)
{
	int64_t left_ns = until_ns > worker->now_ns ? until_ns - worker->now_ns : 0;
	struct timespec left = { .tv_sec = left_ns / 1000000000, .tv_nsec = left_ns % 1000000000 };
	int n = sys_epoll_pwait2(worker->epfd, events, EVENTS_MAX, &left);

	if (n < 0 && errno == ENOSYS)
		n = sys_epoll_wait(worker->epfd, events, EVENTS_MAX,
				   (int)((left_ns + 999999) / 1000000));
	return n;
}

/* Waits until until_ns (INT64_MAX: until the next tick) and handles the events. */
static bool run_turn(struct bench_worker *worker, int64_t until_ns, struct err *err)
{
	struct epoll_event events[EVENTS_MAX];
	int n;

	if (until_ns == INT64_MAX)
		n = sys_epoll_wait(worker->epfd, events, EVENTS_MAX, -1);
	else
		n = wait_until(worker, events, until_ns);
	if (n < 0 && errno != EINTR)
		return err_errno(err, CODE_OSERR, "epoll_wait");
	worker->now_ns = bench_stats_now_ns();
	handle_events(worker, events, n);
	handle_timers(worker);
	return true;
}

static bool is_stopped(const atomic_bool *stop)
{
	return atomic_load_explicit(stop, memory_order_relaxed);
}

static int open_burst(struct bench_worker *worker, int opened)
{
	int max = opened + 1 + BURST_SIZE / worker->options->processes;

	while (opened < worker->count && opened < max && worker->connecting < CONNECTING_MAX)
		bench_request_open(worker, &worker->connections[opened++]);
	return opened;
}

/*
 * There is a pause between two bursts: loopback connects faster than any server accepts, and a full
 * accept queue costs seconds.
 */
bool bench_worker_open(struct bench_worker *worker, const atomic_bool *stop, struct err *err)
{
	int opened = 0;

	if (worker->options->message.size == 0)
		return true;
	while (!is_stopped(stop)) {
		int64_t until_ns;

		opened = open_burst(worker, opened);
		if (worker->attempted == worker->count)
			break;
		until_ns = bench_stats_now_ns() + BURST_PAUSE_NS;
		while (worker->now_ns < until_ns && worker->attempted < worker->count)
			if (!run_turn(worker, until_ns, err))
				return false;
	}
	return true;
}

/* Sends the messages that are due. Returns the time at which the next one is due. */
static int64_t send_due_messages(struct bench_worker *worker, struct cursor *at)
{
	for (;;) {
		struct bench_connection *conn = &worker->connections[at->connection];
		int64_t due_ns = bench_request_due_ns(&worker->schedule, conn->number, at->round);

		if (due_ns > worker->now_ns)
			return due_ns;
		if (conn->round == at->round)
			bench_request_send_due(worker, conn);
		if (++at->connection == worker->count) {
			at->connection = 0;
			at->round++;
		}
	}
}

static int64_t min_ns(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static bool run_open_loop_turn(struct bench_worker *worker, struct cursor *at, struct err *err)
{
	int wait_ms = timer_wait_ms(&worker->timers, worker->now_ns / 1000000, WAIT_MAX_MS);
	int64_t until_ns = worker->now_ns + (int64_t)wait_ms * 1000000;
	int64_t due_ns = send_due_messages(worker, at);

	until_ns = min_ns(min_ns(until_ns, due_ns), worker->end_ns);
	return run_turn(worker, until_ns, err);
}

/* A lone connection waits in recv(2) itself: one system call less for each message. */
static bool run_blocking_turn(struct bench_worker *worker, struct err *err)
{
	struct bench_connection *conn = &worker->connections[0];

	if (conn->state != BENCH_BUSY || conn->sent < worker->options->message.size)
		return run_turn(worker, INT64_MAX, err);
	bench_request_receive(worker, conn);
	worker->now_ns = bench_stats_now_ns();
	handle_timers(worker);
	return true;
}

static void start_run(struct bench_worker *worker, int64_t start_ns)
{
	worker->is_running = true;
	worker->now_ns = bench_stats_now_ns();
	worker->start_ns = worker->schedule.start_ns = start_ns;
	if (worker->options->duration_ms > 0)
		worker->end_ns = start_ns + worker->options->duration_ms * 1000000;
	for (int i = 0; i < worker->count; i++) {
		struct bench_connection *conn = &worker->connections[i];

		if (conn->state == BENCH_IDLE && worker->options->rate == 0)
			bench_request_send_next(worker, conn);
		else if (conn->state == BENCH_CLOSED && !timer_is_set(&conn->timer))
			bench_connection_set_timer(worker, conn, 0);
	}
	handle_timers(worker);
}

static bool is_run_over(const struct bench_worker *worker)
{
	const struct bench_stats *stats = worker->stats;

	return worker->now_ns >= worker->end_ns ||
	       (worker->quota != UINT64_MAX &&
		stats->answers + bench_stats_errors(stats) >= worker->quota);
}

/*
 * A message that was due and has no response counts with its age. Very many of them, which are due
 * at equal distances, count in groups with the age of the oldest.
 */
static void count_due_messages(struct bench_worker *worker, const struct bench_connection *conn,
			       int64_t until_ns)
{
	int64_t rounds = bench_request_count_due(&worker->schedule, conn->number, until_ns);
	int64_t group = (rounds - conn->round) / AGE_GROUPS + 1;

	worker->stats->due += (uint64_t)rounds;
	for (int64_t i = conn->round; i < rounds; i += group) {
		int64_t many = rounds - i < group ? rounds - i : group;
		int64_t age_ns =
			worker->now_ns - bench_request_due_ns(&worker->schedule, conn->number, i);

		worker->stats->unanswered += (uint64_t)many;
		bench_stats_add_latencies(&worker->stats->answer, age_ns > 0 ? (uint64_t)age_ns : 0,
					  (uint64_t)many);
	}
}

/* The ages are compared with the longest latency so far, not with each other. */
static void count_unanswered(struct bench_worker *worker)
{
	uint64_t longest_ns = worker->stats->answer.max_ns;

	for (int i = 0; i < worker->count; i++) {
		const struct bench_connection *conn = &worker->connections[i];

		if (conn->state == BENCH_BUSY)
			bench_stats_add_unanswered(
				worker->stats, (uint64_t)(worker->now_ns - conn->latency_from_ns),
				longest_ns);
	}
}

static void finish_run(struct bench_worker *worker)
{
	struct bench_stats *stats = worker->stats;

	/* responses since the last reading of the clock belong to the run */
	worker->now_ns = bench_stats_now_ns();
	stats->start_ns = worker->start_ns;
	/* a process that was stopped beyond the end must not lengthen the run of all */
	stats->end_ns = min_ns(worker->now_ns, worker->end_ns);
	if (stats->end_ns < worker->start_ns)
		stats->end_ns = worker->start_ns;
	for (int i = 0; i < worker->count && worker->options->rate > 0; i++)
		count_due_messages(worker, &worker->connections[i],
				   min_ns(worker->now_ns, worker->end_ns));
	if (worker->options->rate == 0)
		count_unanswered(worker);
}

bool bench_worker_run(struct bench_worker *worker, int64_t start_ns, const atomic_bool *stop,
		      struct err *err)
{
	uint64_t cpu_ns = cputime_own_ns();
	struct cursor at = { 0 };
	bool is_good = true;

	if (worker->options->rate > 0)
		sys_prctl(PR_SET_TIMERSLACK, 1); /* otherwise waits end up to 50 us late */
	start_run(worker, start_ns);
	while (is_good && !is_run_over(worker) && !is_stopped(stop)) {
		if (worker->options->rate > 0)
			is_good = run_open_loop_turn(worker, &at, err);
		else if (worker->is_blocking)
			is_good = run_blocking_turn(worker, err);
		else
			is_good = run_turn(worker, INT64_MAX, err);
		bench_request_check_sizes(worker);
	}
	worker->stats->cpu_ns = cputime_own_ns() - cpu_ns;
	finish_run(worker);
	return is_good;
}
