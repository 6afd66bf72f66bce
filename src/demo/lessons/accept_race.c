/* SPDX-License-Identifier: MIT */
/*
 * Lesson: several workers wait for connections on one listening socket; which of them gets one is
 * decided by the order in which they stand in the socket's wait queue, and by how they wait. Every
 * connection comes when all workers sleep, so that it is the kernel that decides and not chance.
 */
#include "base/sys.h"
#include "demo/ground.h"
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
	int64_t sleeps; /* race_sleeps */
	unsigned empty, kicks;
};

struct play {
	struct stage *stage;
	struct actor client, worker[RACE_WORKERS];
	struct race *race;
	enum race_way way;
	struct addr bound;
	int listener;
	unsigned connections; /* of this scene */
	int64_t vain;         /* times a worker was woken that got none of them; -1: not told */
};

static const char *const names[] = { "worker 1", "worker 2", "worker 3", "worker 4", NULL };

/* Until the worker waits for a connection. One whose order came back is at its end. */
static void await_asleep(struct play *p, unsigned seat)
{
	struct order order;

	cast_await_sleep(p->stage, &p->worker[seat]);
	if (!cast_end(p->stage, &p->worker[seat], &order, 0))
		return;
	errno = order.error;
	stage_give_up(p->stage, order.call);
}

static void hire(struct play *p, unsigned seat)
{
	p->worker[seat] = cast_hire(p->stage, 1 + seat, names[seat]);
	cast_begin(p->stage, &p->worker[seat], race_order(p->way, p->listener, seat));
	await_asleep(p, seat);
}

/* The workers begin to wait one after the other. */
static void begin(struct play *p, enum race_way way, const char *heading)
{
	stage_cast(p->stage, names);
	stage_scene(p->stage, heading);
	p->client = cast_hire(p->stage, STAGE_CLIENT, "client");
	p->listener = ground_listen(p->stage, LONG, &p->bound);
	if (way == RACE_BLOCKING && sys_fcntl_int(p->listener, F_SETFL, 0) < 0)
		stage_give_up(p->stage, "fcntl()");
	p->race = race_open(p->stage);
	p->way = way;
	p->connections = 0;
	p->vain = 0;
	for (unsigned i = 0; i < RACE_WORKERS; i++)
		hire(p, i);
}

static void finish(struct play *p)
{
	for (unsigned i = 0; i < RACE_WORKERS; i++)
		cast_kill(p->stage, &p->worker[i]);
	cast_dismiss(p->stage, &p->client);
	sys_close(p->listener);
	race_close(p->race);
}

static unsigned total(const struct play *p)
{
	unsigned sum = 0;

	for (unsigned i = 0; i < RACE_WORKERS; i++)
		sum += p->race->seat[i].live;
	return sum;
}

static struct sight look(const struct play *p, unsigned seat)
{
	const struct race_seat *its = &p->race->seat[seat];

	return (struct sight){ race_sleeps(p->worker[seat].pid), its->empty, its->kicks };
}

/* Until somebody has accepted, and all sleep again. */
static void await_accepted(struct play *p)
{
	struct pollfd bell = { .fd = p->race->bell, .events = POLLIN };
	int n = sys_poll(&bell, 1, WAIT_MS);
	uint64_t count;

	for (unsigned i = 0; i < RACE_WORKERS; i++)
		await_asleep(p, i);
	errno = ETIMEDOUT;
	if (n <= 0 || sys_read(p->race->bell, &count, sizeof(count)) < 0)
		stage_give_up(p->stage, "waiting for a worker to accept");
}

