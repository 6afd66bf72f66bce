/* SPDX-License-Identifier: MIT */
/*
 * Lesson: several workers wait for connections on one listening socket; which of them gets one is
 * decided by the order in which they stand in the socket's wait queue, and by how they wait. Every
 * connection comes when all workers sleep, so that the kernel decides, not chance.
 */
#include "base/sys.h"
#include "demo/lesson.h"
#include "demo/lessons/accept_workers.h"
#include "demo/process.h"

enum {
	DRAWN = 5,
	SHORT = 16, /* connections of a scene */
	LONG = 32,
	FRESH = 1, /* the number of the worker that is killed and replaced */
	WAIT_MS = 5000,
};

/* The counts of a worker before or after a connection. */
struct observation {
	int64_t sleeps; /* kernel_sleeps */
	unsigned empty, kicks;
};

struct fixture {
	struct output *out;
	struct process client, worker[ACCEPT_WORKERS];
	struct accept_workers *shared;
	enum accept_way way;
	struct addr bound;
	int listener;
	unsigned connections; /* of this scene */
	int64_t vain_wakeups; /* of workers that got no connection; -1: /proc does not tell */
};

static const char *const names[] = { "worker 1", "worker 2", "worker 3", "worker 4", NULL };

/* Waits until the worker waits for a connection. A worker whose call has returned has failed. */
static void await_worker_asleep(struct fixture *f, unsigned number)
{
	struct call call;

	process_await_sleep(&f->worker[number]);
	if (!process_await_result(&f->worker[number], &call, 0))
		return;
	errno = call.error;
	output_skip_rest(f->out, call.name);
}

static void start_worker(struct fixture *f, unsigned number)
{
	f->worker[number] = process_fork(f->out, 1 + number, names[number]);
	process_start_call(&f->worker[number], accept_workers_call(f->way, f->listener, number));
	await_worker_asleep(f, number);
}

/* The workers begin to wait one after the other. */
static void start_scene(struct fixture *f, enum accept_way way, const char *heading)
{
	output_columns(f->out, names);
	output_scene(f->out, heading);
	f->client = process_fork(f->out, OUTPUT_CLIENT, "client");
	f->listener = process_listen(f->out, LONG, &f->bound);
	if (way == ACCEPT_BLOCKING && sys_fcntl_int(f->listener, F_SETFL, 0) < 0)
		output_skip_rest(f->out, "fcntl()");
	f->shared = accept_workers_open(f->out);
	f->way = way;
	f->connections = 0;
	f->vain_wakeups = 0;
	for (unsigned i = 0; i < ACCEPT_WORKERS; i++)
		start_worker(f, i);
}

static void end_scene(struct fixture *f)
{
	for (unsigned i = 0; i < ACCEPT_WORKERS; i++)
		process_kill(&f->worker[i]);
	process_stop(&f->client);
	sys_close(f->listener);
	accept_workers_close(f->shared);
}

static unsigned count_connections(const struct fixture *f)
{
	unsigned sum = 0;

	for (unsigned i = 0; i < ACCEPT_WORKERS; i++)
		sum += f->shared->worker[i].live;
	return sum;
}

static struct observation observe_worker(const struct fixture *f, unsigned number)
{
	const struct accept_worker *its = &f->shared->worker[number];

	return (struct observation){ kernel_sleeps(f->worker[number].pid), its->empty, its->kicks };
}

/* Waits until a worker has accepted and all workers sleep again. */
static void await_accept(struct fixture *f)
{
	struct pollfd accepted = { .fd = f->shared->accepted_fd, .events = POLLIN };
	int n = sys_poll(&accepted, 1, WAIT_MS);
	uint64_t count;

	for (unsigned i = 0; i < ACCEPT_WORKERS; i++)
		await_worker_asleep(f, i);
	errno = ETIMEDOUT;
	if (n <= 0 || sys_read(f->shared->accepted_fd, &count, sizeof(count)) < 0)
		output_skip_rest(f->out, "waiting for a worker to accept");
}

/* The outcome of the connection for a worker. */
static const char *get_outcome(const struct fixture *f, unsigned number,
			       const struct observation *was, const struct observation *is)
{
	if (f->shared->last == number)
		return "accept()";
	if (is->kicks > was->kicks)
		return "kick";
	if (is->empty > was->empty)
		return "EAGAIN";
	return is->sleeps > was->sleeps ? "woken" : "";
}

static void count_vain_wakeups(struct fixture *f, const struct observation *was,
			       const struct observation *is)
{
	if (was->sleeps < 0 || is->sleeps < 0)
		f->vain_wakeups = -1;
	if (f->vain_wakeups >= 0)
		f->vain_wakeups += is->sleeps - was->sleeps;
}

