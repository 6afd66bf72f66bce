/* SPDX-License-Identifier: MIT */
/*
 * Lesson: several workers wait for connections on one listening socket; which of them gets one is
 * decided by the order in which they stand in the socket's wait queue, and by how they wait. Every
 * connection comes when all workers sleep, so that it is the kernel that decides and not chance.
 */
#include "base/sys.h"
#include "demo/lesson.h"
#include "demo/lessons/accept_workers.h"
#include "demo/process.h"

enum {
	DRAWN = 5,
	SHORT = 16, /* connections of a scene */
	LONG = 32,
	FRESH = 1, /* the worker that is killed and comes back: the second */
	WAIT_MS = 5000,
};

/* What is known of a worker before or after a connection. */
struct sight {
	int64_t sleeps; /* kernel_sleeps */
	unsigned empty, kicks;
};

struct play {
	struct output *out;
	struct process client, worker[ACCEPT_WORKERS];
	struct accept_workers *shared;
	enum accept_way way;
	struct addr bound;
	int listener;
	unsigned connections; /* of this scene */
	int64_t vain;         /* times a worker was woken that got none of them; -1: not told */
};

static const char *const names[] = { "worker 1", "worker 2", "worker 3", "worker 4", NULL };

/* Until the worker waits for a connection. One whose order came back is at its end. */
static void await_asleep(struct play *p, unsigned number)
{
	struct call call;

	process_await_sleep(&p->worker[number]);
	if (!process_await_result(&p->worker[number], &call, 0))
		return;
	errno = call.error;
	output_skip_rest(p->out, call.name);
}

static void hire(struct play *p, unsigned number)
{
	p->worker[number] = process_fork(p->out, 1 + number, names[number]);
	process_start_call(&p->worker[number], accept_workers_call(p->way, p->listener, number));
	await_asleep(p, number);
}

/* The workers begin to wait one after the other. */
static void begin(struct play *p, enum accept_way way, const char *heading)
{
	output_columns(p->out, names);
	output_scene(p->out, heading);
	p->client = process_fork(p->out, OUTPUT_CLIENT, "client");
	p->listener = process_listen(p->out, LONG, &p->bound);
	if (way == ACCEPT_BLOCKING && sys_fcntl_int(p->listener, F_SETFL, 0) < 0)
		output_skip_rest(p->out, "fcntl()");
	p->shared = accept_workers_open(p->out);
	p->way = way;
	p->connections = 0;
	p->vain = 0;
	for (unsigned i = 0; i < ACCEPT_WORKERS; i++)
		hire(p, i);
}

static void finish(struct play *p)
{
	for (unsigned i = 0; i < ACCEPT_WORKERS; i++)
		process_kill(&p->worker[i]);
	process_stop(&p->client);
	sys_close(p->listener);
	accept_workers_close(p->shared);
}

static unsigned total(const struct play *p)
{
	unsigned sum = 0;

	for (unsigned i = 0; i < ACCEPT_WORKERS; i++)
		sum += p->shared->worker[i].live;
	return sum;
}

static struct sight look(const struct play *p, unsigned number)
{
	const struct accept_worker *its = &p->shared->worker[number];

	return (struct sight){ kernel_sleeps(p->worker[number].pid), its->empty, its->kicks };
}

/* Until somebody has accepted, and all sleep again. */
static void await_accepted(struct play *p)
{
	struct pollfd accepted = { .fd = p->shared->accepted_fd, .events = POLLIN };
	int n = sys_poll(&accepted, 1, WAIT_MS);
	uint64_t count;

	for (unsigned i = 0; i < ACCEPT_WORKERS; i++)
		await_asleep(p, i);
	errno = ETIMEDOUT;
	if (n <= 0 || sys_read(p->shared->accepted_fd, &count, sizeof(count)) < 0)
		output_skip_rest(p->out, "waiting for a worker to accept");
}

/* What the connection was for a worker. */
static const char *part(const struct play *p, unsigned number, const struct sight *was,
			const struct sight *is)
{
	if (p->shared->last == number)
		return "accept()";
	if (is->kicks > was->kicks)
		return "kick";
	if (is->empty > was->empty)
		return "EAGAIN";
	return is->sleeps > was->sleeps ? "woken" : "";
}

static void count_vain(struct play *p, const struct sight *was, const struct sight *is)
{
	if (was->sleeps < 0 || is->sleeps < 0)
		p->vain = -1;
	if (p->vain >= 0)
		p->vain += is->sleeps - was->sleeps;
}