/* What the connection was for a worker. */
static const char *part(const struct play *p, unsigned seat, const struct sight *was,
			const struct sight *is)
{
	if (p->race->last == seat)
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

/* One connection; drawn or not. Returns the seat of who accepted it. */
static unsigned connect_one(struct play *p, bool drawn)
{
	struct sight was[RACE_WORKERS], is;
	struct order done;

	for (unsigned i = 0; i < RACE_WORKERS; i++)
		was[i] = look(p, i);
	done = cast_do(p->stage, &p->client, order_connect(&p->bound));
	errno = done.error;
	if (done.result < 0)
		stage_give_up(p->stage, "connect()");
	await_accepted(p);
	p->connections++;
	for (unsigned i = 0; i < RACE_WORKERS; i++) {
		is = look(p, i);
		if (p->race->last != i)
			count_vain(p, &was[i], &is);
		if (drawn)
			stage_cell(p->stage, 1 + i, "%s", part(p, i, &was[i], &is));
	}
	if (drawn) {
		stage_cell(p->stage, STAGE_CLIENT, "connect() = 0");
		stage_arrow(p->stage, TO_SERVER, "SYN");
		stage_line(p->stage);
	}
	return p->race->last;
}

/*
 * So many; the first few are drawn. True when each went to the worker whose turn it is by `streak`.
 */
static bool connect_all(struct play *p, unsigned count, unsigned streak)
{
	bool in_turn = true;

	for (unsigned i = 0; i < count; i++)
		in_turn &= connect_one(p, i < DRAWN) == i / streak % RACE_WORKERS;
	stage_cell(p->stage, STAGE_CLIENT, "... %u in all (%u drawn)", count,
		   count < DRAWN ? count : DRAWN);
	stage_line(p->stage);
	return in_turn;
}

/* The connections of each, as bars. */
static void chart(const struct play *p)
{
	static const char bar[] = "####################################";
	unsigned spread = race_spread(p->race);

	for (unsigned i = 0; i < RACE_WORKERS; i++) {
		unsigned live = p->race->seat[i].live;

		stage_row(p->stage, "%s %4u%s%.*s", names[i], live, live > 0 ? "  " : "", (int)live,
			  bar);
	}
	stage_row(p->stage, "spread   %u.%02u", spread / 100, spread % 100);
}

/* Of the wake-ups that brought nothing: they are at most so many, or else more. */
static void claim_vain(struct play *p, bool at_most, unsigned many, const char *claim)
{
	if (p->vain < 0) {
		stage_unknown(p->stage, "/proc does not tell how often a process slept", "%s",
			      claim);
		return;
	}
	stage_kernel(p->stage, "%u connections, %d times a worker was woken in vain",
		     p->connections, (int)p->vain);
	stage_claim(p->stage, (p->vain <= many) == at_most, "%s", claim);
}

static void blocking(struct play *p)
{
	bool in_turn;

	begin(p, RACE_BLOCKING, "(a) each worker blocks in accept()");
	in_turn = connect_all(p, SHORT, 1);
	chart(p);
	claim_vain(p, true, p->connections / 2,
		   "a connection wakes one worker, the others sleep on");
	stage_claim(p->stage, in_turn && total(p) == SHORT,
		    "it is the one that has waited longest: who has accepted goes to the tail of "
		    "the queue, so they take turns");
	finish(p);
}

static void herd(struct play *p)
{
	begin(p, RACE_HERD, "(b) each worker waits in its own epoll");
	connect_all(p, SHORT, 1);
	chart(p);
	claim_vain(p, false, p->connections,
		   "a connection wakes more workers than it can feed: the thundering herd");
	stage_claim(
		p->stage, total(p) == SHORT,
		"one of them gets it, by being first: %u connections were made, and %u accepted",
		p->connections, total(p));
	finish(p);
}

static void exclusive(struct play *p)
{
	unsigned first;

	begin(p, RACE_EXCLUSIVE, "(c) the same with EPOLLEXCLUSIVE");
	connect_all(p, SHORT, SHORT);
	first = p->race->seat[0].live;
	chart(p);
	claim_vain(p, true, p->connections / 2,
		   "a connection wakes one worker, the others sleep on");
	stage_claim(p->stage, first == SHORT && total(p) == SHORT,
		    "and always the same one: a worker keeps its place in the queue when it is "
		    "woken, and the first that sleeps is chosen; %u of %u went to worker 1",
		    first, p->connections);
	finish(p);
}

/* Kills the worker FRESH, with its connections, and starts a new one in its place. */
static void replace(struct play *p)
{
	struct race_seat *seat = &p->race->seat[FRESH];

	cast_kill(p->stage, &p->worker[FRESH]);
	stage_cell(p->stage, 1 + FRESH, "killed");
	stage_line(p->stage);
	seat->live = 0;
	seat->asked = 0;
	hire(p, FRESH);
	stage_cell(p->stage, 1 + FRESH, "started");
	stage_hold(p->stage, 1 + FRESH, true);
	stage_line(p->stage);
}

static bool all_have(const struct play *p, unsigned most)
{
	for (unsigned i = 0; i < RACE_WORKERS; i++)
		if (p->race->seat[i].live != most)
			return false;
	return true;
}

static void rotating(struct play *p)
{
	unsigned more = RACE_WORKERS * RACE_STREAK, fresh, other;
	bool in_turn;

	begin(p, RACE_ROTATING, "(d) and after every 4th accept() out of the epoll and in again");
	in_turn = connect_all(p, LONG, RACE_STREAK);
	chart(p);
	stage_claim(p->stage, in_turn && all_have(p, LONG / RACE_WORKERS),
		    "EPOLL_CTL_DEL and EPOLL_CTL_ADD put a worker at the tail of the queue: each "
		    "takes %d, then the next one does",
		    RACE_STREAK);

	stage_scene(p->stage,
		    "    a worker dies, its connections end with it, and a new one starts");
	replace(p);
	for (unsigned i = 0; i < more; i++)
		connect_one(p, false);
	stage_cell(p->stage, STAGE_CLIENT, "%u more (not drawn)", more);
	stage_line(p->stage);
	chart(p);
	fresh = p->race->seat[FRESH].live;
	other = p->race->seat[0].live;
	stage_claim(p->stage,
		    fresh == RACE_STREAK && other == LONG / RACE_WORKERS + RACE_STREAK &&
			    total(p) == fresh + (RACE_WORKERS - 1) * other,
		    "turns are even, but they do not even out: the new worker got its %u of %u, "
		    "and stays behind (%u against %u)",
		    fresh, more, fresh, other);
	finish(p);
}

static unsigned kicks(const struct play *p)
{
	unsigned sum = 0;

	for (unsigned i = 0; i < RACE_WORKERS; i++)
		sum += p->race->seat[i].kicks;
	return sum;
}

static void kicking(struct play *p)
{
	unsigned more = LONG / RACE_WORKERS;
	bool to_fresh = true;

	begin(p, RACE_KICKING, "(e) who has more than another wakes that one instead: a kick");
	connect_all(p, LONG, 1);
	chart(p);
	stage_row(p->stage, "kicks %7u", kicks(p));
	/* who kicks is woken by the connection, and again when the other has it */
	claim_vain(p, true, 2 * kicks(p) + p->connections / 2,
		   "the kernel still wakes one worker: beside it only the one that is kicked");
	stage_claim(p->stage, kicks(p) > 0 && all_have(p, LONG / RACE_WORKERS),
		    "the one that was woken looks at the others' counts (in shared memory) and "
		    "rings the eventfd of the one with the fewest");

	stage_scene(p->stage,
		    "    a worker dies, its connections end with it, and a new one starts");
	replace(p);
	for (unsigned i = 0; i < more; i++)
		to_fresh &= connect_one(p, i == 0) == FRESH;
	stage_cell(p->stage, STAGE_CLIENT, "... %u in all (1 drawn)", more);
	stage_line(p->stage);
	chart(p);
	stage_claim(p->stage, to_fresh && all_have(p, LONG / RACE_WORKERS),
		    "all %u new connections went to the new worker, until it had as many as the "
		    "others",
		    more);
	finish(p);
}

void lesson_accept_race(struct stage *stage)
{
	struct play p = { .stage = stage };

	stage_say(stage,
		  "Four workers wait for connections on one listening socket. A waiting process "
		  "stands in the socket's wait queue, and when a connection comes the kernel wakes "
		  "processes from its head. Who gets the connection depends on how they wait. Each "
		  "connection here comes when all four sleep, and stays open.");
	stage_say(stage,
		  "(accept(): the worker got the connection. woken: the kernel woke it, it found "
		  "none, and slept on. EAGAIN: it even called accept() and got that. The spread is "
		  "the standard deviation of the four counts over their mean: 0 is even, 1.73 is "
		  "all to one of four.)");
	blocking(&p);
	herd(&p);
	exclusive(&p);
	rotating(&p);
	kicking(&p);
	stage_say(stage,
		  "prefork-srv does (d) and (e): turns cost next to nothing and are enough most of "
		  "the time, so a worker goes to the tail only when it has 2 more than the least "
		  "loaded, and kicks that one only when it has 4 more. A real worker does not wait "
		  "for the one it kicked: once it has served what it has in hand it takes the "
		  "connection itself, if that is still there.");
}