/* Makes one connection, drawn or not. Returns the number of the worker that accepted it. */
static unsigned connect_client(struct fixture *f, bool drawn)
{
	struct observation was[ACCEPT_WORKERS], is;
	struct call done;

	for (unsigned i = 0; i < ACCEPT_WORKERS; i++)
		was[i] = observe_worker(f, i);
	done = process_run(&f->client, call_connect(&f->bound));
	errno = done.error;
	if (done.result < 0)
		output_skip_rest(f->out, "connect()");
	await_accept(f);
	f->connections++;
	for (unsigned i = 0; i < ACCEPT_WORKERS; i++) {
		is = observe_worker(f, i);
		if (f->shared->last != i)
			count_vain_wakeups(f, &was[i], &is);
		if (drawn)
			output_cell(f->out, 1 + i, "%s", get_outcome(f, i, &was[i], &is));
	}
	if (drawn) {
		output_cell(f->out, OUTPUT_CLIENT, "connect() = 0");
		output_arrow(f->out, TO_SERVER, "SYN");
		output_line(f->out);
	}
	return f->shared->last;
}

/*
 * Makes so many connections, and draws the first few. True when the workers took turns, each for
 * `streak` connections.
 */
static bool connect_clients(struct fixture *f, unsigned count, unsigned streak)
{
	bool in_turn = true;

	for (unsigned i = 0; i < count; i++)
		in_turn &= connect_client(f, i < DRAWN) == i / streak % ACCEPT_WORKERS;
	output_cell(f->out, OUTPUT_CLIENT, "... %u in all (%u drawn)", count,
		    count < DRAWN ? count : DRAWN);
	output_line(f->out);
	return in_turn;
}

/* The connections of each worker, as bars. */
static void draw_chart(const struct fixture *f)
{
	static const char bar[] = "####################################";
	unsigned spread = accept_workers_spread(f->shared);

	for (unsigned i = 0; i < ACCEPT_WORKERS; i++) {
		unsigned live = f->shared->worker[i].live;

		output_row(f->out, "%s %4u%s%.*s", names[i], live, live > 0 ? "  " : "", (int)live,
			   bar);
	}
	output_row(f->out, "spread   %u.%02u", spread / 100, spread % 100);
}

/* Claims that the vain wake-ups are at most so many, or that they are more. */
static void claim_vain_wakeups(struct fixture *f, bool at_most, unsigned many, const char *claim)
{
	if (f->vain_wakeups < 0) {
		output_skip_claim(f->out, "/proc does not tell how often a process slept", "%s",
				  claim);
		return;
	}
	output_kernel(f->out, "%u connections, %d times a worker was woken in vain", f->connections,
		      (int)f->vain_wakeups);
	output_claim(f->out, (f->vain_wakeups <= many) == at_most, "%s", claim);
}

static void show_blocking_accept(struct fixture *f)
{
	bool in_turn;

	start_scene(f, ACCEPT_BLOCKING, "(a) each worker blocks in accept()");
	in_turn = connect_clients(f, SHORT, 1);
	draw_chart(f);
	claim_vain_wakeups(f, true, f->connections / 2,
			   "a connection wakes one worker, the others sleep on");
	output_claim(f->out, in_turn && count_connections(f) == SHORT,
		     "it is the one that has waited longest: who has accepted goes to the tail of "
		     "the queue, so they take turns");
	end_scene(f);
}

static void show_thundering_herd(struct fixture *f)
{
	start_scene(f, ACCEPT_HERD, "(b) each worker waits in its own epoll");
	connect_clients(f, SHORT, 1);
	draw_chart(f);
	claim_vain_wakeups(f, false, f->connections,
			   "a connection wakes more workers than it can feed: the thundering herd");
	output_claim(
		f->out, count_connections(f) == SHORT,
		"one of them gets it, by being first: %u connections were made, and %u accepted",
		f->connections, count_connections(f));
	end_scene(f);
}

static void show_exclusive_epoll(struct fixture *f)
{
	unsigned first;

	start_scene(f, ACCEPT_EXCLUSIVE, "(c) the same with EPOLLEXCLUSIVE");
	connect_clients(f, SHORT, SHORT);
	first = f->shared->worker[0].live;
	draw_chart(f);
	claim_vain_wakeups(f, true, f->connections / 2,
			   "a connection wakes one worker, the others sleep on");
	output_claim(f->out, first == SHORT && count_connections(f) == SHORT,
		     "and always the same one: a worker keeps its place in the queue when it is "
		     "woken, and the first that sleeps is chosen; %u of %u went to worker 1",
		     first, f->connections);
	end_scene(f);
}

/* Kills the worker FRESH, with its connections, and starts a new one in its place. */
static void replace_worker(struct fixture *f)
{
	struct accept_worker *its = &f->shared->worker[FRESH];

	process_kill(&f->worker[FRESH]);
	output_cell(f->out, 1 + FRESH, "killed");
	output_line(f->out);
	its->live = 0;
	its->requests = 0;
	start_worker(f, FRESH);
	output_cell(f->out, 1 + FRESH, "started");
	output_lifeline(f->out, 1 + FRESH, true);
	output_line(f->out);
}