/* One connection; drawn or not. Returns the number of who accepted it. */
static unsigned connect_one(struct play *p, bool drawn)
{
	struct sight was[ACCEPT_WORKERS], is;
	struct call done;

	for (unsigned i = 0; i < ACCEPT_WORKERS; i++)
		was[i] = look(p, i);
	done = process_run(&p->client, call_connect(&p->bound));
	errno = done.error;
	if (done.result < 0)
		output_skip_rest(p->out, "connect()");
	await_accepted(p);
	p->connections++;
	for (unsigned i = 0; i < ACCEPT_WORKERS; i++) {
		is = look(p, i);
		if (p->shared->last != i)
			count_vain(p, &was[i], &is);
		if (drawn)
			output_cell(p->out, 1 + i, "%s", part(p, i, &was[i], &is));
	}
	if (drawn) {
		output_cell(p->out, OUTPUT_CLIENT, "connect() = 0");
		output_arrow(p->out, TO_SERVER, "SYN");
		output_line(p->out);
	}
	return p->shared->last;
}

/*
 * So many; the first few are drawn. True when each went to the worker whose turn it is by `streak`.
 */
static bool connect_all(struct play *p, unsigned count, unsigned streak)
{
	bool in_turn = true;

	for (unsigned i = 0; i < count; i++)
		in_turn &= connect_one(p, i < DRAWN) == i / streak % ACCEPT_WORKERS;
	output_cell(p->out, OUTPUT_CLIENT, "... %u in all (%u drawn)", count,
		    count < DRAWN ? count : DRAWN);
	output_line(p->out);
	return in_turn;
}

/* The connections of each, as bars. */
static void chart(const struct play *p)
{
	static const char bar[] = "####################################";
	unsigned spread = accept_workers_spread(p->shared);

	for (unsigned i = 0; i < ACCEPT_WORKERS; i++) {
		unsigned live = p->shared->worker[i].live;

		output_row(p->out, "%s %4u%s%.*s", names[i], live, live > 0 ? "  " : "", (int)live,
			   bar);
	}
	output_row(p->out, "spread   %u.%02u", spread / 100, spread % 100);
}

/* Of the wake-ups that brought nothing: they are at most so many, or else more. */
static void claim_vain(struct play *p, bool at_most, unsigned many, const char *claim)
{
	if (p->vain < 0) {
		output_skip_claim(p->out, "/proc does not tell how often a process slept", "%s",
				  claim);
		return;
	}
	output_kernel(p->out, "%u connections, %d times a worker was woken in vain", p->connections,
		      (int)p->vain);
	output_claim(p->out, (p->vain <= many) == at_most, "%s", claim);
}

static void blocking(struct play *p)
{
	bool in_turn;

	begin(p, ACCEPT_BLOCKING, "(a) each worker blocks in accept()");
	in_turn = connect_all(p, SHORT, 1);
	chart(p);
	claim_vain(p, true, p->connections / 2,
		   "a connection wakes one worker, the others sleep on");
	output_claim(p->out, in_turn && total(p) == SHORT,
		     "it is the one that has waited longest: who has accepted goes to the tail of "
		     "the queue, so they take turns");
	finish(p);
}

static void herd(struct play *p)
{
	begin(p, ACCEPT_HERD, "(b) each worker waits in its own epoll");
	connect_all(p, SHORT, 1);
	chart(p);
	claim_vain(p, false, p->connections,
		   "a connection wakes more workers than it can feed: the thundering herd");
	output_claim(
		p->out, total(p) == SHORT,
		"one of them gets it, by being first: %u connections were made, and %u accepted",
		p->connections, total(p));
	finish(p);
}

static void exclusive(struct play *p)
{
	unsigned first;

	begin(p, ACCEPT_EXCLUSIVE, "(c) the same with EPOLLEXCLUSIVE");
	connect_all(p, SHORT, SHORT);
	first = p->shared->worker[0].live;
	chart(p);
	claim_vain(p, true, p->connections / 2,
		   "a connection wakes one worker, the others sleep on");
	output_claim(p->out, first == SHORT && total(p) == SHORT,
		     "and always the same one: a worker keeps its place in the queue when it is "
		     "woken, and the first that sleeps is chosen; %u of %u went to worker 1",
		     first, p->connections);
	finish(p);
}

/* Kills the worker FRESH, with its connections, and starts a new one in its place. */
static void replace(struct play *p)
{
	struct accept_worker *its = &p->shared->worker[FRESH];

	process_kill(&p->worker[FRESH]);
	output_cell(p->out, 1 + FRESH, "killed");
	output_line(p->out);
	its->live = 0;
	its->requests = 0;
	hire(p, FRESH);
	output_cell(p->out, 1 + FRESH, "started");
	output_lifeline(p->out, 1 + FRESH, true);
	output_line(p->out);
}

static bool all_have(const struct play *p, unsigned most)
{
	for (unsigned i = 0; i < ACCEPT_WORKERS; i++)
		if (p->shared->worker[i].live != most)
			return false;
	return true;
}

static void rotating(struct play *p)
{
	unsigned more = ACCEPT_WORKERS * ACCEPT_STREAK, fresh, other;
	bool in_turn;

	begin(p, ACCEPT_ROTATING, "(d) and after every 4th accept() out of the epoll and in again");
	in_turn = connect_all(p, LONG, ACCEPT_STREAK);
	chart(p);
	output_claim(p->out, in_turn && all_have(p, LONG / ACCEPT_WORKERS),
		     "EPOLL_CTL_DEL and EPOLL_CTL_ADD put a worker at the tail of the queue: each "
		     "takes %d, then the next one does",
		     ACCEPT_STREAK);

	output_scene(p->out,
		     "    a worker dies, its connections end with it, and a new one starts");
	replace(p);
	for (unsigned i = 0; i < more; i++)
		connect_one(p, false);
	output_cell(p->out, OUTPUT_CLIENT, "%u more (not drawn)", more);
	output_line(p->out);
	chart(p);
	fresh = p->shared->worker[FRESH].live;
	other = p->shared->worker[0].live;
	output_claim(p->out,
		     fresh == ACCEPT_STREAK && other == LONG / ACCEPT_WORKERS + ACCEPT_STREAK &&
			     total(p) == fresh + (ACCEPT_WORKERS - 1) * other,
		     "turns are even, but they do not even out: the new worker got its %u of %u, "
		     "and stays behind (%u against %u)",
		     fresh, more, fresh, other);
	finish(p);
}

static unsigned kicks(const struct play *p)
{
	unsigned sum = 0;

	for (unsigned i = 0; i < ACCEPT_WORKERS; i++)
		sum += p->shared->worker[i].kicks;
	return sum;
}

static void kicking(struct play *p)
{
	unsigned more = LONG / ACCEPT_WORKERS;
	bool to_fresh = true;

	begin(p, ACCEPT_KICKING, "(e) who has more than another wakes that one instead: a kick");
	connect_all(p, LONG, 1);
	chart(p);
	output_row(p->out, "kicks %7u", kicks(p));
	/* who kicks is woken by the connection, and again when the other has it */
	claim_vain(p, true, 2 * kicks(p) + p->connections / 2,
		   "the kernel still wakes one worker: beside it only the one that is kicked");
	output_claim(p->out, kicks(p) > 0 && all_have(p, LONG / ACCEPT_WORKERS),
		     "the one that was woken looks at the others' counts (in shared memory) and "
		     "rings the eventfd of the one with the fewest");

	output_scene(p->out,
		     "    a worker dies, its connections end with it, and a new one starts");
	replace(p);
	for (unsigned i = 0; i < more; i++)
		to_fresh &= connect_one(p, i == 0) == FRESH;
	output_cell(p->out, OUTPUT_CLIENT, "... %u in all (1 drawn)", more);
	output_line(p->out);
	chart(p);
	output_claim(p->out, to_fresh && all_have(p, LONG / ACCEPT_WORKERS),
		     "all %u new connections went to the new worker, until it had as many as the "
		     "others",
		     more);
	finish(p);
}

void lesson_accept_race(struct output *out)
{
	struct play p = { .out = out };

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
	blocking(&p);
	herd(&p);
	exclusive(&p);
	rotating(&p);
	kicking(&p);
	output_paragraph(
		out,
		"prefork-srv does (d) and (e): turns cost next to nothing and are enough most of "
		"the time, so a worker goes to the tail only when it has 2 more than the least "
		"loaded, and kicks that one only when it has 4 more. A real worker does not wait "
		"for the one it kicked: once it has served what it has in hand it takes the "
		"connection itself, if that is still there.");
}