static bool all_have_connections(const struct fixture *f, unsigned most)
{
	for (unsigned i = 0; i < ACCEPT_WORKERS; i++)
		if (f->shared->worker[i].live != most)
			return false;
	return true;
}

static void show_rotation(struct fixture *f)
{
	unsigned more = ACCEPT_WORKERS * ACCEPT_STREAK, fresh, other;
	bool in_turn;

	start_scene(f, ACCEPT_ROTATING,
		    "(d) and after every 4th accept() out of the epoll and in again");
	in_turn = connect_clients(f, LONG, ACCEPT_STREAK);
	draw_chart(f);
	output_claim(f->out, in_turn && all_have_connections(f, LONG / ACCEPT_WORKERS),
		     "EPOLL_CTL_DEL and EPOLL_CTL_ADD put a worker at the tail of the queue: each "
		     "takes %d, then the next one does",
		     ACCEPT_STREAK);

	output_scene(f->out,
		     "    a worker dies, its connections end with it, and a new one starts");
	replace_worker(f);
	for (unsigned i = 0; i < more; i++)
		connect_client(f, false);
	output_cell(f->out, OUTPUT_CLIENT, "%u more (not drawn)", more);
	output_line(f->out);
	draw_chart(f);
	fresh = f->shared->worker[FRESH].live;
	other = f->shared->worker[0].live;
	output_claim(f->out,
		     fresh == ACCEPT_STREAK && other == LONG / ACCEPT_WORKERS + ACCEPT_STREAK &&
			     count_connections(f) == fresh + (ACCEPT_WORKERS - 1) * other,
		     "turns are even, but they do not even out: the new worker got its %u of %u, "
		     "and stays behind (%u against %u)",
		     fresh, more, fresh, other);
	end_scene(f);
}

static unsigned count_kicks(const struct fixture *f)
{
	unsigned sum = 0;

	for (unsigned i = 0; i < ACCEPT_WORKERS; i++)
		sum += f->shared->worker[i].kicks;
	return sum;
}

static void show_kicks(struct fixture *f)
{
	unsigned more = LONG / ACCEPT_WORKERS;
	bool to_fresh = true;

	start_scene(f, ACCEPT_KICKING,
		    "(e) who has more than another wakes that one instead: a kick");
	connect_clients(f, LONG, 1);
	draw_chart(f);
	output_row(f->out, "kicks %7u", count_kicks(f));
	/* the worker that kicks is woken by the connection, and again when the other has it */
	claim_vain_wakeups(
		f, true, 2 * count_kicks(f) + f->connections / 2,
		"the kernel still wakes one worker: beside it only the one that is kicked");
	output_claim(f->out, count_kicks(f) > 0 && all_have_connections(f, LONG / ACCEPT_WORKERS),
		     "the one that was woken looks at the others' counts (in shared memory) and "
		     "rings the eventfd of the one with the fewest");

	output_scene(f->out,
		     "    a worker dies, its connections end with it, and a new one starts");
	replace_worker(f);
	for (unsigned i = 0; i < more; i++)
		to_fresh &= connect_client(f, i == 0) == FRESH;
	output_cell(f->out, OUTPUT_CLIENT, "... %u in all (1 drawn)", more);
	output_line(f->out);
	draw_chart(f);
	output_claim(f->out, to_fresh && all_have_connections(f, LONG / ACCEPT_WORKERS),
		     "all %u new connections went to the new worker, until it had as many as the "
		     "others",
		     more);
	end_scene(f);
}

void lesson_accept_race(struct output *out)
{
	struct fixture f = { .out = out };

	output_paragraph(
		out,
		"Four workers wait for connections on one listening socket. A waiting process "
		"stands in the socket's wait queue, and when a connection comes the kernel wakes "
		"processes from its head. Who gets the connection depends on how they wait. Each "
		"connection here comes when all four sleep, and stays open.");
	output_paragraph(
		out,
		"(accept(): the worker got the connection. woken: the kernel woke it, it found "
		"none, and slept on. EAGAIN: it even called accept() and got that. The spread is "
		"the standard deviation of the four counts over their mean: 0 is even, 1.73 is "
		"all to one of four.)");
	show_blocking_accept(&f);
	show_thundering_herd(&f);
	show_exclusive_epoll(&f);
	show_rotation(&f);
	show_kicks(&f);
	output_paragraph(
		out,
		"prefork-srv does (d) and (e): turns cost next to nothing and are enough most of "
		"the time, so a worker goes to the tail only when it has 2 more than the least "
		"loaded, and kicks that one only when it has 4 more. A real worker does not wait "
		"for the one it kicked: once it has served what it has in hand it takes the "
		"connection itself, if that is still there.");
}
